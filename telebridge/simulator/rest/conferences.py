"""The routes of conferences and queues: who is in them, and what a program changes.

Follows Twilio's Conference, Participant, Queue and Member resources.
"""

from html import escape

from telebridge.simulator.new_sids import new_sid
from telebridge.simulator.resources.fields import RequestFields
from telebridge.simulator.resources.pages import page_of
from telebridge.simulator.resources.parameters import CallUpdate, read_create
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.simulator.resources.queues import QueueMember, QueueResource
from telebridge.simulator.rest.api import ACCOUNT, ApiAnswer, ApiRequest, ApiRoute, created, deleted, found

PARTICIPANT_CALL = (
    "To",
    "From",
    "Timeout",
    "TimeLimit",
    "StatusCallback",
    "StatusCallbackMethod",
    "StatusCallbackEvent",
    "MachineDetection",
)
"""What the call of a new participant has of a call."""
CONFERENCES, QUEUES = f"{ACCOUNT}/Conferences", f"{ACCOUNT}/Queues"


def _conferences(request: ApiRequest) -> ApiAnswer:
    return found(request.account.books.conferences.page(request.query))


def _conference(request: ApiRequest) -> ApiAnswer:
    return found(request.account.books.conferences.find(request.names["sid"]).as_json())


def update_conference(request: ApiRequest) -> ApiAnswer:
    """End a conference."""
    conference = request.account.books.conferences.find(request.names["sid"])
    if RequestFields(request.form).word("Status", "", ("", "completed")):
        at = request.account.clock.wallclock()
        request.account.tell_conference(conference, conference.end("conference-ended-via-api", at=at))
    return found(conference.as_json())


def _conference_recordings(request: ApiRequest) -> ApiAnswer:
    sid = request.account.books.conferences.find(request.names["sid"]).sid
    return found(request.account.books.recordings.page_of_owner(sid, request.query, request.path))


def _participants(request: ApiRequest) -> ApiAnswer:
    conference = request.account.books.conferences.find(request.names["conference"])
    participants = list(conference.participants.values())
    return found(page_of(participants, "participants", request.path, request.query))


def _participant(request: ApiRequest) -> ApiAnswer:
    names = request.names
    return found(request.account.books.conferences.participant(names["conference"], names["sid"]).as_json())


def add_participant(request: ApiRequest) -> ApiAnswer:
    """Call somebody, and let them enter the conference when they answer."""
    name = request.names["conference"]
    known = request.account.books.conferences.of(name)
    fields = RequestFields(request.form)
    attributes = {
        "startConferenceOnEnter": fields.text("StartConferenceOnEnter", "true"),
        "endConferenceOnExit": fields.text("EndConferenceOnExit", "false"),
        "muted": fields.text("Muted", "false"),
        "participantLabel": fields.text("Label"),
    }
    written = " ".join(f'{key}="{escape(value)}"' for key, value in attributes.items() if value)
    twiml = f"<Response><Dial><Conference {written}>{escape(name)}</Conference></Dial></Response>"
    form = {name: request.form.get(name, ()) for name in PARTICIPANT_CALL}
    setup = read_create({**form, "Twiml": [twiml]}, owned_numbers=request.account.owned_numbers)
    call = request.account.create(setup)
    body = {"account_sid": call.account_sid, "call_sid": call.sid, "status": "queued", "label": fields.text("Label")}
    sid = known.sid if known is not None else name
    uri = f"{request.path.removesuffix('.json')}/{call.sid}.json"
    return created({**body, "conference_sid": sid, "muted": fields.flag("Muted"), "hold": False, "uri": uri})


def update_participant(request: ApiRequest) -> ApiAnswer:
    """Mute, hold or release a participant."""
    names = request.names
    participant = request.account.books.conferences.participant(names["conference"], names["sid"])
    events = participant.update(request.form, at=request.account.clock.wallclock())
    request.account.tell_conference(participant.conference, events)
    return found(participant.as_json())


def remove_participant(request: ApiRequest) -> ApiAnswer:
    """Let a participant leave; their call goes on with what follows the conference."""
    names = request.names
    request.account.books.conferences.participant(names["conference"], names["sid"]).seat.closed = True
    return deleted()


def _queues(request: ApiRequest) -> ApiAnswer:
    return found(request.account.books.queues.page(request.query))


def create_queue(request: ApiRequest) -> ApiAnswer:
    """Create a queue before somebody enters it."""
    fields = RequestFields(request.form)
    name, size = fields.text("FriendlyName"), fields.text("MaxSize", "1000")
    if not name or not size.isdecimal():
        raise ApiProblem(400, 20422, "MaxSize" if name else "FriendlyName")
    account, at = request.account.options.account_sid, request.account.clock.wallclock()
    queue = QueueResource(new_sid("QU"), account, name, at, int(size))
    request.account.books.queues.add(queue)
    return created(queue.as_json())


def _queue(request: ApiRequest) -> ApiAnswer:
    return found(request.account.books.queues.find(request.names["sid"]).as_json())


def _members(request: ApiRequest) -> ApiAnswer:
    queue = request.account.books.queues.find(request.names["queue"])
    return found(page_of(queue.members, "queue_members", request.path, request.query))


def _find_member(request: ApiRequest) -> QueueMember:
    queue, sid = request.account.books.queues.find(request.names["queue"]), request.names["sid"]
    members = queue.members[:1] if sid == "Front" else [each for each in queue.members if each.call_sid == sid]
    if not members:
        raise ApiProblem(404, 20404, request.path)
    return members[0]


def _member(request: ApiRequest) -> ApiAnswer:
    return found(_find_member(request).as_json())


def dequeue(request: ApiRequest) -> ApiAnswer:
    """Take a caller out of the queue, and lead them to another document."""
    member, fields = _find_member(request), RequestFields(request.form)
    url = fields.url("Url")
    if url is None:
        raise ApiProblem(400, 21205, "")
    body = member.as_json()
    request.account.update(member.call_sid, CallUpdate(url=url, method=fields.method("Method")))
    return found(body)


ROUTES = (
    ApiRoute("GET", f"{CONFERENCES}.json", _conferences),
    ApiRoute("GET", f"{CONFERENCES}/{{sid}}.json", _conference),
    ApiRoute("POST", f"{CONFERENCES}/{{sid}}.json", update_conference),
    ApiRoute("GET", f"{CONFERENCES}/{{sid}}/Recordings.json", _conference_recordings),
    ApiRoute("GET", f"{CONFERENCES}/{{conference}}/Participants.json", _participants),
    ApiRoute("POST", f"{CONFERENCES}/{{conference}}/Participants.json", add_participant),
    ApiRoute("GET", f"{CONFERENCES}/{{conference}}/Participants/{{sid}}.json", _participant),
    ApiRoute("POST", f"{CONFERENCES}/{{conference}}/Participants/{{sid}}.json", update_participant),
    ApiRoute("DELETE", f"{CONFERENCES}/{{conference}}/Participants/{{sid}}.json", remove_participant),
    ApiRoute("GET", f"{QUEUES}.json", _queues),
    ApiRoute("POST", f"{QUEUES}.json", create_queue),
    ApiRoute("GET", f"{QUEUES}/{{sid}}.json", _queue),
    ApiRoute("GET", f"{QUEUES}/{{queue}}/Members.json", _members),
    ApiRoute("GET", f"{QUEUES}/{{queue}}/Members/{{sid}}.json", _member),
    ApiRoute("POST", f"{QUEUES}/{{queue}}/Members/{{sid}}.json", dequeue),
)
