"""The routes of recordings: the list, the resource, and its media as WAV or MP3.

Follows Twilio's Recording resource ("Fetch a Recording's media file"). The media needs no credentials, as with Twilio
unless an account turns "HTTP authentication for media" on.
"""

from aiohttp import web

from telebridge.audio.mulaw import SAMPLE_RATE, to_pcm
from telebridge.errors import ConfigurationError
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.simulator.resources.recordings import RecordingResource, mixed
from telebridge.simulator.rest.api import ACCOUNT, ApiAnswer, ApiRequest, ApiRoute, deleted, found
from telebridge.speech_server.formats import encoder

RECORDINGS = f"{ACCOUNT}/Recordings"


def _list(request: ApiRequest) -> ApiAnswer:
    return found(request.account.books.recordings.page(request.query))


def _fetch(request: ApiRequest) -> ApiAnswer:
    return found(request.account.books.recordings.find(request.names["sid"]).as_json())


def _delete(request: ApiRequest) -> ApiAnswer:
    request.account.books.recordings.delete(request.names["sid"])
    return deleted()


def _wav(request: ApiRequest) -> web.Response:
    wanted = request.query.get("RequestedChannels", "")
    audio = _completed(request).audio(int(wanted) if wanted in {"1", "2"} else None)
    return web.Response(body=audio, content_type="audio/x-wav")


def _mp3(request: ApiRequest) -> web.Response:
    samples = to_pcm(mixed(_completed(request).legs))
    try:
        mp3 = encoder("mp3", SAMPLE_RATE)
    except ConfigurationError as error:
        raise ApiProblem(501, 20001, str(error)) from None
    return web.Response(body=mp3.encode(samples) + mp3.flush(), content_type="audio/mpeg")


def _completed(request: ApiRequest) -> RecordingResource:
    recording = request.account.books.recordings.find(request.names["sid"].partition(".")[0])
    if recording.status != "completed":
        raise ApiProblem(404, 20404, request.path)
    return recording


ROUTES = (
    ApiRoute("GET", f"{RECORDINGS}.json", _list),
    ApiRoute("GET", f"{RECORDINGS}/{{sid}}.json", _fetch),
    ApiRoute("DELETE", f"{RECORDINGS}/{{sid}}.json", _delete),
    ApiRoute("GET", f"{RECORDINGS}/{{sid}}.mp3", _mp3, is_public=True),
    ApiRoute("GET", f"{RECORDINGS}/{{sid}}.wav", _wav, is_public=True),
    ApiRoute("GET", f"{RECORDINGS}/{{sid}}", _wav, is_public=True),
)
