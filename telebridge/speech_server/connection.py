"""One WebSocket of the speech server: frames in, synthesis, audio out, by whichever protocol it was opened with.

This is a shell: the wire machine reads, the buffer decides, the voice speaks. One rule: one synthesis at a time, and
when the client is gone nothing goes on.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from telebridge.logs import logger
from telebridge.rime.messages import (
    ClearReceived,
    EosReceived,
    FlushReceived,
    HeardByBridge,
    HeardByRime,
    Malformed,
    TextReceived,
)
from telebridge.rime.plain import PlainConnection
from telebridge.rime.structured import StructuredConnection
from telebridge.speech_server.buffer import (
    AbortSynthesis,
    BufferEffect,
    Close,
    Refuse,
    ReportDone,
    SynthesisBuffer,
    Synthesize,
)
from telebridge.speech_server.formats import Encoder, wav_header
from telebridge.speech_server.options import Faults
from telebridge.speech_server.query import RequestedSpeech
from telebridge.speech_server.synthesis import EncodedAudio, synthesize
from telebridge.speech_server.voices.espeak_names import TIMED, canonical
from telebridge.speech_server.voices.voice import SpokenWords, Voice, VoiceFailed

log = logger(__name__)

ERROR_CLOSE = 1011
STALE_CHUNK = b"\x2a" * 333


@dataclass(frozen=True, slots=True)
class Setup:
    """What a connection was opened with."""

    asked: RequestedSpeech
    wire: PlainConnection | StructuredConnection
    buffer: SynthesisBuffer
    encoder: Encoder
    voice: Voice
    faults: Faults


class SpeechConnection:
    """Serves one client until one of the two closes."""

    def __init__(self, socket: web.WebSocketResponse, setup: Setup) -> None:
        self._socket = socket
        self._asked = setup.asked
        self._wire = setup.wire
        self._buffer = setup.buffer
        self._encoder = setup.encoder
        self._voice = setup.voice
        self._faults = setup.faults
        self._sizes: Iterator[int] = setup.faults.chunk_sizes()
        self._effects: asyncio.Queue[Synthesize | ReportDone | Close | Refuse] = asyncio.Queue()
        self._aborted = False
        self._sent_bytes = 0
        self._unsent = bytearray()
        self._context_id: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, *, idle_seconds: float) -> None:
        """Read and answer until the end; then stop whatever was going on."""
        self._spawn(self._speak())
        try:
            await self._read(idle_seconds)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self, idle_seconds: float) -> None:
        while True:
            try:
                message = await self._socket.receive(timeout=idle_seconds or None)
            except TimeoutError:
                await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"idle")
                return
            if message.type is WSMsgType.TEXT:
                await self._heard(self._wire.receive_text(message.data))
            elif message.type is WSMsgType.BINARY:
                await self._heard(Malformed("binary frames are not understood"))
            else:
                return

    async def _heard(self, event: HeardByRime | HeardByBridge) -> None:
        match event:
            case TextReceived(text, context_id):
                self._note_json_on_plain(text)
                self._do(self._buffer.receive_text(text, context_id))
            case ClearReceived():
                self._do(self._buffer.receive_clear())
                if self._faults.stale_seconds:
                    self._spawn(self._send_stale())
            case FlushReceived():
                self._do(self._buffer.receive_flush())
            case EosReceived():
                self._do(self._buffer.receive_eos())
            case Malformed(message):
                if isinstance(self._wire, StructuredConnection):
                    await self._socket.send_str(self._wire.send_error(message))
            case _:
                raise AssertionError(event)

    def _do(self, effects: list[BufferEffect]) -> None:
        for effect in effects:
            if isinstance(effect, AbortSynthesis):
                self._aborted = True
            else:
                self._effects.put_nowait(effect)

    async def _speak(self) -> None:
        """Perform the buffer's effects, one after the other."""
        try:
            while True:
                match await self._effects.get():
                    case Synthesize(text, context_id):
                        await self._synthesize(text, context_id)
                        self._do(self._buffer.synthesis_finished())
                    case ReportDone(context_id):
                        if isinstance(self._wire, StructuredConnection):
                            await self._socket.send_str(self._wire.send_done(context_id))
                    case Close():
                        await self._socket.close()
                    case Refuse(reason):
                        await self._close_with_error(f"400: {reason}")
        except ConnectionError:
            return  # the client is gone; the reader sees it too
        except VoiceFailed as error:
            log.error("the voice failed", error=str(error))
            await self._close_with_error("500: internal error")

    async def _close_with_error(self, reason: str) -> None:
        """An error ends the connection; only the JSON protocols say which."""
        told = reason if isinstance(self._wire, StructuredConnection) else ""
        await self._socket.close(code=ERROR_CLOSE, message=told.encode())

    async def _synthesize(self, text: str, context_id: str | None) -> None:
        faults = self._faults
        self._aborted, self._context_id = False, context_id
        self._unsent.clear()
        if faults.silent:
            await asyncio.Event().wait()
        if faults.first_byte_delay_seconds:
            await asyncio.sleep(faults.first_byte_delay_seconds)
        if faults.text_on_plain and isinstance(self._wire, PlainConnection):
            await self._socket.send_str(faults.text_on_plain)
        if faults.wav_instead:
            await self._send_chunk(wav_header(self._asked.sampling_rate), context_id)
        began, sent_seconds = asyncio.get_running_loop().time(), 0.0
        async for event in synthesize(text, self._asked, self._voice, self._encoder):
            if self._aborted:
                return
            match event:
                case EncodedAudio(data, seconds):
                    await self._send_audio(data, context_id)
                    sent_seconds += seconds
                    if faults.pace:
                        due = began + sent_seconds / faults.pace
                        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
                case SpokenWords():
                    await self._send_audio(b"", context_id, last=True)
                    await self._send_words(event, context_id)

    async def _send_audio(self, data: bytes, context_id: str | None, *, last: bool = False) -> None:
        """In chunks of irregular sizes with nothing held back; or, as a fault, all of one size but the last."""
        exact = self._faults.chunk_bytes
        self._unsent += data
        while self._unsent and (last or len(self._unsent) >= exact):
            size = next(self._sizes)
            chunk = bytes(self._unsent[:size])
            del self._unsent[:size]
            await self._send_chunk(chunk, context_id)

    async def _send_chunk(self, data: bytes, context_id: str | None) -> None:
        if isinstance(self._wire, StructuredConnection):
            await self._socket.send_str(self._wire.send_chunk(data, context_id))
        else:
            await self._socket.send_bytes(data)
        self._sent_bytes += len(data)
        faults = self._faults
        if faults.close_after_bytes is not None and self._sent_bytes >= faults.close_after_bytes:
            await self._socket.close(code=ERROR_CLOSE, message=faults.close_reason.encode())
            raise ConnectionResetError
        if faults.cut_after_bytes is not None and self._sent_bytes >= faults.cut_after_bytes:
            await self._cut()

    async def _cut(self) -> None:
        transport = self._socket._req.transport if self._socket._req is not None else None  # noqa: SLF001 - a fault
        if transport is not None:
            transport.abort()
        raise ConnectionResetError

    async def _send_words(self, said: SpokenWords, context_id: str | None) -> None:
        """Word times, for the languages that have them. Older Mist models list punctuation apart; this one does not."""
        if (
            not isinstance(self._wire, StructuredConnection)
            or canonical(self._asked.lang) not in TIMED
            or not said.words
        ):
            return
        words, starts, ends = zip(
            *((word.text, word.start_seconds, word.end_seconds) for word in said.words), strict=True
        )
        await self._socket.send_str(self._wire.send_timestamps(list(words), list(starts), list(ends), context_id))

    async def _send_stale(self) -> None:
        """The fault of going on after a clear."""
        until = asyncio.get_running_loop().time() + self._faults.stale_seconds
        context_id = self._context_id
        while asyncio.get_running_loop().time() < until:
            try:
                await self._send_chunk(STALE_CHUNK, context_id)
            except ConnectionError:
                return
            await asyncio.sleep(0.02)

    def _note_json_on_plain(self, text: str) -> None:
        """A mistake that clients made: on plain `/ws` JSON is just text, and is spoken."""
        if isinstance(self._wire, PlainConnection) and text.lstrip().startswith("{") and text.rstrip().endswith("}"):
            log.warning("JSON on /ws is spoken, not understood; use /ws3", text=text[:80])

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
