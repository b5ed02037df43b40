"""The routes of recordings: the list, the resource, and its media as WAV or MP3.

Follows Twilio's Recording resource ("Fetch a Recording's media file"). The media needs no credentials, as with Twilio
unless an account turns "HTTP authentication for media" on.
"""

import io
import wave

from aiohttp import web

from telebridge.audio.mulaw import SAMPLE_RATE
from telebridge.errors import ConfigurationError
from telebridge.simulator.resources.problems import ApiProblem
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
    return web.Response(body=_audio(request), content_type="audio/x-wav")


def _mp3(request: ApiRequest) -> web.Response:
    with wave.open(io.BytesIO(_audio(request, channels=1))) as file:
        samples = file.readframes(file.getnframes())
    try:
        mp3 = encoder("mp3", SAMPLE_RATE)
    except ConfigurationError as error:
        raise ApiProblem(501, 20001, str(error)) from None
    return web.Response(body=mp3.encode(samples) + mp3.flush(), content_type="audio/mpeg")


def _audio(request: ApiRequest, *, channels: int | None = None) -> bytes:
    recording = request.account.books.recordings.find(request.names["sid"].partition(".")[0])
    if recording.status != "completed":
        raise ApiProblem(404, 20404, request.path)
    wanted = request.query.get("RequestedChannels", "")
    return recording.audio(channels or (int(wanted) if wanted in {"1", "2"} else None))


ROUTES = (
    ApiRoute("GET", f"{RECORDINGS}.json", _list),
    ApiRoute("GET", f"{RECORDINGS}/{{sid}}.json", _fetch),
    ApiRoute("DELETE", f"{RECORDINGS}/{{sid}}.json", _delete),
    ApiRoute("GET", f"{RECORDINGS}/{{sid}}.mp3", _mp3, is_public=True),
    ApiRoute("GET", f"{RECORDINGS}/{{sid}}.wav", _wav, is_public=True),
    ApiRoute("GET", f"{RECORDINGS}/{{sid}}", _wav, is_public=True),
)
