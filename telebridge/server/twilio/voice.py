"""What Twilio asks of us in a call's life: the voice webhook, and what follows when the stream has ended.

Source: Twilio, "TwiML for Programmable Voice" and "TwiML <Stream>".
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args
from urllib.parse import urlencode

from aiohttp import web

from telebridge import metrics
from telebridge.call.runner.live_calls import Arrival, LiveCalls
from telebridge.call.runner.runner import CallRunner
from telebridge.call.session.events import (
    CallOver,
    StreamLost,
    TransferBegun,
    TransferEnded,
)
from telebridge.call.session.stream_phase import Phase
from telebridge.errors import ConfigurationError
from telebridge.flows.steps import Transfer, TransferStatus
from telebridge.logs import logger
from telebridge.server.twilio.campaign_calls import CampaignCalls
from telebridge.server.twilio.request_validation import FIELDS, Trust
from telebridge.server.twilio.status import ATTEMPT, kept_or_again
from telebridge.twilio import twiml
from telebridge.twilio.signed_urls import QUERY, CallVariables, StreamTokens, VariablesForged

log = logger(__name__)

TRY_AGAIN = "#rc=5&rp=all"
"""Twilio asks again where nobody answers: who was asked may have died, and the next is on its way up.

Source: Twilio, "Webhooks (HTTP callbacks): connection overrides".
"""
APOLOGY = "We are sorry, something went wrong on our side. Please call again later."


class VoiceDoor:
    """Answers `/twilio/voice`, `/twilio/next` and what belongs to transfers with TwiML.

    Args:
        variables: Reads what a placed call's address carries.
        default_flow: Leads calls to numbers that are not in `numbers`.
        numbers: Flow by called number, in E.164.
    """

    def __init__(
        self,
        calls: LiveCalls,
        trust: Trust,
        tokens: StreamTokens,
        variables: CallVariables,
        campaigns: CampaignCalls,
        *,
        default_flow: str,
        numbers: dict[str, str],
    ) -> None:
        self._calls = calls
        self._trust = trust
        self._tokens = tokens
        self._variables = variables
        self._campaigns = campaigns
        self._default_flow = default_flow
        self._numbers = numbers

    async def voice(self, request: web.Request) -> web.Response:
        """A call arrives, or one that we placed is answered."""
        asked = request[FIELDS]
        call_sid = asked.get("CallSid", "")
        if not call_sid:
            metrics.REFUSED.labels("voice", "no CallSid").inc()
            raise web.HTTPBadRequest(text="CallSid is missing: this address is for Twilio's voice webhook.\n")
        attempt = request.query.get(ATTEMPT)
        if self._calls.full and attempt is None and self._calls.find(call_sid) is None:
            metrics.REFUSED.labels("voice", "full").inc()
            log.warning("call refused: no room", call_sid=call_sid, live=len(self._calls))
            return _answer(twiml.reject(reason="busy"))
        called = asked.get("To", "")
        flow = request.match_info.get("flow") or self._numbers.get(called) or self._default_flow
        direction = asked.get("Direction", "inbound")
        known: Mapping[str, Any] = self._read_variables(request)
        if attempt is not None:
            with kept_or_again():
                answered = await self._campaigns.answered(attempt, call_sid)
            if answered is None:
                return _answer(twiml.hang_up())
            known = answered.variables
        arrival = Arrival(call_sid, flow, asked.get("From", ""), called, direction, known)
        try:
            self._calls.begin(arrival)
        except ConfigurationError as error:
            log.error("call cannot be answered", call_sid=call_sid, error=str(error))
            return apology()
        await self._calls.kept(call_sid)  # the stream may come to another process
        return self._connect(request, arrival)

    async def next(self, request: web.Request) -> web.Response:
        """The stream has ended, for whatever reason: what now?"""
        call_sid = request[FIELDS].get("CallSid", "")
        runner = await self._calls.found(call_sid)
        if runner is None:
            return apology() if self._calls.takes_apology(call_sid) else _answer(twiml.hang_up())
        if runner.session.phase is Phase.LIVE:
            runner.deliver(StreamLost())  # Twilio has left the stream before its socket told us
        return await self._what_follows(request, runner)

    async def dial_status(self, request: web.Request) -> web.Response:
        """A transfer is over: the callers have talked, or nobody answered; or the caller has hung up meanwhile."""
        fields = request[FIELDS]
        runner = await self._calls.found(fields.get("CallSid", ""))
        if runner is None:
            return _answer(twiml.hang_up())
        if fields.get("CallStatus") == "completed":
            runner.deliver(CallOver("completed"))
            return _answer(twiml.hang_up())
        status = fields.get("DialCallStatus", "")
        runner.deliver(TransferEnded(status if status in get_args(TransferStatus) else "failed"))  # type: ignore[arg-type]
        return await self._what_follows(request, runner)

    async def whisper(self, request: web.Request) -> web.Response:
        """Somebody answered a transfer, and is told who calls. The text is in the address, which Twilio has signed."""
        return _answer(twiml.say(request.query.get("text", "")))

    async def _what_follows(self, request: web.Request, runner: CallRunner) -> web.Response:
        answer = self._next_step(request, runner)
        await self._calls.kept(runner.session.record.call_sid)  # what comes next may come to another process
        return answer

    def _next_step(self, request: web.Request, runner: CallRunner) -> web.Response:
        session = runner.session
        if session.phase is Phase.WAITING:
            log.info("call brought back", call_sid=session.record.call_sid)
            return self._connect(request, self._calls.arrival(session.record.call_sid))
        if session.phase is Phase.AWAY and session.transfer_target is not None:
            runner.deliver(TransferBegun())
            return self._dial(request, session.transfer_target)
        return apology() if session.apology_due else _answer(twiml.hang_up())

    def _dial(self, request: web.Request, transfer: Transfer) -> web.Response:
        whisper = None
        if transfer.whisper is not None:
            whisper = self._trust.public_url(request, f"/twilio/whisper?{urlencode({'text': transfer.whisper})}")
        return _answer(
            twiml.dial(
                transfer.to,
                action=self._trust.public_url(request, "/twilio/dial-status") + TRY_AGAIN,
                timeout_seconds=transfer.timeout_seconds,
                caller_id=transfer.caller_id,
                whisper=whisper,
            )
        )

    def _read_variables(self, request: web.Request) -> dict[str, Any]:
        """What whoever placed the call has signed into its address."""
        try:
            return self._variables.read(request.query.get(QUERY, ""))
        except VariablesForged as error:
            metrics.REFUSED.labels("voice", "variables").inc()
            raise web.HTTPForbidden(text=f"{error}\n") from error

    def _connect(self, request: web.Request, arrival: Arrival) -> web.Response:
        token = self._tokens.issue(arrival.call_sid, arrival.claims(), wallclock=datetime.now(UTC))
        return _answer(
            twiml.connect_stream(
                self._trust.stream_url(request, f"/twilio/media/{token}"),
                status_callback=self._trust.public_url(request, "/twilio/stream-status"),
                then_redirect=self._trust.public_url(request, "/twilio/next") + TRY_AGAIN,
            )
        )


def apology() -> web.Response:
    """What a caller hears when nothing else can be said."""
    return _answer(twiml.say_and_hang_up(APOLOGY))


def _answer(document: str) -> web.Response:
    return web.Response(text=document, content_type="text/xml")
