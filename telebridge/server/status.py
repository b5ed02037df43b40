"""What Twilio reports beside the media stream: the call's status, and the stream's own troubles.

Source: Twilio, "Call resource", *StatusCallback*, and "TwiML <Stream>", *statusCallback*. Reports come doubled, late
and out of order; each is answered 204 and none is trusted to be the last.
"""

from aiohttp import web

from telebridge.call.events import CallOver, StreamLost
from telebridge.errors import RemoteProtocolError
from telebridge.logs import logger
from telebridge.server.live_calls import LiveCalls
from telebridge.server.trust import FIELDS
from telebridge.twilio.calls import CallStatusReport

log = logger(__name__)


class StatusDoor:
    """Takes `/twilio/status` and `/twilio/stream-status`."""

    def __init__(self, calls: LiveCalls) -> None:
        self._calls = calls

    async def call_status(self, request: web.Request) -> web.Response:
        """A call changed its status; a final one ends it here too."""
        fields = request[FIELDS]
        try:
            report = CallStatusReport.parse(fields)
        except RemoteProtocolError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        log.debug("call status", call_sid=report.call_sid, status=report.status.value)
        runner = self._calls.find(report.call_sid)
        if runner is not None and report.status.is_final:
            runner.deliver(CallOver(report.status.value))
        return web.Response(status=204)

    async def stream_status(self, request: web.Request) -> web.Response:
        """A stream failed on Twilio's side; its socket may stay half open for minutes, so the report ends it."""
        report = request[FIELDS]
        if report.get("StreamEvent") == "stream-error":
            call_sid = report.get("CallSid", "")
            log.warning(
                "stream failed at Twilio",
                call_sid=call_sid,
                error=report.get("StreamError"),
                code=report.get("StreamErrorCode"),
            )
            if (runner := self._calls.find(call_sid)) is not None:
                runner.deliver(StreamLost())
        return web.Response(status=204)
