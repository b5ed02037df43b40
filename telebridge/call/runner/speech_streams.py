"""The utterances of a call that are being made: what the speech source makes of each is told to the session.

One rule: an utterance ends once, well or badly. A source that breaks off must not leave the caller in silence.
"""

from collections.abc import AsyncIterable, AsyncIterator

from telebridge.call.session.events import (
    EventSink,
    SpeechArrived,
    SpeechEnded,
    SpeechFailed,
    TextTaken,
)
from telebridge.errors import SpeechError, SpeechRejected
from telebridge.flows.steps import Say
from telebridge.logs import logger
from telebridge.speech.source import SpeechSource, SpeechStream
from telebridge.tasks import Tasks

log = logger(__name__)


class SpeechStreams:
    """The speech of one call.

    Args:
        source: Speaks.
        tasks: Of the call; they read what it makes.
        call_sid: Whose speech it is.
    """

    __slots__ = ("_call_sid", "_source", "_streams", "_tasks")

    def __init__(self, source: SpeechSource, tasks: Tasks, call_sid: str) -> None:
        self._source = source
        self._tasks = tasks
        self._call_sid = call_sid
        self._streams: dict[str, SpeechStream] = {}

    def start(self, utterance: str, say: Say, deliver: EventSink) -> None:
        """Have an utterance spoken; what becomes of it is delivered."""
        text = say.text if isinstance(say.text, str) else _told(utterance, say.text, deliver)
        stream = self._source.speak(text, voice=say.voice)
        self._streams[utterance] = stream
        _ = self._tasks.start(self._listen(utterance, stream, deliver))

    def clear(self, utterance: str) -> None:
        """Nobody wants the rest of it."""
        if (stream := self._streams.pop(utterance, None)) is not None:
            stream.clear()

    def clear_all(self) -> None:
        """Nobody wants any more."""
        for stream in self._streams.values():
            stream.clear()
        self._streams.clear()

    async def _listen(self, utterance: str, stream: SpeechStream, deliver: EventSink) -> None:
        """Hand on what the source makes, until it has made all."""
        try:
            async for event in stream:
                deliver(SpeechArrived(utterance, event))
        except SpeechError as error:
            log.warning("speech failed", call_sid=self._call_sid, utterance=utterance, error=str(error))
            deliver(SpeechFailed(utterance, error))
        except Exception as error:  # the top of a task: a fault of ours must not leave the caller in silence
            log.exception("speech broke off", call_sid=self._call_sid, utterance=utterance)
            deliver(SpeechFailed(utterance, SpeechRejected(f"{type(error).__name__}: {error}")))
        else:
            deliver(SpeechEnded(utterance))
        finally:
            self._streams.pop(utterance, None)


async def _told(utterance: str, tokens: AsyncIterable[str], deliver: EventSink) -> AsyncIterator[str]:
    """Pass the tokens of a streamed text on, telling the session each."""
    async for token in tokens:
        deliver(TextTaken(utterance, token))
        yield token
