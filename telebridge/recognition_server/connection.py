"""One WebSocket of the local recognizer: audio in, and what the caller is told to say out.

One rule: partial transcripts follow the audio, and the final one follows the request for it.
"""

import asyncio
from dataclasses import replace

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
from telebridge.recognition_server.dialects import ServerDialect
from telebridge.recognition_server.script import CallerWords, ScriptedWords
from telebridge.tasks import Tasks

log = logger(__name__)

MS_PER_WORD = 250.0
"""So much audio later a partial transcript has one word more."""
LAST_ANSWERS_SECONDS = 5.0
GARBAGE = "\x00{not json"
ERROR_CLOSE = 1011
NO_AUDIO_REASON = b"NET-0001"


class RecognitionConnection:
    """Serves one client until one of the two closes.

    Args:
        socket: The client.
        dialect: The protocol.
        words: What callers say.
    """

    def __init__(self, socket: web.WebSocketResponse, dialect: ServerDialect, words: CallerWords) -> None:
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

    async def serve(self) -> None:
        """Serve the client."""
        try:
            await self._send(self._dialect.opening())
            await self._read()
        finally:
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
                _ = self._tasks.start(self._answer())
            case EndHeard():
                if self._dialect.one_utterance:
                    await self._answer()
                else:
                    await self._tasks.wait(LAST_ANSWERS_SECONDS)
                await self._send(self._dialect.closing(self._position_ms))
                await self._socket.close()
                return False
            case DropHeard():
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
        self._position_ms += len(audio) / self._dialect.bytes_per_ms
        saying, heard_ms = self._saying or ScriptedWords(""), self._position_ms - self._begins_ms
        if saying.fault == "closes" and heard_ms > MS_PER_WORD:
            await self._socket.close(code=ERROR_CLOSE, message=b"closed on purpose")
            return False
        if saying.fault != "hangs":
            speech = bool(saying.text)
            await self._send(self._dialect.progress(self._utterance, self._begins_ms, self._position_ms, speech=speech))
        words = saying.text.split()
        while saying.partials and self._shown < len(words) and heard_ms >= (self._shown + 1) * MS_PER_WORD:
            self._shown += 1
            text = " ".join(words[: self._shown])
            await self._send(self._dialect.partial(self._utterance, text, self._begins_ms, self._position_ms))
        return True

    async def _answer(self) -> None:
        saying, utterance = self._saying or ScriptedWords(""), self._utterance
        begins_ms, ends_ms = self._begins_ms, self._position_ms
        self._utterance += 1
        self._begins_ms, self._saying = ends_ms, None
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
