"""Recognizers over WebSockets: one connection for a question, or one for each utterance where the protocol asks it.

The shell around a `RecognitionProtocol`: it opens connections, performs what the protocol answers, and keeps the time.

One rule: each utterance that ended gets one final transcript within `answer_seconds`, whatever becomes of the
connection.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from typing_extensions import override
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.protocol import State

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.errors import RemoteProtocolError
from telebridge.logs import logger
from telebridge.outgoing.websocket import open_websocket
from telebridge.recognition.failures import note_failure
from telebridge.recognition.health import RecognizerHealth
from telebridge.recognition.messages import Frame, ProtocolAnswer, RecognitionProtocol, SendFrame
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.source import (
    FinalTranscript,
    Recognition,
    RecognitionRequest,
    RecognitionResult,
    Recognizer,
    TranscriptSink,
)
from telebridge.recognition.utterances import MOST_REPEATED_BYTES
from telebridge.tasks import Tasks

log = logger(__name__)

CHUNK_BYTES = 100 * BYTES_PER_MS
"""Frames of the telephone are gathered to so much: a message each 20 ms would cost five times as much."""
LARGEST_MESSAGE_BYTES = 1 << 20
MOST_UNSENT_BYTES = 1 << 18
"""A recognizer that reads so much too little is given up."""

MakeProtocol = Callable[[RecognitionRequest], RecognitionProtocol]


class WebSocketRecognizer(Recognizer):
    """A recognizer that is reached over WebSockets.

    Args:
        options: Its options.
        make: Makes the protocol of a connection.
    """

    def __init__(self, options: RecognizerOptions, make: MakeProtocol) -> None:
        self._options = options
        self._make = make
        self._tasks = Tasks("recognition")
        self.health = RecognizerHealth()

    @property
    @override
    def available(self) -> bool:
        return self.health.available(now=asyncio.get_running_loop().time())

    @override
    def listen(self, request: RecognitionRequest, sink: TranscriptSink) -> Recognition:
        return _SocketRecognition(self, self._options, lambda: self._make(request), sink, self._tasks)

    @override
    async def aclose(self) -> None:
        self._tasks.cancel()
        await self._tasks.wait()

    def failed(self, problem: str, *, status: int | None = None) -> None:
        """Note that it did not answer."""
        note_failure(self.health, problem, status=status)


class _SocketRecognition(Recognition):
    """The recognition of one question."""

    def __init__(
        self,
        recognizer: WebSocketRecognizer,
        options: RecognizerOptions,
        make: Callable[[], RecognitionProtocol],
        sink: TranscriptSink,
        tasks: Tasks,
    ) -> None:
        self._recognizer = recognizer
        self._options = options
        self._make = make
        self._sink: TranscriptSink | None = sink
        self._tasks = tasks
        self._utterance = 0
        self._speaking = False
        self._spoken = bytearray()  # of the last utterance, to be sent once more when its connection is lost
        self._unsent = bytearray()
        self._repeated = False  # whether it was
        self._link: _Link | None = None
        self._pending: dict[int, tuple[asyncio.TimerHandle, _Link | None]] = {}  # utterances that are over
        if recognizer.available:
            self._link = self._open()

    @override
    def begin_speech(self) -> None:
        if self._speaking or self._sink is None:
            return
        self._speaking, self._repeated = True, False
        self._utterance += 1
        self._spoken.clear()
        if self._link is None or self._link.used_up:
            self._link = self._open() if self._recognizer.available else None
        if self._link is not None:
            self._link.begin_speech(self._utterance)

    @override
    def feed(self, mulaw: bytes) -> None:
        if not self._speaking or self._sink is None:
            return
        self._unsent += mulaw
        if len(self._unsent) >= CHUNK_BYTES:
            self._flush()

    @override
    def end_speech(self) -> None:
        if not self._speaking or self._sink is None:
            return
        self._flush()
        self._speaking = False
        number, loop, link = self._utterance, asyncio.get_running_loop(), self._link
        seconds = 0.0 if link is None else self._options.answer_seconds
        self._pending[number] = loop.call_later(seconds, self._give_up, number), link
        if link is not None:
            link.end_speech()

    @override
    def close(self) -> None:
        if self._sink is None:
            return
        self._sink = None
        links = {link for _, link in self._pending.values()} | {self._link}
        for timer, _ in self._pending.values():
            timer.cancel()
        self._pending.clear()
        for link in links:
            if link is not None:
                link.close()

    def _flush(self) -> None:
        audio = bytes(self._unsent)
        self._unsent.clear()
        if len(self._spoken) < MOST_REPEATED_BYTES:
            self._spoken += audio
        if audio and self._link is not None:
            self._link.feed(audio)

    def _open(self) -> "_Link":
        return _Link(self._make(), self._options, self, self._tasks)

    def _give_up(self, number: int) -> None:
        """The final transcript of an utterance is overdue."""
        _, link = self._pending[number]
        if link is None:
            self.transcript(FinalTranscript(number, "", failure="no recognizer is there"))
            return
        final = link.give_up(number)
        if final.failure:
            self._recognizer.failed(final.failure)
            link.close()
        self.transcript(final)

    # What a connection reports.

    def transcript(self, transcript: RecognitionResult) -> None:
        """Pass a transcript on: of each utterance one final one, and nothing after it."""
        if self._sink is None:
            return
        if isinstance(transcript, FinalTranscript):
            timer, _ = self._pending.pop(transcript.utterance, (None, None))
            if timer is None:
                return
            timer.cancel()
            if not transcript.failure:
                self._recognizer.health.succeeded()
        self._sink(transcript)

    def lost(self, link: "_Link", problem: str, status: int | None) -> None:
        """A connection is gone, or could not be opened: what it leaves unanswered is sent once more, or fails."""
        if self._sink is None:
            return
        unanswered = [number for number, (_, served_by) in self._pending.items() if served_by is link]
        speaking = self._speaking and self._link is link
        if link.was_open and not unanswered and not speaking:
            return  # nobody had anything to say for too long; the next utterance opens another one
        if link.was_open and not self._repeated and (speaking or unanswered == [self._utterance]):
            self._repeat()
            return
        self._recognizer.failed(problem, status=status)
        if speaking:
            self._link = None
        for number in unanswered:
            self.transcript(FinalTranscript(number, "", failure=problem))

    def _repeat(self) -> None:
        """Send the last utterance over another connection."""
        self._repeated = True
        link = self._link = self._open()
        link.begin_speech(self._utterance)
        link.feed(bytes(self._spoken))
        if self._utterance in self._pending:
            self._pending[self._utterance] = self._pending[self._utterance][0], link
            link.end_speech()


class _Link:
    """One connection, from the request for it to its end.

    Attributes:
        used_up: Whether another connection is needed for the next utterance.
        was_open: Whether it was open once.
    """

    def __init__(
        self, protocol: RecognitionProtocol, options: RecognizerOptions, owner: _SocketRecognition, tasks: Tasks
    ) -> None:
        self.used_up = self.was_open = False
        self._protocol = protocol
        self._options = options
        self._owner = owner
        self._socket: ClientConnection | None = None
        self._queued: list[Frame] = []  # before the connection was open
        self._sent_at = 0.0
        self._task = tasks.start(self._run())

    def begin_speech(self, utterance: int) -> None:
        """An utterance begins on this connection."""
        self.used_up = self.used_up or self._protocol.one_utterance
        self._perform(self._protocol.begin_speech(utterance))

    def feed(self, mulaw: bytes) -> None:
        """Send audio of it."""
        self._perform(self._protocol.feed(mulaw))

    def end_speech(self) -> None:
        """It is over."""
        self._perform(self._protocol.end_speech())

    def give_up(self, utterance: int) -> FinalTranscript:
        """Wait no longer for a final transcript."""
        return self._protocol.give_up(utterance)

    def close(self) -> None:
        """Nothing more is wanted: say so, and close in the background."""
        self.used_up = True
        if not self._task.done():
            self._perform(self._protocol.close())
            self._task.cancel()

    async def _run(self) -> None:
        problem, status = "the connection was closed", None
        try:
            socket = await open_websocket(
                self._protocol.address(),
                self._protocol.headers(),
                seconds=self._options.connect_seconds,
                largest_message_bytes=LARGEST_MESSAGE_BYTES,
                make=ClientConnection,
            )
            self.was_open = True
            await self._serve(socket)
        except InvalidStatus as error:
            status = error.response.status_code
            problem = f"the connection is refused with {status}"
        except TimeoutError:
            problem = f"no connection within {self._options.connect_seconds:g} s"
        except RemoteProtocolError as error:
            problem = str(error)
        except (OSError, UnicodeError, WebSocketException) as error:
            problem = f"no connection to {urlsplit(self._protocol.address()).netloc}: {error}"
        except Exception as error:  # of the client's library, or of ours: the call goes on with keys
            log.exception("a recognizer cannot be used")
            problem = f"{type(error).__name__}: {error}"
        self.used_up = True
        asyncio.get_running_loop().call_soon(self._owner.lost, self, problem, status)  # after its last transcript

    async def _serve(self, socket: ClientConnection) -> None:
        self._socket = socket
        queued, self._queued = self._queued, []
        self._perform([*self._protocol.open(), *(SendFrame(frame) for frame in queued)])
        keeping = asyncio.create_task(self._keep_alive())
        try:
            async for message in socket:
                self._perform(self._protocol.receive(message))
        except ConnectionClosed:
            pass  # what it leaves unanswered fails
        finally:
            keeping.cancel()
            self._socket = None
            with suppress(ConnectionClosed):
                await socket.close()
        self._perform(self._protocol.receive_close())

    async def _keep_alive(self) -> None:
        seconds = self._protocol.keep_alive_seconds
        if seconds is None:
            return
        loop = asyncio.get_running_loop()
        self._sent_at = loop.time()
        while True:
            await asyncio.sleep(max(0.1, self._sent_at + seconds - loop.time()))
            if loop.time() - self._sent_at >= seconds:
                self._perform(self._protocol.keep_alive())

    def _perform(self, heard: list[ProtocolAnswer]) -> None:
        """Send what is to be sent, once the connection is open; transcripts go to the owner in the next turn."""
        for each in heard:
            if not isinstance(each, SendFrame):
                asyncio.get_running_loop().call_soon(self._owner.transcript, each)
            elif self._socket is None:
                self._queued.append(each.frame)
            else:
                self._send(self._socket, each.frame)

    def _send(self, socket: ClientConnection, frame: Frame) -> None:
        """Hand a message to the transport at once; it is dropped when the peer is gone or does not read."""
        if socket.state is not State.OPEN or socket.transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            return
        if isinstance(frame, str):
            socket.protocol.send_text(frame.encode())
        else:
            socket.protocol.send_binary(frame)
        socket.send_data()
        self._sent_at = asyncio.get_running_loop().time()
