"""The handler of media streams: admits Twilio's WebSockets, reads them into a call, and starts the task that writes.

One rule: reading never waits for writing. Twilio drops the caller's audio when a server reads too slowly (warning
31930), so what the call sends leaves by a task of its own.
"""

import asyncio
from collections import deque
from datetime import UTC, datetime

from aiohttp import WSCloseCode, WSMsgType, web
from sqlalchemy.exc import SQLAlchemyError

from telebridge import metrics
from telebridge.call.runner.incoming_call import IncomingCall
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.runner.media_line import QueuedSocket
from telebridge.call.runner.runner import CallRunner, ForeignStream
from telebridge.errors import ConfigurationError, NotLive, RemoteProtocolError
from telebridge.logs import logger
from telebridge.server.http.connections import CONNECTIONS
from telebridge.server.http.idempotency_store import UsedTokens
from telebridge.server.twilio.media_reader import MediaReader
from telebridge.server.twilio.request_validation import RequestValidator
from telebridge.tasks import Tasks
from telebridge.twilio.media_stream import UnknownEvent, UnreadableMessage, require_little_audio
from telebridge.twilio.messages import MAX_MEDIA_BYTES
from telebridge.twilio.signed_urls import StreamTokenError, StreamTokens

log = logger(__name__)

MAX_MESSAGE_BYTES = 1 << 20
MAX_BAD_MESSAGES = 20
BAD_MESSAGES_SECONDS = 10.0
"""A stream is closed when so many messages within so many seconds cannot be read."""
START_SECONDS = 10.0
CLAIM_SECONDS = 2.0
"""How long the database may take to say that a token is new; the caller waits meanwhile."""


class BadMessages:
    """Counts the bad messages of one stream; many that cannot be read, in a short time, end it."""

    def __init__(self) -> None:
        self._unreadable: deque[float] = deque(maxlen=MAX_BAD_MESSAGES)
        self._logged: set[type] = set()

    def add(self, error: RemoteProtocolError, runner: CallRunner, *, now: float) -> bool:
        """Count one; returns whether the stream must be closed."""
        metric = metrics.UNKNOWN_EVENTS if isinstance(error, UnknownEvent) else metrics.BAD_MESSAGES
        metric.labels("Twilio").inc()
        if isinstance(error, UnreadableMessage):
            self._unreadable.append(now)
        full = len(self._unreadable) == MAX_BAD_MESSAGES and now - self._unreadable[0] <= BAD_MESSAGES_SECONDS
        closes = full or isinstance(error, ForeignStream)
        if closes or type(error) not in self._logged:
            self._logged.add(type(error))
            log.warning("bad message", call_sid=runner.session.record.call_sid, error=str(error), closes=closes)
        return closes


class MediaHandler:
    """Handles `/twilio/media/{token}`.

    Args:
        calls: The calls of this process.
        validator: Checks signatures.
        tokens: Redeems the token of a stream.
        used: Knows the tokens that other processes redeemed; None when there are none.
    """

    def __init__(
        self, calls: LiveCalls, validator: RequestValidator, tokens: StreamTokens, used: UsedTokens | None = None
    ) -> None:
        self._calls = calls
        self._validator = validator
        self._tokens = tokens
        self._used = used
        self._claiming = Tasks("claim a stream's token")

    async def media(self, request: web.Request) -> web.WebSocketResponse:
        """Carry one media stream until it ends."""
        runner = await self._admit(request)
        socket = web.WebSocketResponse(
            decode_text=False, compress=False, max_msg_size=MAX_MESSAGE_BYTES, timeout=2.0, autoping=False
        )
        reader = MediaReader(request.protocol, runner.receive_frame)
        if socket.can_prepare(request):
            _put_in_front(request, reader)
        await socket.prepare(request)
        out = QueuedSocket(socket, request.transport)
        writer = asyncio.create_task(out.write())
        runner.attach(out)
        try:
            await self._read(socket, runner, reader)
        except TimeoutError:
            log.warning("stream never started", call_sid=runner.session.record.call_sid)
        finally:
            reader.stop()
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
            token = request.match_info["token"]
            call_sid, claims = self._tokens.redeem(token, wallclock=datetime.now(UTC))
            own = self._tokens.is_own(token)
            if own:  # its stream is meant for this process; the others are told without anybody waiting for it
                _ = self._claiming.start(self._tell_used(token, call_sid))
            else:
                await self._refuse_used(token, call_sid)
            incoming = IncomingCall.from_claims(call_sid, claims)
            return await self._calls.ownership.resume_with_stream(incoming, own=own)
        except StreamTokenError as error:
            metrics.REFUSED.labels("media", "token").inc()
            raise web.HTTPForbidden(text=f"{error}\n") from error
        except NotLive as error:
            raise web.HTTPGone(text=f"{error}\n") from error
        except ConfigurationError as error:
            raise web.HTTPNotFound(text=f"{error}\n") from error

    async def _tell_used(self, token: str, call_sid: str) -> None:
        """Tell other processes that a token was redeemed here."""
        try:
            await self._refuse_used(token, call_sid)
        except StreamTokenError:
            log.warning("a stream's token was used in another process, too", call_sid=call_sid)

    async def _refuse_used(self, token: str, call_sid: str) -> None:
        """Refuse a token that another process has redeemed; while the database is away it is taken.

        Raises:
            StreamTokenError: It was used before.
        """
        if self._used is None:
            return
        try:
            async with asyncio.timeout(CLAIM_SECONDS):
                first = await self._used.claim(self._tokens.name(token))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("a stream's token is taken unseen: the database is away", call_sid=call_sid, error=str(error))
            return
        if not first:
            raise StreamTokenError("used before")

    async def _read(self, socket: web.WebSocketResponse, runner: CallRunner, reader: MediaReader) -> None:
        """Read what the reader hands on, until the socket ends, breaks the protocol, or does not start in time."""
        bad, started, loop = BadMessages(), False, asyncio.get_running_loop()
        async with asyncio.timeout(START_SECONDS) as start:
            async for message in socket:
                try:
                    if message.type is WSMsgType.TEXT:
                        if len(message.data) > MAX_MEDIA_BYTES:
                            require_little_audio(message.data)
                        runner.receive_text(message.data)
                    elif message.type is WSMsgType.BINARY:
                        runner.receive_binary(message.data)
                    elif message.type is WSMsgType.PING:
                        await socket.pong(message.data)
                except RemoteProtocolError as error:
                    if bad.add(error, runner, now=loop.time()):
                        await socket.close(code=WSCloseCode.POLICY_VIOLATION)
                        return
                if not started and runner.streaming:
                    started = True
                    start.reschedule(None)
                size = len(message.data) if isinstance(message.data, bytes | bytearray) else 0
                if (seconds := reader.wait_seconds(size)) is not None:
                    await _wait(seconds)  # a socket that has more messages never waits by itself
                reader.message_read()


def _put_in_front(request: web.Request, reader: MediaReader) -> None:
    """Let the reader receive what comes over the connection from now on."""
    if (bounds := request.app.get(CONNECTIONS)) is not None:
        bounds.hand_over(request)
    if request.transport is not None:
        request.transport.set_protocol(reader)


async def _wait(seconds: float) -> None:
    """Let others have their turn, or more turns while a stream is far ahead of its pace."""
    if seconds:
        metrics.STREAMS_PACED.inc()
    await asyncio.sleep(seconds)
