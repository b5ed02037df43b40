"""Handles the callbacks that Twilio sends beside the media stream: call status, answering machine, stream status.

Source: Twilio, "Call resource", *StatusCallback*, and "TwiML <Stream>", *statusCallback*.

One rule: callbacks may come twice, late and out of order; each is answered 204, and none is taken to be the last.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from telebridge import metrics
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.runner.runner import CallRunner
from telebridge.call.session.events import StreamLost
from telebridge.call.session.stream_phase import Phase
from telebridge.errors import RemoteProtocolError
from telebridge.logs import logger
from telebridge.server.twilio.campaign_calls import CampaignCalls
from telebridge.server.twilio.request_validation import FIELDS
from telebridge.twilio.calls import CallStatus, CallStatusReport

log = logger(__name__)

ATTEMPT = "attempt"
"""The query parameter that names the attempt of a campaign, in every URL that Twilio is given for its call."""


@contextmanager
def or_send_again() -> Iterator[None]:
    """Answer 503 when the database is unreachable, so that Twilio sends a report on a campaign's call again."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        log.error("a report on a campaign's call cannot be kept: the database is away", error=str(error))
        raise web.HTTPServiceUnavailable(text="The database is away; send it again.\n") from error


class StatusHandler:
    """Answers `/twilio/status`, `/twilio/amd` and `/twilio/stream-status`."""

    def __init__(self, calls: LiveCalls, campaigns: CampaignCalls) -> None:
        self._calls = calls
        self._campaigns = campaigns

    async def call_status(self, request: web.Request) -> web.Response:
        """The status of a call changed; a final one ends the call, whichever process leads it."""
        fields = request[FIELDS]
        try:
            report = CallStatusReport.parse(fields)
        except RemoteProtocolError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        log.debug("call status", call_sid=report.call_sid, status=report.status.value)
        if report.status.is_final:
            await self._calls.ownership.end(report.call_sid, report.status.value)
        if (attempt := request.query.get(ATTEMPT)) is not None:
            with or_send_again():
                await self._campaigns.reports.status(attempt, report)
            if report.status is CallStatus.RINGING:
                self._campaigns.rings(attempt)
        return web.Response(status=204)

    async def machine_detected(self, request: web.Request) -> web.Response:
        """Twilio reports whether a person or a machine answered a campaign's call."""
        fields, attempt = request[FIELDS], request.query.get(ATTEMPT)
        call_sid, answered_by = fields.get("CallSid", ""), fields.get("AnsweredBy", "")
        if attempt is None or not call_sid or not answered_by:
            raise web.HTTPBadRequest(text="attempt, CallSid or AnsweredBy is missing.\n")
        with or_send_again():
            await self._campaigns.reports.machine_detected(attempt, call_sid, answered_by)
        self._campaigns.verdict_arrived(attempt)
        return web.Response(status=204)

    async def stream_status(self, request: web.Request) -> web.Response:
        """The status of a stream changed; an error ends it, because its socket may stay half open for minutes."""
        report = request[FIELDS]
        if report.get("StreamEvent") == "stream-error":
            call_sid, stream_sid = report.get("CallSid", ""), report.get("StreamSid", "")
            runner = self._calls.find(call_sid)
            if runner is not None and _is_former(stream_sid, runner):
                metrics.STALE_REPORTS.labels("stream-error").inc()
                log.info("a report on a former stream is ignored", call_sid=call_sid, stream_sid=stream_sid)
                return web.Response(status=204)
            log.warning(
                "stream failed at Twilio",
                call_sid=call_sid,
                error=report.get("StreamError"),
                code=report.get("StreamErrorCode"),
            )
            if runner is not None:
                runner.deliver(StreamLost())
        return web.Response(status=204)


def _is_former(stream_sid: str, runner: CallRunner) -> bool:
    """Whether a stream is not the one that the call has now."""
    if not stream_sid or stream_sid == runner.stream_sid:
        return False
    return runner.session.phase in (Phase.LIVE, Phase.CLOSING)  # else there is no other stream
