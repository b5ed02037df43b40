"""One WebSocket of the local recognizer: audio in, and what the caller is told to say out.

One rule: partial transcripts follow the audio, and the final one follows the request for it.
"""

import asyncio
from dataclasses import dataclass, replace

from aiohttp import WSMsgType, web

from telebridge.logs import logger
from telebridge.recognition.messages import (
    AudioHeard,
    DropHeard,
    EndHeard,
    FlushHeard,
    Frame,
    NotUnderstood,
    SetupHeard,
)
from telebridge.recognition.source import FinalTranscript, Recognizer
from telebridge.recognition_server.dialects import ServerDialect
from telebridge.recognition_server.formats import TelephoneAudio
from telebridge.recognition_server.hearing import HeardUtterances
from telebridge.recognition_server.script import CallerWords, ScriptedWords
from telebridge.tasks import Tasks

log = logger(__name__)

MS_PER_WORD = 250.0
"""So much audio later a partial transcript has one word more."""
LAST_ANSWERS_SECONDS = 5.0
GARBAGE = "\x00{not json"
ERROR_CLOSE = 1011
NO_AUDIO_REASON = b"NET-0001"


@dataclass(frozen=True, slots=True)
class _EndedUtterance:
    """An utterance that is over, and is to be answered.

    Args:
        number: Its number on the connection.
        saying: What the caller was told to say.
        begins_ms: Where it begins in the audio of the connection.
        ends_ms: Where it ends.
        heard: What the recognizer hears of it; None where it was told.
    """

    number: int
    saying: ScriptedWords
    begins_ms: float
    ends_ms: float
    heard: asyncio.Future[FinalTranscript] | None


class RecognitionConnection:
    """Serves one client until one of the two closes.

    Args:
        socket: The client.
        dialect: The protocol.
        words: What callers say.
        recognizer: Hears what they say where nothing was told; None where that is nothing.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        dialect: ServerDialect,
        words: CallerWords,
        recognizer: Recognizer | None = None,
    ) -> None:
        self._socket = socket
        self._dialect = dialect
        self._words = words
        self._utterance = 1
        self._position_ms = 0.0
        self._begins_ms = 0.0
        self._saying: ScriptedWords | None = None
        self._shown = 0  # how many of its words a partial transcript had
        self._held: list[str] = []  # a final transcript that the next one overtakes
        self._tasks = Tasks("recognition server connection")
        self._hearing = None if recognizer is None else HeardUtterances(recognizer, self._take_partial)
        self._telephone: TelephoneAudio | None = None  # made once the format is agreed

    async def serve(self) -> None:
        """Serve the client."""
        try:
            await self._send(self._dialect.opening())
            await self._read()
        finally:
            if self._hearing is not None:
                self._hearing.close()
            self._tasks.cancel()
            await self._tasks.wait()

    async def _read(self) -> None:
        while True:
            try:
                message = await self._socket.receive(timeout=self._dialect.idle_seconds)
            except TimeoutError:
                await self._socket.close(code=ERROR_CLOSE, message=NO_AUDIO_REASON)
                return
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY) or not await self._hear(message.data):
                return

    async def _hear(self, frame: Frame) -> bool:
        """Take a message; returns whether the connection goes on."""
        match self._dialect.hear(frame):
            case AudioHeard(audio):
                return await self._listen(audio)
            case FlushHeard():
                await self._send(self._dialect.flushed(self._utterance))
                _ = self._tasks.start(self._answer(self._ended()))
            case EndHeard():
                if self._dialect.one_utterance:
                    await self._answer(self._ended())
                else:
                    await self._tasks.wait(LAST_ANSWERS_SECONDS)
                await self._send(self._dialect.closing(self._position_ms))
                await self._socket.close()
                return False
            case DropHeard():
                if self._hearing is not None:
                    self._hearing.drop()
                await self._send(self._dialect.dropped())
            case SetupHeard() as setup:
                await self._send(self._dialect.set_up(setup))
            case NotUnderstood(problem):
                log.warning("a message is not understood", problem=problem)
                await self._send(self._dialect.refuse(problem))
            case _:
                pass
        return True

    async def _listen(self, audio: bytes) -> bool:
        if self._saying is None:
            self._saying = self._words.take(now=asyncio.get_running_loop().time())
            self._shown = 0
        self._position_ms += len(audio) / self._dialect.format.bytes_per_ms
        if self._hearing is not None and self._saying is None:
            self._hearing.feed(self._telephone_audio(audio))
        saying, heard_ms = self._saying or ScriptedWords(""), self._position_ms - self._begins_ms
        if saying.fault == "closes" and heard_ms > MS_PER_WORD:
            await self._socket.close(code=ERROR_CLOSE, message=b"closed on purpose")
            return False
        if saying.fault != "hangs":
            speech = bool(saying.text) or (self._hearing is not None and self._hearing.spoken)
            await self._send(self._dialect.progress(self._utterance, self._begins_ms, self._position_ms, speech=speech))
        if saying.partials:
            count = min(int(heard_ms / MS_PER_WORD), len(saying.text.split()))
            await self._show(self._utterance, saying.text, count)
        return True

    async def _show(self, utterance: int, text: str, count: int) -> None:
        """Send partial transcripts of so many words, each with one word more than the one before."""
        words = text.split()
        while self._shown < count and utterance == self._utterance:
            self._shown += 1
            shown = " ".join(words[: self._shown])
            await self._send(self._dialect.partial(utterance, shown, self._begins_ms, self._position_ms))

    def _telephone_audio(self, audio: bytes) -> bytes:
        self._telephone = self._telephone or TelephoneAudio(self._dialect.format)
        return self._telephone.convert(audio)

    def _take_partial(self, text: str) -> None:
        """Show what the recognizer has heard so far."""
        _ = self._tasks.start(self._show(self._utterance, text, len(text.split())))

    def _ended(self) -> _EndedUtterance:
        """The utterance in progress, which is over; the next audio begins another one."""
        told = self._saying
        heard = None
        if self._hearing is not None and told is None:
            heard = self._hearing.end()
        elif self._hearing is not None:
            self._hearing.drop()
        over = _EndedUtterance(self._utterance, told or ScriptedWords(""), self._begins_ms, self._position_ms, heard)
        self._utterance += 1
        self._begins_ms, self._saying, self._shown = self._position_ms, None, 0
        return over

    async def _answer(self, over: _EndedUtterance) -> None:
        saying, utterance, begins_ms, ends_ms = over.saying, over.number, over.begins_ms, over.ends_ms
        if over.heard is not None:
            final = await over.heard
            saying = ScriptedWords(final.text, final.confidence or saying.confidence)
            if final.text:
                await self._send(self._dialect.progress(utterance, begins_ms, ends_ms, speech=True))
        rest = self._words.take_rest(now=asyncio.get_running_loop().time())
        saying = replace(saying, text=" ".join([saying.text, *rest]).strip())
        if saying.delay_seconds:
            await asyncio.sleep(saying.delay_seconds)
        if saying.fault == "hangs":
            await asyncio.Event().wait()
        if saying.fault == "garbage":
            await self._send([GARBAGE])
            return
        self._words.heard.append(saying.text)
        messages = self._dialect.final(utterance, saying.text, begins_ms, ends_ms, saying.confidence)
        if saying.fault == "overtaken":
            self._held = messages
            return
        held, self._held = self._held, []
        await self._send([*messages, *held, *(messages if saying.fault == "twice" else [])])

    async def _send(self, messages: list[str]) -> None:
        for message in messages:
            if not self._socket.closed:
                await self._socket.send_str(message)
