"""The endpoints that control a live call: say, clear, send-digits, transfer, hang-up.

One rule: a call that is over is distinguished from an unknown one, because only the first had somebody on the line.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiohttp import hdrs, web

from telebridge.audio.tones import dtmf
from telebridge.call.flows.transfers import MayTransfer, anywhere
from telebridge.call.record import SpokenUtterance
from telebridge.call.runner.feed import CallFeed
from telebridge.errors import ConfigurationError, NotLive, SpeechError
from telebridge.flows.steps import Play, Say
from telebridge.logs import logger
from telebridge.server.api.call_lookup import CallLookup
from telebridge.server.api.calls import UNKNOWN_CALL, unknown_call
from telebridge.server.api.models import (
    AcceptedResponse,
    ClearResponse,
    HangUpRequest,
    HeardResponse,
    QueuedResponse,
    SayRequest,
    SendDigitsRequest,
    TransferRequest,
)
from telebridge.server.api.ports import CallControl
from telebridge.server.http.bodies import Nothing
from telebridge.server.http.endpoint import endpoint, respond
from telebridge.server.http.problems import FieldProblem, Problem, shown
from telebridge.turns.barge_in import BargeInPolicy

log = logger(__name__)

NOT_LIVE = {**UNKNOWN_CALL, 409: "The call is over, or cannot do so now; `detail` says which."}
NOT_SAID = {**NOT_LIVE, 502: "The speech service failed."}

CheckVoice = Callable[[Mapping[str, Any]], None]
"""Raises `ConfigurationError` for synthesis parameters that the voice does not take."""


class ControlEndpoints:
    """Answers `POST /api/calls/{sid}/…`.

    Args:
        control: The live call of that CallSid in this process.
        calls: Finds calls that are over.
        feed: Gets an event for each announcement when it ends.
        check_voice: Checks the parameters of one utterance.
        may_transfer: Whether a call may be transferred to a number or address.
    """

    def __init__(
        self,
        control: Callable[[str], CallControl | None],
        calls: CallLookup,
        feed: CallFeed,
        check_voice: CheckVoice,
        may_transfer: MayTransfer = anywhere,
    ) -> None:
        self._control = control
        self._calls = calls
        self._feed = feed
        self._check_voice = check_voice
        self._may_transfer = may_transfer
        self._announced = 0

    @endpoint(
        hdrs.METH_POST,
        "/api/calls/{sid}/say",
        "Say something as soon as nothing else is being said.",
        {200: HeardResponse, 202: QueuedResponse},
        problems=NOT_SAID,
        example={"text": "Your taxi is here.", "barge_in": "any", "wait": False},
    )
    async def say(self, request: web.Request, _query: Nothing, body: SayRequest) -> web.Response:
        """Say something."""
        if body.voice is not None:
            self._check(body.voice)
        policy = None if body.barge_in is None else BargeInPolicy(body.barge_in)
        return await self._announce(request, Say(body.text, voice=body.voice, barge_in=policy), wait=body.wait)

    @endpoint(
        hdrs.METH_POST,
        "/api/calls/{sid}/send-digits",
        "Press keys into the call.",
        {200: HeardResponse, 202: QueuedResponse},
        problems=NOT_SAID,
        example={"digits": "1w234#", "wait": True},
    )
    async def send_digits(self, request: web.Request, _query: Nothing, body: SendDigitsRequest) -> web.Response:
        """Press keys into the call."""
        return await self._announce(request, Play(dtmf(body.digits), f"digits {body.digits}"), wait=body.wait)

    @endpoint(
        hdrs.METH_POST,
        "/api/calls/{sid}/clear",
        "Silence what is being said.",
        {200: ClearResponse},
        problems=NOT_LIVE,
    )
    async def clear(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """Silence what is being said."""
        control = await self._live(request)
        with _while_live():
            return respond(ClearResponse(cleared=control.clear()))

    @endpoint(
        hdrs.METH_POST,
        "/api/calls/{sid}/transfer",
        "Connect the caller with somebody else.",
        {202: AcceptedResponse},
        problems={**NOT_LIVE, 403: "Calls may not be transferred there: transfers.allowed does not have it."},
        example={"to": "+15551230100", "timeout": 30},
    )
    async def transfer(self, request: web.Request, _query: Nothing, body: TransferRequest) -> web.Response:
        """Connect the caller with somebody else."""
        if not self._may_transfer(body.to):
            log.warning("a transfer is refused: transfers.allowed does not have it", to=body.to)
            raise Problem(403, f"{shown(body.to)} is not in transfers.allowed.", kind="transfer-not-allowed")
        control = await self._live(request)
        with _while_live():
            control.transfer(
                body.to,
                timeout_seconds=body.timeout,
                caller_id=body.caller_id,
                whisper=body.whisper,
                at_once=body.now,
            )
        return respond(AcceptedResponse(call_sid=request.match_info["sid"]), 202)

    @endpoint(
        hdrs.METH_POST,
        "/api/calls/{sid}/hang-up",
        "End the call, after a last word where there is one.",
        {202: AcceptedResponse},
        problems=NOT_LIVE,
        example={"say": "Goodbye."},
    )
    async def hang_up(self, request: web.Request, _query: Nothing, body: HangUpRequest) -> web.Response:
        """End the call."""
        control = await self._live(request)
        with _while_live():
            control.hang_up(body.say)
        return respond(AcceptedResponse(call_sid=request.match_info["sid"]), 202)

    async def _announce(self, request: web.Request, step: Say | Play, *, wait: bool) -> web.Response:
        control = await self._live(request)
        with _while_live():
            heard = control.announce(step)
            self._announced += 1
            name, call_sid = f"a{self._announced}", request.match_info["sid"]
            heard.add_done_callback(lambda done: self._publish(call_sid, name, done))
            if not wait:
                return respond(QueuedResponse(utterance=name), 202)
            await asyncio.wait([heard])
            if heard.cancelled():
                raise NotLive(call_sid, "ended before it was said")
            return respond(HeardResponse(utterance=name, **_how(heard.result())))

    def _publish(self, call_sid: str, name: str, heard: "asyncio.Future[SpokenUtterance]") -> None:
        """Publish how an announcement ended; this also retrieves an error that no request waits for."""
        if heard.cancelled():
            values: dict[str, Any] = {"error": "the call ended before"}
        elif (error := heard.exception()) is not None:
            values = {"error": str(error)}
        else:
            values = _how(heard.result())
        self._feed.publish("announced", call_sid, {"utterance": name, **values})

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
    """Turn the refusals of a call into problems."""
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
