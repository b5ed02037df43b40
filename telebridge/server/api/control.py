"""The API's doors into a live call: say, clear, send-digits, transfer, hang-up.

One rule: a call that is over is told from one that never was, because only the first had somebody on the line.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from telebridge.audio.tones import dtmf
from telebridge.call.record import SpokenUtterance
from telebridge.call.runner.feed import CallFeed
from telebridge.errors import ConfigurationError, NotLive, SpeechError
from telebridge.flows.steps import Play, Say
from telebridge.server.api.calls import CallList, unknown_call
from telebridge.server.api.models import (
    Accepted,
    Cleared,
    HangUp,
    SayText,
    SendDigits,
    Transfer,
    UtteranceHeard,
    UtteranceQueued,
)
from telebridge.server.api.ports import CallControl
from telebridge.server.http.bodies import Nothing
from telebridge.server.http.endpoint import answer
from telebridge.server.http.problems import FieldProblem, Problem, shown
from telebridge.turns.barge_in import BargeInPolicy

CheckVoice = Callable[[Mapping[str, Any]], None]
"""Raises `ConfigurationError` for synthesis parameters that the voice does not take."""


class ControlDoor:
    """Answers `POST /api/calls/{sid}/…`.

    Args:
        control: The live call of that CallSid in this process.
        calls: Finds calls that are over.
        feed: Told how announcements ended, for those who did not wait.
        check_voice: Checks the parameters of one utterance.
    """

    def __init__(
        self,
        control: Callable[[str], CallControl | None],
        calls: CallList,
        feed: CallFeed,
        check_voice: CheckVoice,
    ) -> None:
        self._control = control
        self._calls = calls
        self._feed = feed
        self._check_voice = check_voice
        self._announced = 0

    async def say(self, request: web.Request, _query: Nothing, body: SayText) -> web.Response:
        """Say something."""
        if body.voice is not None:
            self._check(body.voice)
        policy = None if body.barge_in is None else BargeInPolicy(body.barge_in)
        return await self._announce(request, Say(body.text, voice=body.voice, barge_in=policy), wait=body.wait)

    async def send_digits(self, request: web.Request, _query: Nothing, body: SendDigits) -> web.Response:
        """Press keys into the call."""
        return await self._announce(request, Play(dtmf(body.digits), f"digits {body.digits}"), wait=body.wait)

    async def clear(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """Silence what is being said."""
        control = await self._live(request)
        with _while_live():
            return answer(Cleared(cleared=control.clear()))

    async def transfer(self, request: web.Request, _query: Nothing, body: Transfer) -> web.Response:
        """Connect the caller with somebody else."""
        control = await self._live(request)
        with _while_live():
            control.transfer(body.to, timeout_seconds=body.timeout, caller_id=body.caller_id, whisper=body.whisper)
        return answer(Accepted(call_sid=request.match_info["sid"]), 202)

    async def hang_up(self, request: web.Request, _query: Nothing, body: HangUp) -> web.Response:
        """End the call."""
        control = await self._live(request)
        with _while_live():
            control.hang_up(body.say)
        return answer(Accepted(call_sid=request.match_info["sid"]), 202)

    async def _announce(self, request: web.Request, step: Say | Play, *, wait: bool) -> web.Response:
        control = await self._live(request)
        with _while_live():
            heard = control.announce(step)
            self._announced += 1
            name, call_sid = f"a{self._announced}", request.match_info["sid"]
            heard.add_done_callback(lambda done: self._publish(call_sid, name, done))
            if not wait:
                return answer(UtteranceQueued(utterance=name), 202)
            await asyncio.wait([heard])
            if heard.cancelled():
                raise NotLive(call_sid, "ended before it was said")
            return answer(UtteranceHeard(utterance=name, **_how(heard.result())))

    def _publish(self, call_sid: str, name: str, heard: "asyncio.Future[SpokenUtterance]") -> None:
        """Tell the feed; this also takes notice of a failure that nobody waits for."""
        if heard.cancelled():
            told: dict[str, Any] = {"error": "the call ended before"}
        elif (error := heard.exception()) is not None:
            told = {"error": str(error)}
        else:
            told = _how(heard.result())
        self._feed.publish("announced", call_sid, {"utterance": name, **told})

    async def _live(self, request: web.Request) -> CallControl:
        """The call that a request is about.

        Raises:
            Problem: It is over or led by another process (409), or nobody knows it (404).
        """
        call_sid = request.match_info["sid"]
        with _while_live():
            if (control := self._control(call_sid)) is not None:
                return control
        if (known := await self._calls.find(call_sid)) is None:
            raise unknown_call(call_sid)
        if known["end_reason"] is None:
            raise Problem(409, f"Call {shown(call_sid)} is led by another process.", kind="call-not-live")
        raise Problem(409, f"Call {shown(call_sid)} is over.", kind="call-over")

    def _check(self, voice: Mapping[str, Any]) -> None:
        try:
            self._check_voice(voice)
        except ConfigurationError as error:
            wrong = FieldProblem(error.where, error.problem, error.hint)
            raise Problem(422, f"{error}.", kind="invalid-fields", errors=[wrong]) from error


@contextmanager
def _while_live() -> Iterator[None]:
    """What a call cannot do, or no longer, as a problem."""
    try:
        yield
    except NotLive as error:
        raise Problem(409, f"Call {shown(error.call_sid)} {error.reason}.", kind="call-not-live") from error
    except SpeechError as error:
        raise Problem(502, f"It was not said: {error}.", kind="speech-failed") from error


def _how(utterance: SpokenUtterance) -> dict[str, Any]:
    cut = utterance.interruption
    return {
        "interrupted": cut is not None,
        "heard_text": utterance.text if cut is None else cut.heard_text,
        "heard_ms": round(utterance.audio_ms if cut is None else cut.heard_ms),
    }
