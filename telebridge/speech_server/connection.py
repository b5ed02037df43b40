"""One WebSocket of the speech server: text frames in, synthesis, audio out, in the protocol it was opened with.

This is a shell over the protocol, which parses frames, the buffer, which decides what is synthesized, and the
synthesizer. One rule: one synthesis at a time, and everything stops when the client is gone.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

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
from telebridge.speech_server.options import FaultSchedule
from telebridge.speech_server.query import RequestedSpeech
from telebridge.speech_server.synthesis import EncodedAudio, synthesize
from telebridge.speech_server.voices.espeak_names import TIMED, canonical
from telebridge.speech_server.voices.voice import SpokenWords, Synthesizer, VoiceFailed
from telebridge.tasks import Tasks

log = logger(__name__)

ERROR_CLOSE = 1011
STALE_CHUNK = b"\x2a" * 333


@dataclass(frozen=True, slots=True)
class ConnectionSetup:
    """What a connection was opened with."""

    speech: RequestedSpeech
    wire: PlainConnection | StructuredConnection
    buffer: SynthesisBuffer
    encoder: Encoder
    voice: Synthesizer
    faults: FaultSchedule


class SpeechConnection:
    """Serves one client until one of the two closes."""

    def __init__(self, socket: web.WebSocketResponse, setup: ConnectionSetup) -> None:
        self._socket = socket
        self._speech = setup.speech
        self._wire = setup.wire
        self._buffer = setup.buffer
        self._encoder = setup.encoder
        self._voice = setup.voice
        self._schedule = setup.faults
        self._faults = setup.faults.at_upgrade()
        self._sizes: Iterator[int] = self._faults.chunk_sizes()
        self._effects: asyncio.Queue[Synthesize | ReportDone | Close | Refuse] = asyncio.Queue()
        self._aborted = False
        self._sent_bytes = 0
        self._unsent = bytearray()
        self._context_id: str | None = None
        self._tasks = Tasks("speech server connection")

    async def serve(self, *, idle_seconds: float) -> None:
        """Serve the client until the socket closes, then stop the synthesis.

        Args:
            idle_seconds: Close the socket when nothing was received for that long; 0 for never.
        """
        _ = self._tasks.start(self._speak())
        try:
            await self._read(idle_seconds)
        finally:
            self._tasks.cancel()
            await self._tasks.wait()

    async def _read(self, idle_seconds: float) -> None:
        while True:
            try:
                message = await self._socket.receive(timeout=idle_seconds or None)
            except TimeoutError:
                await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"idle")
                return
            if message.type is WSMsgType.TEXT:
                await self._receive(self._wire.receive_text(message.data))
            elif message.type is WSMsgType.BINARY:
                await self._receive(Malformed("binary frames are not understood"))
            else:
                return

    async def _receive(self, event: HeardByRime | HeardByBridge) -> None:
        match event:
            case TextReceived(text, context_id):
                self._note_json_on_plain(text)
                self._queue_effects(self._buffer.receive_text(text, context_id))
            case ClearReceived():
                self._queue_effects(self._buffer.receive_clear())
                if self._faults.stale_seconds:
                    _ = self._tasks.start(self._send_stale())
            case FlushReceived():
                self._queue_effects(self._buffer.receive_flush())
            case EosReceived():
                self._queue_effects(self._buffer.receive_eos())
            case Malformed(message):
                if isinstance(self._wire, StructuredConnection):
                    await self._socket.send_str(self._wire.send_error(message))
            case _:
                raise AssertionError(event)

    def _queue_effects(self, effects: list[BufferEffect]) -> None:
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
                        self._queue_effects(self._buffer.synthesis_finished())
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
        """Close the connection because of an error; only the JSON protocols carry the reason."""
        message = reason if isinstance(self._wire, StructuredConnection) else ""
        await self._socket.close(code=ERROR_CLOSE, message=message.encode())

    async def _synthesize(self, text: str, context_id: str | None) -> None:
        faults = self._faults = self._schedule.at_synthesis()
        self._aborted, self._context_id = False, context_id
        self._unsent.clear()
        if faults.silent:
            await asyncio.Event().wait()
        if faults.first_byte_delay_seconds:
            await asyncio.sleep(faults.first_byte_delay_seconds)
        if faults.text_on_plain and isinstance(self._wire, PlainConnection):
            await self._socket.send_str(faults.text_on_plain)
        if faults.wav_instead:
            await self._send_chunk(wav_header(self._speech.sampling_rate), context_id)
        began = asyncio.get_running_loop().time()
        if faults.no_audio:
            return
        for _ in range(faults.repeat):
            if not await self._send_speech(text, context_id, began):
                return

    async def _send_speech(self, text: str, context_id: str | None, began: float) -> bool:
        """Send the audio and the words of a text. Returns whether it was not aborted."""
        faults, sent_seconds = self._faults, 0.0
        async for event in synthesize(text, self._speech, self._voice, self._encoder):
            if self._aborted:
                return False
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
        return True

    async def _send_audio(self, data: bytes, context_id: str | None, *, last: bool = False) -> None:
        """Send audio in chunks of irregular sizes, nothing held back; or, as a fault, all of one size but the last."""
        exact = self._faults.chunk_bytes
        self._unsent += data
        while self._unsent and (last or len(self._unsent) >= exact):
            size = next(self._sizes)
            if self._faults.trickle is not None:
                seconds, pause = self._faults.trickle
                size = round(seconds * self._speech.sampling_rate)
                await asyncio.sleep(pause if self._sent_bytes else 0)
            if self._faults.empty_frames and self._sent_bytes >= self._faults.empty_after_bytes:
                await self._send_empty(context_id)
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
        if faults.clean_close_after_bytes is not None and self._sent_bytes >= faults.clean_close_after_bytes:
            await self._socket.close(code=WSCloseCode.OK)
            raise ConnectionResetError
        if faults.cut_after_bytes is not None and self._sent_bytes >= faults.cut_after_bytes:
            await self._cut()

    async def _send_empty(self, context_id: str | None) -> None:
        """Send empty chunks, and on JSON chunks of another context, for ever, as a fault."""
        while True:
            await asyncio.sleep(self._faults.empty_frames)
            if isinstance(self._wire, StructuredConnection):
                await self._socket.send_str(self._wire.send_chunk(b"", context_id))
                await self._socket.send_str(self._wire.send_chunk(STALE_CHUNK, f"not {context_id}"))
            else:
                await self._socket.send_bytes(b"")

    async def _cut(self) -> None:
        transport = self._socket._req.transport if self._socket._req is not None else None  # noqa: SLF001 - a fault
        if transport is not None:
            transport.abort()
        raise ConnectionResetError

    async def _send_words(self, said: SpokenWords, context_id: str | None) -> None:
        """Send word times, in languages that have them. Punctuation is not listed apart, as older Mist models do."""
        if (
            not isinstance(self._wire, StructuredConnection)
            or canonical(self._speech.lang) not in TIMED
            or not said.words
        ):
            return
        words, starts, ends = zip(
            *((word.text, word.start_seconds, word.end_seconds) for word in said.words), strict=True
        )
        await self._socket.send_str(self._wire.send_timestamps(list(words), list(starts), list(ends), context_id))

    async def _send_stale(self) -> None:
        """Send stale audio after a clear, as a fault."""
        until = asyncio.get_running_loop().time() + self._faults.stale_seconds
        context_id = self._context_id
        while asyncio.get_running_loop().time() < until:
            try:
                await self._send_chunk(STALE_CHUNK, context_id)
            except ConnectionError:
                return
            await asyncio.sleep(0.02)

    def _note_json_on_plain(self, text: str) -> None:
        """Warn of a frequent mistake of clients: on plain `/ws`, JSON is text, and is spoken."""
        if isinstance(self._wire, PlainConnection) and text.lstrip().startswith("{") and text.rstrip().endswith("}"):
            log.warning("JSON on /ws is spoken, not understood; use /ws3", text=text[:80])
