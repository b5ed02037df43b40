"""Rime as a speech source: utterances over plain or JSON WebSockets.

An utterance is a sequence of requests, each within Rime's limit. On plain `/ws` a request has a socket of its own,
ended by `<EOS>` (Rime, "WebSockets", *Commands*): nothing else tells where its audio ends, and nothing else stops it.
On JSON sockets (Rime, "WebSockets JSON") a request is a text and a flush under the utterance's context id, and ends
with `done`.

One rule: what arrives after a clear is dropped; a socket on which something may still arrive is never used again.
"""

import asyncio
import itertools
from collections.abc import AsyncIterable
from contextlib import AbstractAsyncContextManager
from types import TracebackType

from typing_extensions import override
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.errors import (
    ConfigurationError,
    RemoteProtocolError,
    SpeechError,
    SpeechRejected,
    SpeechTextError,
    SpeechUnavailable,
)
from telebridge.logs import logger
from telebridge.rime.backlog import TextBacklog
from telebridge.rime.connections import Connections
from telebridge.rime.container_check import ContainerCheck
from telebridge.rime.messages import (
    ChunkReceived,
    DoneReceived,
    Ended,
    ErrorReceived,
    HeardByBridge,
    Side,
    TimestampsReceived,
)
from telebridge.rime.parameters import RimeOptions, speech_parameters
from telebridge.rime.plain import PlainConnection
from telebridge.rime.structured import Edition, StructuredConnection, WordClock
from telebridge.speech.source import Audio, SpeechSource, VoiceOverrides, Words
from telebridge.speech.utterance import Utterance
from telebridge.tasks import Tasks
from telebridge.timer import DeadlineTimer

log = logger(__name__)

Wire = PlainConnection | StructuredConnection

CLOSED = "the speech source was closed"
LOST = "the connection to Rime was lost"


class RimeSpeech(SpeechSource):
    """Speaks through Rime. Make it anywhere, use it on one event loop, close it there.

    Raises:
        ConfigurationError: The address or the voice of `options` is wrong.
    """

    def __init__(self, options: RimeOptions) -> None:
        self._options = options
        self._address = options.address(options.parameters)
        self._connections = Connections(options)
        self._context_ids = itertools.count(1)
        self._tasks = Tasks("Rime")

    def start(self) -> None:
        """Open the spare connections. Failures are logged here, and raised to whoever speaks later."""
        for warning in self._options.parameters.warnings():
            log.warning("voice is not known", warning=warning)
        self._connections.keep_warm(self._address)

    async def check(self) -> None:
        """Open one connection and close it.

        Raises:
            SpeechError: It is refused, or nobody answers.
        """
        self._connections.close(await self._connections.acquire(self._address, fresh=True))

    @override
    def speak(self, text: str | AsyncIterable[str], *, voice: VoiceOverrides | None = None) -> Utterance:
        spoken = RimeUtterance(f"u{next(self._context_ids)}", self._options, self._connections)
        try:
            address = self._address if voice is None else self._address_of(voice)
        except ConfigurationError as error:
            spoken.utterance.end(SpeechRejected(str(error)))
            return spoken.utterance
        spoken.start(text, address, self._tasks)
        return spoken.utterance

    @override
    async def aclose(self) -> None:
        self._tasks.cancel()
        await self._tasks.wait()
        await self._connections.aclose()

    def _address_of(self, voice: VoiceOverrides) -> str:
        return self._options.address(speech_parameters({**self._options.parameters.given(), **voice}, where="voice"))


class RimeUtterance:
    """One utterance: its requests one after the other, each on a connection.

    Args:
        context_id: Names the utterance on JSON sockets.
        options: How Rime is reached.
        connections: Where connections come from.

    Attributes:
        utterance: What Rime speaks; clearing it clears Rime's buffer and closes the connection.
    """

    def __init__(self, context_id: str, options: RimeOptions, connections: Connections) -> None:
        self.utterance = Utterance(self._cleared)
        self._context_id = context_id
        self._address = ""
        self._options = options
        self._connections = connections
        self._task: asyncio.Task[None] | None = None
        self._connection: ClientConnection | None = None  # of the present request
        self._wire: Wire = PlainConnection(Side.BRIDGE)
        self._container_check = ContainerCheck()
        self._received_bytes = 0
        self._answered = False  # whether the present request has had its audio
        self._clock = WordClock()

    def start(self, text: str | AsyncIterable[str], address: str, tasks: Tasks) -> None:
        """Speak `text` in a task of its own."""
        self._address = address
        self._task = tasks.start(self._speak(text))
        # A task that is cancelled before its first step runs no `finally` of its own.
        self._task.add_done_callback(lambda _: self.utterance.end(SpeechUnavailable(CLOSED)))

    def _cleared(self) -> None:
        """Drop the text at Rime, and never read this connection again."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self._connections.close(connection, last_message=self._wire.send_clear())
        if self._task is not None:
            self._task.cancel()

    async def _speak(self, text: str | AsyncIterable[str]) -> None:
        backlog = TextBacklog(text, self._options.max_characters, self._options.stalled_text_seconds)
        try:
            while (request := await backlog.next_request()) is not None:
                await self._speak_request(request)
            self._pass_on(self._container_check.finish())
        except SpeechError as error:
            self.utterance.end(error)
        except asyncio.CancelledError:
            self.utterance.end(SpeechUnavailable(CLOSED))
            raise
        except Exception as error:  # noqa: BLE001 - the top of a task: what the author of the text raised
            self.utterance.end(SpeechTextError(f"the text broke off: {type(error).__name__}: {error}"))
        else:
            self.utterance.end()
        finally:
            self._close_connection()
            await backlog.aclose()

    async def _speak_request(self, text: str) -> None:
        """Speak one request; once more where nothing of it was received and another attempt may succeed."""
        before = self._received_bytes
        try:
            await self._attempt(text, fresh=False)
        except SpeechError as error:
            if not error.retryable or error.status == 429 or self._received_bytes > before:
                raise
            log.info("speaking again over a fresh connection", error=str(error))
            if not self._received_bytes:
                self._container_check = ContainerCheck()  # what it held belongs to the attempt that failed
            await self._attempt(text, fresh=True)

    async def _attempt(self, text: str, *, fresh: bool) -> None:
        self._connection = connection = await self._connections.acquire(self._address, fresh=fresh)
        self._answered = False
        try:
            for message in self._request(text):
                await connection.send(message)
            await self._listen(connection)
        except RemoteProtocolError as error:
            raise SpeechRejected(str(error)) from error
        except ConnectionClosed as error:  # while sending: Rime may have said why
            raise _failure(self._closed(error)) from error
        finally:
            self._close_connection()
        self._clock.synthesis_over(self._received_bytes / BYTES_PER_MS)

    def _request(self, text: str) -> list[str]:
        if self._options.protocol == "ws":
            plain = self._wire = PlainConnection(Side.BRIDGE)
            return [plain.send_text(text), plain.send_eos()]
        structured = self._wire = StructuredConnection(Side.BRIDGE, Edition(self._options.protocol))
        return [structured.send_text(text, self._context_id), structured.send_flush()]

    async def _listen(self, connection: ClientConnection) -> None:
        """Receive messages until the request is spoken."""
        idle = IdleTimeout(self._options.first_audio_seconds)
        try:
            async with idle:
                while not self._receive(await self._next(connection), connection):
                    idle.restart(self._options.between_audio_seconds)
        except TimeoutError:
            raise SpeechUnavailable(f"Rime took the text and sent nothing for {idle.seconds:g} s") from None

    async def _next(self, connection: ClientConnection) -> HeardByBridge:
        try:
            message = await connection.recv()
        except ConnectionClosed as error:
            return self._closed(error)
        if isinstance(message, bytes) and isinstance(self._wire, PlainConnection):
            return self._wire.receive_binary(message)
        event = self._wire.receive_text(message) if isinstance(message, str) else None
        if not isinstance(event, HeardByBridge):
            raise RemoteProtocolError("Rime", "sent a binary frame where JSON was expected", message)
        return event

    def _closed(self, error: ConnectionClosed) -> Ended:
        close = error.rcvd
        return Ended(LOST) if close is None else self._wire.receive_close(close.code, close.reason)

    def _receive(self, event: HeardByBridge, connection: ClientConnection) -> bool:
        """Pass an event on. Returns whether the request is spoken.

        Raises:
            SpeechError: It cannot be spoken.
        """
        plain = isinstance(self._wire, PlainConnection)
        match event:
            case ChunkReceived(data, context_id):
                if plain or context_id == self._context_id:
                    self._answered = True
                    self._pass_on(data if self._container_check.passed else self._container_check.receive(data))
            case TimestampsReceived(context_id=self._context_id):
                words = self._clock.words(event, received_ms=self._received_bytes / BYTES_PER_MS)
                self.utterance.put(Words(words))
            case DoneReceived(self._context_id):
                self._connection = None
                self._connections.release(self._address, connection)
                return True
            case Ended(problem):
                # A clean close without a sound is a spare that Rime closed just as the text came in.
                if problem or not plain or not self._answered:
                    raise _failure(event)
                return True
            case ErrorReceived(message):
                raise SpeechRejected(f"Rime did not understand: {message}")
            case _:
                pass  # of an earlier utterance
        return False

    def _pass_on(self, audio: bytes) -> None:
        if audio:
            self._received_bytes += len(audio)
            self.utterance.put(Audio(audio))

    def _close_connection(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self._connections.close(connection)


class IdleTimeout(AbstractAsyncContextManager["IdleTimeout"]):
    """A time-out that messages put off: `async with` it, and call `restart` after each message.

    Like `asyncio.timeout`, it raises `TimeoutError` from the block. To restart it costs no timer of the event loop.

    Args:
        seconds: Until the first message.

    Attributes:
        seconds: Until the message that is waited for.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)
        self._timer = DeadlineTimer(self._loop)
        self._deadline = self._loop.time() + seconds

    @override
    async def __aenter__(self) -> "IdleTimeout":
        await self._timeout.__aenter__()
        self._timer.set(self._deadline, self._timer_fired)
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def restart(self, seconds: float) -> None:
        """Wait so long from now on."""
        self.seconds = seconds
        deadline = self._loop.time() + seconds
        earlier, self._deadline = deadline < self._deadline, deadline
        if earlier:  # otherwise the timer fires too early, and is set again then
            self._timer.set(deadline, self._timer_fired)

    def _timer_fired(self) -> None:
        now = self._loop.time()
        if now < self._deadline:
            self._timer.set(self._deadline, self._timer_fired)
        else:
            self._timeout.reschedule(now)


def _failure(ended: Ended) -> SpeechError:
    """Why the request was not spoken, and whether another attempt may succeed."""
    if ended.refused:
        return SpeechRejected(ended.error, status=ended.status)
    return SpeechUnavailable(ended.error or "Rime closed the connection before it was done", status=ended.status)
