"""Rime as a source of speech: utterances over plain or JSON WebSockets.

Every utterance is a sequence of requests, each within Rime's limit. On plain `/ws` a request has a socket of its own,
ended by `<EOS>`: there is no other way to know where its audio ends, or to be rid of it. On JSON sockets a request is
text and a flush under the utterance's own context id, and ends with `done`.

One rule: what arrives after a clear reaches nobody; a socket on which something may still arrive is never used again.
"""

import asyncio
import itertools
from collections.abc import AsyncIterable, Callable, Coroutine
from typing import Any

from typing_extensions import override
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.errors import (
    ConfigurationError,
    RemoteProtocolError,
    SpeechError,
    SpeechRejected,
    SpeechUnavailable,
)
from telebridge.logs import logger
from telebridge.rime.backlog import TextBacklog
from telebridge.rime.connections import Connections
from telebridge.rime.container_check import HeaderGuard
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
        self._names = itertools.count(1)
        self._speaking: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Open the spare connections; troubles are logged, and met again when somebody speaks."""
        for warning in self._options.parameters.warnings():
            log.warning("voice is not known", warning=warning)
        self._connections.keep_warm(self._address)

    async def check(self) -> None:
        """Open one connection and close it.

        Raises:
            SpeechError: It is refused, or nobody answers.
        """
        self._connections.retire(await self._connections.take(self._address, fresh=True))

    @override
    def speak(self, text: str | AsyncIterable[str], *, voice: VoiceOverrides | None = None) -> Utterance:
        spoken = _Spoken(f"u{next(self._names)}", self._options, self._connections, self._spawn)
        try:
            address = self._address if voice is None else self._address_of(voice)
        except ConfigurationError as error:
            spoken.utterance.end(SpeechRejected(str(error)))
            return spoken.utterance
        spoken.start(text, address)
        return spoken.utterance

    @override
    async def aclose(self) -> None:
        for task in self._speaking:
            task.cancel()
        await asyncio.gather(*self._speaking, return_exceptions=True)
        await self._connections.aclose()

    def _address_of(self, voice: VoiceOverrides) -> str:
        return self._options.address(speech_parameters({**self._options.parameters.given(), **voice}, where="voice"))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._speaking.add(task)
        task.add_done_callback(self._speaking.discard)
        return task


class _Spoken:
    """One utterance at work: its requests one after the other, and the connection that the present one uses."""

    def __init__(
        self,
        name: str,
        options: RimeOptions,
        connections: Connections,
        spawn: Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"],
    ) -> None:
        self.utterance = Utterance(self._cleared)
        self._name = name
        self._address = ""
        self._options = options
        self._connections = connections
        self._spawn = spawn
        self._task: asyncio.Task[None] | None = None
        self._connection: ClientConnection | None = None
        self._wire: Wire = PlainConnection(Side.BRIDGE)
        self._guard = HeaderGuard()
        self._received_bytes = 0
        self._answered = False  # whether the present request has had its audio, or may have none
        self._clock = WordClock()

    def start(self, text: str | AsyncIterable[str], address: str) -> None:
        self._address = address
        self._task = self._spawn(self._speak(text))
        # A task that is cancelled before its first step never gets to say so itself.
        self._task.add_done_callback(lambda _: self.utterance.end(SpeechUnavailable(CLOSED)))

    def _cleared(self) -> None:
        """The listener wants no more: drop the text at Rime, and never listen to this connection again."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self._connections.retire(connection, self._wire.send_clear())
        if self._task is not None:
            self._task.cancel()

    async def _speak(self, text: str | AsyncIterable[str]) -> None:
        backlog = TextBacklog(text, self._options.max_characters)
        try:
            while (request := await backlog.next_request()) is not None:
                await self._speak_request(request)
            self._hear(self._guard.finish())
        except SpeechError as error:
            self.utterance.end(error)
        except asyncio.CancelledError:
            self.utterance.end(SpeechUnavailable(CLOSED))
            raise
        except Exception as error:  # noqa: BLE001 - the top of a task: what the author of the text raised
            self.utterance.end(SpeechRejected(f"the text broke off: {type(error).__name__}: {error}"))
        else:
            self.utterance.end()
        finally:
            self._drop_connection()
            await backlog.aclose()

    async def _speak_request(self, text: str) -> None:
        """Speak one request. Where nothing of it was heard yet and trying again may help, once more."""
        before = self._received_bytes
        try:
            await self._try(text, fresh=False)
        except SpeechError as error:
            if not error.retryable or error.status == 429 or self._received_bytes > before:
                raise
            log.info("speaking again over a fresh connection", error=str(error))
            if not self._received_bytes:
                self._guard = HeaderGuard()  # what it held back belongs to the attempt that failed
            await self._try(text, fresh=True)

    async def _try(self, text: str, *, fresh: bool) -> None:
        self._connection = connection = await self._connections.take(self._address, fresh=fresh)
        self._answered = not any(character.isalnum() for character in text)  # a smiley may have no sound
        try:
            for message in self._request(text):
                await connection.send(message)
            await self._listen(connection)
        except RemoteProtocolError as error:
            raise SpeechRejected(str(error)) from error
        except ConnectionClosed as error:  # while sending: Rime may have said why
            raise _failure(self._closed(error)) from error
        finally:
            self._drop_connection()
        self._clock.synthesis_over(self._received_bytes / BYTES_PER_MS)

    def _request(self, text: str) -> list[str]:
        if self._options.protocol == "ws":
            plain = self._wire = PlainConnection(Side.BRIDGE)
            return [plain.send_text(text), plain.send_eos()]
        structured = self._wire = StructuredConnection(Side.BRIDGE, Edition(self._options.protocol))
        return [structured.send_text(text, self._name), structured.send_flush()]

    async def _listen(self, connection: ClientConnection) -> None:
        """Take what comes until the request is spoken."""
        seconds = self._options.first_audio_seconds
        while True:
            try:
                async with asyncio.timeout(seconds):
                    event = await self._next(connection)
            except TimeoutError:
                raise SpeechUnavailable(f"Rime took the text and sent nothing for {seconds:g} s") from None
            if self._is_last(event, connection):
                return
            seconds = self._options.between_audio_seconds

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

    def _is_last(self, event: HeardByBridge, connection: ClientConnection) -> bool:
        """Pass on what came; whether the request is spoken.

        Raises:
            SpeechError: It will not be.
        """
        plain = isinstance(self._wire, PlainConnection)
        match event:
            case Ended(problem):
                # A clean close without a sound is a spare that Rime gave up just as the text came in.
                if problem or not plain or not self._answered:
                    raise _failure(event)
                return True
            case ErrorReceived(message):
                raise SpeechRejected(f"Rime did not understand: {message}")
            case ChunkReceived(data, context_id):
                if plain or context_id == self._name:
                    self._answered = True
                    self._hear(self._guard.receive(data))
            case TimestampsReceived(context_id=self._name):
                words = self._clock.words(event, heard_ms=self._received_bytes / BYTES_PER_MS)
                self.utterance.put(Words(words))
            case DoneReceived(self._name):
                self._connection = None
                self._connections.give_back(self._address, connection)
                return True
            case _:
                pass  # of an utterance before
        return False

    def _hear(self, audio: bytes) -> None:
        if audio:
            self._received_bytes += len(audio)
            self.utterance.put(Audio(audio))

    def _drop_connection(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self._connections.retire(connection)


def _failure(ended: Ended) -> SpeechError:
    """Why the request was not spoken, and whether trying again may help."""
    if ended.refused:
        return SpeechRejected(ended.error, status=ended.status)
    return SpeechUnavailable(ended.error or "Rime closed the connection before it was done", status=ended.status)
