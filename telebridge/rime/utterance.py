"""An utterance of Rime's: its requests, each on a connection, and what comes of them.

An utterance is a sequence of requests, each within Rime's limit. On plain `/ws` a request has a socket of its own,
ended by `<EOS>` (Rime, "WebSockets", *Commands*): nothing else tells where its audio ends, and nothing else stops it.
On JSON sockets (Rime, "WebSockets JSON") a request is a text and a flush under the utterance's context id, and ends
with `done`.

Rime's word that it is done is not enough: what came is held against the text of the request. Too little is a failure,
too much is cut, and audio that comes in a trickle, or not at all while other messages do, is a stall.

One rule: what arrives after a clear is dropped; a socket on which something may still arrive is never used again.
"""

import asyncio
from collections.abc import AsyncIterable

from typing_extensions import override
from websockets.exceptions import ConnectionClosed

from telebridge import metrics
from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.errors import (
    RemoteProtocolError,
    SpeechError,
    SpeechIncomplete,
    SpeechRejected,
    SpeechTextError,
    SpeechUnavailable,
    shortened,
)
from telebridge.logs import logger
from telebridge.rime.backlog import TextBacklog
from telebridge.rime.connection import MessageReceiver, RimeConnection
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
from telebridge.rime.parameters import RimeOptions
from telebridge.rime.plain import PlainConnection
from telebridge.rime.structured import Edition, StructuredConnection, WordClock
from telebridge.speech.source import Audio, Words
from telebridge.speech.speaking_time import VoiceRate, needs_audio
from telebridge.speech.utterance import Utterance
from telebridge.tasks import Tasks
from telebridge.timing.running_time import RunningTimeout

log = logger(__name__)

Wire = PlainConnection | StructuredConnection

CLOSED = "the speech source was closed"
LOST = "the connection to Rime was lost"
NO_CLOSE = 1006
"""The code of a connection that ended without a close (RFC 6455, section 7.1.5)."""
MOST_WORDS = 100
"""Word times of a request beyond so many and one for each of its characters are dropped."""
MS_OF_A_SOUND = 100.0
"""The least that any text takes, as an error says it."""


class CutOff:
    """A request ended because far more audio came than its text can take."""


RequestEnd = DoneReceived | Ended | CutOff
"""What ended a request that may have been spoken."""


class RimeUtterance(MessageReceiver):
    """One utterance: its requests one after the other, each on a connection.

    A task sends the requests and waits for the end of each; what Rime sends is taken in the call that reads it.

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
        self._connection: RimeConnection | None = None  # of the present request
        self._wire: Wire = PlainConnection(Side.BRIDGE)
        self._container_check = ContainerCheck()
        self._rate = VoiceRate()
        self._received_bytes = 0
        self._request_bytes = 0  # of audio that came for the present request
        self._words_left = 0  # of the present request
        self._most_bytes = 0.0  # of audio for the present request; what exceeds them is cut
        self._timeout: AudioTimeout
        self._ended: asyncio.Future[RequestEnd | Exception]  # of the present request
        self._clock = WordClock()

    def start(self, text: str | AsyncIterable[str], address: str, rate: VoiceRate, tasks: Tasks) -> None:
        """Speak `text` in a task of its own; `rate` is the voice's."""
        self._address, self._rate = address, rate
        self._task = tasks.start(self._speak(text))
        self._task.add_done_callback(self._task_done)

    def _task_done(self, _: asyncio.Task[None]) -> None:
        self._task = None  # a task that was cancelled refers to the frames that refer to this
        # A task that is cancelled before its first step runs no `finally` of its own.
        self.utterance.end(SpeechUnavailable(CLOSED))

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
            while (request := await _next_request(backlog)) is not None:
                await self._speak_request(request)
            self._pass_on(self._container_check.finish())
        except SpeechError as error:
            self.utterance.end(error)
        except asyncio.CancelledError:
            self.utterance.end(SpeechUnavailable(CLOSED))
            raise
        except Exception as error:  # the top of a task: a fault of ours is no fault of the text
            log.exception("Rime cannot be used")
            self.utterance.end(SpeechUnavailable(f"{type(error).__name__}: {error}"))
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
            if not self._received_bytes:
                self._container_check = ContainerCheck()  # what it held belongs to the attempt that failed
            try:
                await self._attempt(text, fresh=True)
            except SpeechIncomplete as again:
                raise SpeechIncomplete(f"{again}, twice", retried=True) from again
            log.warning("Rime spoke at the second attempt", error=str(error), text=shortened(text))

    async def _attempt(self, text: str, *, fresh: bool) -> None:
        self._connection = connection = await self._connections.acquire(self._address, fresh=fresh)
        self._request_bytes = 0
        self._words_left = len(text) + MOST_WORDS
        self._most_bytes = self._options.most_audio * self._rate.most_ms(text) * BYTES_PER_MS
        self._timeout = timeout = AudioTimeout(self._options.first_audio_seconds, self._options.between_audio_seconds)
        self._ended = ended = asyncio.get_running_loop().create_future()
        messages = self._request(text)
        connection.receiver = self
        try:
            async with timeout:
                for message in messages:
                    await connection.send(message)
                end = await ended
            if isinstance(end, Exception):
                raise end
        except TimeoutError:
            raise SpeechUnavailable(timeout.problem(self._request_bytes)) from None
        except RemoteProtocolError as error:
            raise SpeechRejected(str(error)) from error
        except ConnectionClosed as error:  # while sending: Rime may have said why
            raise _failure(self._closed(connection)) from error
        finally:
            self._close_connection()
        self._judge(text, end)
        self._clock.synthesis_over(self._received_bytes / BYTES_PER_MS)

    def _judge(self, text: str, end: RequestEnd) -> None:
        """Hold the audio of a request that has ended against its text.

        Raises:
            SpeechIncomplete: It is too little.
        """
        ms = self._request_bytes / BYTES_PER_MS
        if isinstance(end, CutOff):
            log.warning("Rime sent far too much audio: cut", seconds=round(ms / 1000, 1), text=shortened(text))
            metrics.SPEECH_CUT.inc()
            self.utterance.substitute = True
            return
        least_ms = self._rate.least_ms(text, done=isinstance(end, DoneReceived))
        # A clean close without a sound is a spare that Rime closed just as the text came in.
        nothing = not ms and (needs_audio(text) or isinstance(end, Ended))
        self._rate.learn(text, ms, whole=ms >= least_ms)
        if nothing or ms < least_ms:
            raise SpeechIncomplete(
                f"Rime ended a text of {len(text)} characters after {ms / 1000:.1f} s of audio; "
                f"it takes at least {max(least_ms, MS_OF_A_SOUND) / 1000:.1f} s"
            )

    def _request(self, text: str) -> list[str]:
        if self._options.protocol == "ws":
            plain = self._wire = PlainConnection(Side.BRIDGE)
            return [plain.send_text(text), plain.send_eos()]
        structured = self._wire = StructuredConnection(Side.BRIDGE, Edition(self._options.protocol))
        return [structured.send_text(text, self._context_id), structured.send_flush()]

    @override
    def message_received(self, message: bytes, *, text: bool) -> None:
        connection = self._connection
        if connection is None or self._ended.done():
            return
        end: RequestEnd | Exception | None
        try:
            end = self._receive(self._decoded(message, text), connection)
        except Exception as error:  # noqa: BLE001 - the task that waits raises it
            end = error
        if end is not None:
            self._end_request(end)

    @override
    def connection_closed(self) -> None:
        connection = self._connection
        if connection is None:
            return
        end: RequestEnd | Exception | None
        try:
            end = self._receive(self._closed(connection), connection)
        except SpeechError as error:
            end = error
        if end is not None:
            self._end_request(end)

    def _end_request(self, end: "RequestEnd | Exception") -> None:
        if not self._ended.done():  # what came before may have ended it, or the utterance
            self._ended.set_result(end)

    def _decoded(self, message: bytes, text: bool) -> HeardByBridge:  # noqa: FBT001 - a name costs each chunk more
        wire = self._wire
        if isinstance(wire, PlainConnection):
            if text:
                raise RemoteProtocolError("Rime", "sent text where audio was expected", message)
            return wire.receive_binary(message)
        if not text:
            raise RemoteProtocolError("Rime", "sent a binary frame where JSON was expected", message)
        return wire.receive_from_rime(message)

    def _closed(self, connection: RimeConnection) -> Ended:
        code = connection.close_code
        if code is None or code == NO_CLOSE:
            return Ended(LOST)
        return self._wire.receive_close(code, connection.close_reason or "")

    def _receive(self, event: HeardByBridge, connection: RimeConnection) -> RequestEnd | None:
        """Pass an event on. Returns what ended the request, or None while it goes on.

        Raises:
            SpeechError: It cannot be spoken.
        """
        if type(event) is ChunkReceived:
            return self._receive_audio(event, connection)
        plain = isinstance(self._wire, PlainConnection)
        match event:
            case TimestampsReceived(context_id=self._context_id):
                self._words_left -= len(event.words)
                if self._words_left >= 0:
                    words = self._clock.words(event, received_ms=self._received_bytes / BYTES_PER_MS)
                    self.utterance.put(Words(words))
            case DoneReceived(self._context_id):
                self._connection = None
                self._connections.release(self._address, connection)
                return event
            case Ended(problem):
                if problem or not plain:
                    raise _failure(event)
                return event
            case ErrorReceived(message):
                raise SpeechRejected(f"Rime did not understand: {message}")
            case _:
                pass  # of an earlier utterance
        return None

    def _receive_audio(self, event: ChunkReceived, connection: RimeConnection) -> CutOff | None:
        data = event.data
        ours = event.context_id == self._context_id or isinstance(self._wire, PlainConnection)
        if not ours or not data:
            return None
        self._request_bytes = received = self._request_bytes + len(data)
        if received > self._most_bytes:
            return self._cut(connection)
        self._timeout.receive(received)
        self._pass_on(data if self._container_check.passed else self._container_check.receive(data))
        return None

    def _cut(self, connection: RimeConnection) -> CutOff:
        """Drop what Rime would still send, and never read this connection again."""
        self._connection = None
        self._connections.close(connection, last_message=self._wire.send_clear())
        return CutOff()

    def _pass_on(self, audio: bytes) -> None:
        if audio:
            self._received_bytes += len(audio)
            self.utterance.put(Audio(audio))

    def _close_connection(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self._connections.close(connection)


class AudioTimeout(RunningTimeout):
    """A time-out that audio puts off: `async with` it, and call `receive` after each chunk.

    It is over when no audio comes for a while, and when audio has come so slowly that whoever plays it since its
    beginning has waited for as long in total.

    Time in which the event loop did not run does not count: what Rime sent meanwhile was not read yet.

    Like `asyncio.timeout`, it raises `TimeoutError` from the block. To put it off costs no timer of the event loop.

    Args:
        first_audio_seconds: Until the first audio.
        stall_seconds: Until the next audio, and of waiting in total.
    """

    def __init__(self, first_audio_seconds: float, stall_seconds: float) -> None:
        super().__init__(first_audio_seconds)
        self._first = first_audio_seconds
        self._stall = stall_seconds
        self._began: float | None = None  # when the first audio came
        self._last = 0.0  # and the last
        self._size = 0  # in bytes, of all

    @override
    def deadline(self) -> float:
        """When it is over, in running time, by the audio that has come."""
        if self._began is None:
            return super().deadline()
        return min(self._last, self._began + self._size / BYTES_PER_MS / 1000) + self._stall

    def receive(self, size: int) -> None:
        """Audio came: `size` bytes in all until now."""
        self._last = self._loop.time() - self._clock.left_out
        self._size = size
        if self._began is None:
            self._began = self._last
            self._timer.set(self._clock.at(self.deadline()), self._timer_fired)

    def problem(self, size: int) -> str:
        """What is wrong when it is over, after `size` bytes of audio."""
        if self._began is None:
            return f"Rime took the text and sent nothing for {self._first:g} s"
        if self._clock.time() >= self._last + self._stall:
            return f"Rime took the text and sent nothing for {self._stall:g} s"
        seconds, elapsed = size / BYTES_PER_MS / 1000, self._clock.time() - self._began
        return f"Rime stalls: {seconds:.1f} s of audio came in {elapsed:.1f} s"


async def _next_request(backlog: TextBacklog) -> str | None:
    """The next request. What the author of the text raises becomes `SpeechTextError`."""
    try:
        return await backlog.next_request()
    except SpeechError:
        raise
    except Exception as error:
        raise SpeechTextError(f"the text broke off: {type(error).__name__}: {error}") from error


def _failure(ended: Ended) -> SpeechError:
    """Why the request was not spoken, and whether another attempt may succeed."""
    if ended.refused:
        return SpeechRejected(ended.error, status=ended.status)
    return SpeechUnavailable(ended.error or "Rime closed the connection before it was done", status=ended.status)
