"""The routes of calls, their recordings, streams and notifications.

Follows Twilio's Call, Call Recording, Stream and Call Notification resources.
"""

from telebridge.simulator.resources.fields import RequestFields
from telebridge.simulator.resources.parameters import read_create, read_recording, read_update
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.simulator.resources.recordings import RecordingResource
from telebridge.simulator.resources.streams import read_stream
from telebridge.simulator.rest.api import ACCOUNT, ApiAnswer, ApiRequest, ApiRoute, created, deleted, found

CALLS = f"{ACCOUNT}/Calls"


def create(request: ApiRequest) -> ApiAnswer:
    """Create a call. The status 201 means that it is queued, not that it was dialed."""
    options = request.account.options
    setup = read_create(request.form, owned_numbers=request.account.owned_numbers)
    if options.verified_numbers is not None and setup.to not in options.verified_numbers:
        raise ApiProblem(400, 21219, setup.to)
    return created(request.account.create(setup).as_json())


def _list(request: ApiRequest) -> ApiAnswer:
    return found(request.account.books.calls.page(request.query))


def _fetch(request: ApiRequest) -> ApiAnswer:
    return found(request.account.books.calls.find(request.names["sid"]).as_json())


def update(request: ApiRequest) -> ApiAnswer:
    """End a call, or replace its TwiML."""
    return found(request.account.update(request.names["sid"], read_update(request.form)).as_json())


def _delete(request: ApiRequest) -> ApiAnswer:
    request.account.books.calls.delete(request.names["sid"])
    return deleted()


def _recordings(request: ApiRequest) -> ApiAnswer:
    sid = request.account.books.calls.find(request.names["call"]).sid
    return found(request.account.books.recordings.page_of_owner(sid, request.query, request.path))


def start_recording(request: ApiRequest) -> ApiAnswer:
    """Record a call that is in progress from now on."""
    setup = read_recording(request.form)
    recorder = request.account.live(request.names["call"]).recorder
    return created(recorder.start("StartCallRecordingAPI", setup).as_json())


def _recording(request: ApiRequest) -> RecordingResource:
    return request.account.books.recordings.find_of_call(request.names["sid"], request.names["call"])


def _fetch_recording(request: ApiRequest) -> ApiAnswer:
    return found(_recording(request).as_json())


def update_recording(request: ApiRequest) -> ApiAnswer:
    """Pause, resume or end a recording."""
    fields = RequestFields(request.form)
    pause = fields.word("PauseBehavior", "silence", ("silence", "skip"))
    recorder = request.account.live(request.names["call"]).recorder
    return found(
        recorder.update(request.names["sid"], fields.text("Status"), silent_pauses=pause == "silence").as_json()
    )


def _delete_recording(request: ApiRequest) -> ApiAnswer:
    request.account.books.recordings.delete(_recording(request).sid)
    return deleted()


def start_stream(request: ApiRequest) -> ApiAnswer:
    """Begin a one-way stream beside whatever the call does."""
    call = request.account.live(request.names["call"])
    return created(call.streams.start(read_stream(request.form)).as_json())


def stop_stream(request: ApiRequest) -> ApiAnswer:
    """End a one-way stream."""
    call = request.account.live(request.names["call"])
    RequestFields(request.form).word("Status", "", ("stopped",))
    return found(call.streams.stop(request.names["sid"]).as_json())


def _notifications(request: ApiRequest) -> ApiAnswer:
    sid = request.account.books.calls.find(request.names["call"]).sid
    return found(request.account.books.notifications.page_of_call(sid, request.query, request.path))


ROUTES = (
    ApiRoute("POST", f"{CALLS}.json", create),
    ApiRoute("GET", f"{CALLS}.json", _list),
    ApiRoute("GET", f"{CALLS}/{{sid}}.json", _fetch),
    ApiRoute("POST", f"{CALLS}/{{sid}}.json", update),
    ApiRoute("DELETE", f"{CALLS}/{{sid}}.json", _delete),
    ApiRoute("GET", f"{CALLS}/{{call}}/Recordings.json", _recordings),
    ApiRoute("POST", f"{CALLS}/{{call}}/Recordings.json", start_recording),
    ApiRoute("GET", f"{CALLS}/{{call}}/Recordings/{{sid}}.json", _fetch_recording),
    ApiRoute("POST", f"{CALLS}/{{call}}/Recordings/{{sid}}.json", update_recording),
    ApiRoute("DELETE", f"{CALLS}/{{call}}/Recordings/{{sid}}.json", _delete_recording),
    ApiRoute("POST", f"{CALLS}/{{call}}/Streams.json", start_stream),
    ApiRoute("POST", f"{CALLS}/{{call}}/Streams/{{sid}}.json", stop_stream),
    ApiRoute("GET", f"{CALLS}/{{call}}/Notifications.json", _notifications),
)
