"""Handles the webhooks that are answered with TwiML: a call begins, its stream has ended, a transfer has ended.

Source: Twilio, "TwiML for Programmable Voice" and "TwiML <Stream>".

One rule: before Twilio is answered, other processes can read what they need to handle its next request. For a call that
rings that is the token of its stream, so its beginning waits for no database.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args
from urllib.parse import urlencode

from aiohttp import web

from telebridge import metrics
from telebridge.call.record import CallRecord
from telebridge.call.runner.incoming_call import IncomingCall
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.runner.runner import CallRunner
from telebridge.call.session.events import (
    CallOver,
    StreamLost,
    StreamRequested,
    TransferBegun,
    TransferEnded,
)
from telebridge.call.session.stream_phase import Phase
from telebridge.errors import ConfigurationError
from telebridge.flows.steps import Transfer, TransferStatus
from telebridge.logs import logger
from telebridge.server.twilio.campaign_calls import CampaignCalls
from telebridge.server.twilio.request_validation import FIELDS, RequestValidator
from telebridge.server.twilio.status import ATTEMPT, or_send_again
from telebridge.twilio import twiml
from telebridge.twilio.caller_id import caller_id_of
from telebridge.twilio.calls import FINAL, CallStatus
from telebridge.twilio.signed_urls import QUERY, CallVariables, StreamTokens, VariablesForged
from telebridge.unicode_text import xml_text

log = logger(__name__)

TRY_AGAIN = "#rc=5&rp=all"
"""Makes Twilio repeat a request that is not answered: the process may have died, and another one is starting.

Source: Twilio, "Webhooks (HTTP callbacks): connection overrides".
"""
ERROR_MESSAGE = "We are sorry, something went wrong on our side. Please call again later."


class VoiceHandler:
    """Answers the webhooks below `/twilio/` that are answered with TwiML.

    They are `voice`, `next`, `dial-status`, `queue-status` and `whisper`.

    Args:
        calls: The calls of this process.
        validator: Builds public URLs.
        tokens: Issues tokens for media streams.
        variables: Reads the variables in the URL of a call that was placed.
        campaigns: Knows the calls of campaigns.
        default_flow: The flow for numbers that are not in `numbers`.
        numbers: Flow by called number, in E.164.
        overflow_url: Where calls are sent for which there is no room; empty for the busy tone.
    """

    def __init__(
        self,
        calls: LiveCalls,
        validator: RequestValidator,
        tokens: StreamTokens,
        variables: CallVariables,
        campaigns: CampaignCalls,
        *,
        default_flow: str,
        numbers: dict[str, str],
        overflow_url: str = "",
    ) -> None:
        self._overflow_url = overflow_url
        self._calls = calls
        self._validator = validator
        self._tokens = tokens
        self._variables = variables
        self._campaigns = campaigns
        self._default_flow = default_flow
        self._numbers = numbers

    async def voice(self, request: web.Request) -> web.Response:
        """A call comes in, or one that was placed is answered."""
        fields = request[FIELDS]
        call_sid = fields["CallSid"]
        attempt = request.query.get(ATTEMPT)
        if self._calls.full and attempt is None and self._calls.find(call_sid) is None:
            return self._refused(call_sid)
        called = fields.get("To", "")
        flow = request.match_info.get("flow") or self._numbers.get(called) or self._default_flow
        direction = fields.get("Direction", "inbound")
        known: Mapping[str, Any] = self._read_variables(request)
        answering = None
        if attempt is not None:
            with or_send_again():
                answered = await self._campaigns.answered(attempt, call_sid)
            if answered is None:
                return _answer(twiml.hang_up())
            known, answering = answered.variables, answered.answering
        incoming = IncomingCall(call_sid, flow, fields.get("From", ""), called, direction, known, answering)
        if _is_over(fields):
            return self._ended(call_sid)
        ringing = attempt is None and fields.get("CallStatus") == CallStatus.RINGING.value
        try:
            runner = await self._calls.ownership.begin(incoming, ringing=ringing)
        except ConfigurationError as error:
            log.error("call cannot be answered", call_sid=call_sid, error=str(error))
            return error_message()
        if runner is None:
            return self._ended(call_sid)
        if runner.session.phase is Phase.HELD:  # somebody sent the call back to where it began
            runner.deliver(StreamRequested())
        if not ringing:
            await self._calls.flush(call_sid)  # the stream may come to another process
        return self._connect(request, incoming)

    def _refused(self, call_sid: str) -> web.Response:
        """Answer a call for which there is no room."""
        overloaded = self._calls.overloaded
        self._calls.refused()
        metrics.REFUSED.labels("voice", "overload" if overloaded else "full").inc()
        if not overloaded:  # of an overload the log has one line for the episode
            log.warning("call refused: no room", call_sid=call_sid, live=len(self._calls))
        return _answer(twiml.redirect(self._overflow_url) if self._overflow_url else twiml.reject(reason="busy"))

    def _ended(self, call_sid: str) -> web.Response:
        """Answer the voice webhook of a call that has ended: no other call begins in its name."""
        metrics.STALE_REPORTS.labels("voice").inc()
        log.info("a webhook for a call that has ended", call_sid=call_sid)
        return error_message() if self._calls.take_error_message(call_sid) else _answer(twiml.hang_up())

    async def next(self, request: web.Request) -> web.Response:
        """The stream has ended, for whatever reason: hang up, dial, connect a stream again, or say an error message."""
        fields = request[FIELDS]
        call_sid = fields.get("CallSid", "")
        if _is_over(fields):
            await self._calls.ownership.end(call_sid, fields["CallStatus"])
            return _answer(twiml.hang_up())
        runner = await self._calls.ownership.resume(call_sid)
        if runner is None:
            return error_message() if self._calls.take_error_message(call_sid) else _answer(twiml.hang_up())
        if runner.session.phase is Phase.LIVE:
            runner.deliver(StreamLost())  # Twilio has left the stream before its socket told us
        return await self._what_follows(request, runner)

    async def dial_status(self, request: web.Request) -> web.Response:
        """A transfer has ended: the two have talked, nobody answered, or the caller has hung up."""
        return await self._after_transfer(request, _transfer_ended(request[FIELDS]))

    async def queue_status(self, request: web.Request) -> web.Response:
        """The caller has left the queue: an agent took the call, TwiML ended the wait, or the caller has hung up."""
        return await self._after_transfer(request, _queue_ended(request[FIELDS]))

    async def _after_transfer(self, request: web.Request, ended: TransferEnded) -> web.Response:
        fields = request[FIELDS]
        runner = await self._calls.ownership.resume(fields.get("CallSid", ""))
        if runner is None:
            return _answer(twiml.hang_up())
        if fields.get("CallStatus") == "completed":
            runner.deliver(CallOver("completed", ended))
            return _answer(twiml.hang_up())
        runner.deliver(ended)
        return await self._what_follows(request, runner)

    async def whisper(self, request: web.Request) -> web.Response:
        """A transfer was answered: say the whisper. Its text is in the URL, which Twilio has signed."""
        return _answer(twiml.say(request.query.get("text", "")))

    async def _what_follows(self, request: web.Request, runner: CallRunner) -> web.Response:
        answer = self._next_step(request, runner)
        await self._calls.flush(runner.session.record.call_sid)  # what comes next may come to another process
        return answer

    def _next_step(self, request: web.Request, runner: CallRunner) -> web.Response:
        session, call_sid = runner.session, runner.session.record.call_sid
        if session.phase in (Phase.WAITING, Phase.HELD):
            runner.deliver(StreamRequested())
        if session.phase is Phase.WAITING:
            log.info("call brought back", call_sid=call_sid)
            return self._connect(request, self._calls.incoming(call_sid))
        if session.phase is Phase.AWAY and session.transfer_target is not None:
            runner.deliver(TransferBegun())
            if session.transfer_target.queue:
                return self._enqueue(request, session.transfer_target)
            return self._dial(request, session.transfer_target, session.record)
        pending = self._calls.take_error_message(call_sid)  # of a call that has just ended
        return error_message() if pending or session.apology_due else _answer(twiml.hang_up())

    def _enqueue(self, request: web.Request, queue: Transfer) -> web.Response:
        action = self._validator.public_url(request, "/twilio/queue-status") + TRY_AGAIN
        return _answer(twiml.enqueue(queue.to, action=action, wait_url=queue.wait_url))

    def _dial(self, request: web.Request, transfer: Transfer, record: CallRecord) -> web.Response:
        whisper = None
        if transfer.whisper is not None:
            query = urlencode({"text": xml_text(transfer.whisper)})
            whisper = self._validator.public_url(request, f"/twilio/whisper?{query}")
        return _answer(
            twiml.dial(
                transfer.to,
                action=self._validator.public_url(request, "/twilio/dial-status") + TRY_AGAIN,
                timeout_seconds=transfer.timeout_seconds,
                caller_id=caller_id_of(
                    transfer.caller_id, to=transfer.to, from_number=record.from_number, to_number=record.to_number
                ),
                whisper=whisper,
            )
        )

    def _read_variables(self, request: web.Request) -> dict[str, Any]:
        """The variables that were signed into the URL when the call was placed."""
        try:
            return self._variables.read(request.query.get(QUERY, ""))
        except VariablesForged as error:
            metrics.REFUSED.labels("voice", "variables").inc()
            raise web.HTTPForbidden(text=f"{error}\n") from error

    def _connect(self, request: web.Request, incoming: IncomingCall) -> web.Response:
        token = self._tokens.issue(incoming.call_sid, incoming.claims(), wallclock=datetime.now(UTC))
        return _answer(
            twiml.connect_stream(
                self._validator.stream_url(request, f"/twilio/media/{token}"),
                status_callback=self._validator.public_url(request, "/twilio/stream-status"),
                then_redirect=self._validator.public_url(request, "/twilio/next") + TRY_AGAIN,
            )
        )


def _transfer_ended(fields: dict[str, str]) -> TransferEnded:
    status, seconds = fields.get("DialCallStatus", ""), fields.get("DialCallDuration", "")
    known: tuple[TransferStatus, ...] = get_args(TransferStatus)
    ended: TransferStatus = next((each for each in known if each == status), "failed")
    return TransferEnded(ended, int(seconds) if seconds.isascii() and seconds.isdigit() else None)


QUEUE_RESULTS: Mapping[str, TransferStatus] = {
    "bridged": "completed",
    "redirected-from-bridged": "completed",
    "leave": "left",
    "redirected": "left",
    "hangup": "canceled",
    "queue-full": "full",
}
"""How a wait ended by Twilio's `QueueResult`; every other result is a failure (Twilio, "TwiML <Enqueue>", *action*)."""


def _queue_ended(fields: dict[str, str]) -> TransferEnded:
    """How a wait in a queue ended; its length is not that of a conversation, so none is reported."""
    return TransferEnded(QUEUE_RESULTS.get(fields.get("QueueResult", ""), "failed"))


def _is_over(fields: Mapping[str, str]) -> bool:
    """Whether Twilio says with its question that the call has ended."""
    return fields.get("CallStatus") in {status.value for status in FINAL}


def error_message() -> web.Response:
    """TwiML that says an error message and hangs up."""
    return _answer(twiml.say_and_hang_up(ERROR_MESSAGE))


def _answer(document: str) -> web.Response:
    return web.Response(text=document, content_type="text/xml")
