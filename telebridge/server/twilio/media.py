"""The handler of media streams: admits Twilio's WebSockets, reads them into a call, and starts the task that writes.

One rule: reading never waits for writing. Twilio drops the caller's audio when a server reads too slowly (warning
31930), so what the call sends leaves by a task of its own.
"""

import asyncio
from datetime import UTC, datetime

from aiohttp import WSCloseCode, WSMsgType, web

from telebridge import metrics
from telebridge.call.runner.incoming_call import IncomingCall
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.runner.media_line import QueuedSocket
from telebridge.call.runner.runner import CallRunner, ForeignStream
from telebridge.errors import ConfigurationError, NotLive, RemoteProtocolError
from telebridge.logs import logger
from telebridge.server.twilio.request_validation import RequestValidator
from telebridge.twilio.signed_urls import StreamTokenError, StreamTokens

log = logger(__name__)

MAX_MESSAGE_BYTES = 1 << 20
MAX_BAD_MESSAGES = 20
START_SECONDS = 10.0


class MediaHandler:
    """Handles `/twilio/media/{token}`."""

    def __init__(self, calls: LiveCalls, validator: RequestValidator, tokens: StreamTokens) -> None:
        self._calls = calls
        self._validator = validator
        self._tokens = tokens

    async def media(self, request: web.Request) -> web.WebSocketResponse:
        """Carry one media stream until it ends."""
        runner = await self._admit(request)
        socket = web.WebSocketResponse(
            decode_text=False, compress=False, max_msg_size=MAX_MESSAGE_BYTES, timeout=2.0, autoping=True
        )
        await socket.prepare(request)
        out = QueuedSocket(socket)
        writer = asyncio.create_task(out.write())
        runner.attach(out)
        try:
            await self._read(socket, runner)
        except TimeoutError:
            log.warning("stream never started", call_sid=runner.session.record.call_sid)
        finally:
            runner.detach(out)
            out.close()
            await writer
        return socket

    async def _admit(self, request: web.Request) -> CallRunner:
        """Return the runner of the call that the token names; anything else is refused before the upgrade.

        The signature proves the address only; the token, accepted once, ties the socket to a call.
        """
        if not self._validator.is_twilio(request, None, stream=True):
            metrics.REFUSED.labels("media", "signature").inc()
            raise web.HTTPForbidden(text="X-Twilio-Signature does not fit this address.\n")
        try:
            call_sid, claims = self._tokens.redeem(request.match_info["token"], wallclock=datetime.now(UTC))
            return await self._calls.ownership.resume_with_stream(IncomingCall.from_claims(call_sid, claims))
        except StreamTokenError as error:
            metrics.REFUSED.labels("media", "token").inc()
            raise web.HTTPForbidden(text=f"{error}\n") from error
        except NotLive as error:
            raise web.HTTPGone(text=f"{error}\n") from error
        except ConfigurationError as error:
            raise web.HTTPNotFound(text=f"{error}\n") from error

    async def _read(self, socket: web.WebSocketResponse, runner: CallRunner) -> None:
        """Read until the socket ends, breaks the protocol too often, or does not start in time."""
        bad, started = 0, False
        async with asyncio.timeout(START_SECONDS) as start:
            async for message in socket:
                try:
                    if message.type is WSMsgType.TEXT:
                        runner.receive_text(message.data)
                    elif message.type is WSMsgType.BINARY:
                        runner.receive_binary(message.data)
                except RemoteProtocolError as error:
                    bad += 1
                    self._note_bad_message(runner, error, bad)
                    if bad >= MAX_BAD_MESSAGES or isinstance(error, ForeignStream):
                        await socket.close(code=WSCloseCode.POLICY_VIOLATION)
                        return
                if not started and runner.streaming:
                    started = True
                    start.reschedule(None)

    @staticmethod
    def _note_bad_message(runner: CallRunner, error: RemoteProtocolError, count: int) -> None:
        metrics.BAD_MESSAGES.labels("Twilio").inc()
        if count == 1 or count == MAX_BAD_MESSAGES:
            log.warning("bad message", call_sid=runner.session.record.call_sid, error=str(error), count=count)
