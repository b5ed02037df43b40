"""The speech of one call: starts its utterances, and delivers to the session what the speech source makes of each.

One rule: an utterance ends once, well or badly. A source that fails must not leave the caller in silence.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

from typing_extensions import override

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
from telebridge.speech.source import SpeechEvent, SpeechSink, SpeechSource, SpeechStream

log = logger(__name__)


class SpeechStreams:
    """The utterances of one call that are being spoken.

    Args:
        source: Speaks.
        call_sid: Names the call in the log.
    """

    __slots__ = ("_call_sid", "_source", "_streams")

    def __init__(self, source: SpeechSource, call_sid: str) -> None:
        self._source = source
        self._call_sid = call_sid
        self._streams: dict[str, SpeechStream] = {}

    def start(self, utterance: str, say: Say, deliver: EventSink) -> None:
        """Have an utterance spoken. `deliver` takes its events and its end; it is never called before this returns."""
        text = say.text if isinstance(say.text, str) else _tokens(utterance, say.text, deliver)
        sink = _SessionSink(self, utterance, deliver)
        try:
            stream = self._source.speak(text, voice=say.voice)
            self._streams[utterance] = stream
            stream.subscribe(sink)
        except Exception as error:  # a fault of ours must not leave the caller in silence
            log.exception("speech cannot be started", call_sid=self._call_sid, utterance=utterance)
            failure = SpeechRejected(f"{type(error).__name__}: {error}")
            asyncio.get_running_loop().call_soon(sink.end, failure)

    def clear(self, utterance: str) -> None:
        """Drop the rest of an utterance."""
        if (stream := self._streams.pop(utterance, None)) is not None:
            stream.clear()

    def clear_all(self) -> None:
        """Drop the rest of all utterances."""
        for stream in self._streams.values():
            stream.clear()
        self._streams.clear()

    def ended(self, utterance: str, error: SpeechError | None) -> None:
        """The source has ended an utterance; forget its stream."""
        self._streams.pop(utterance, None)
        if error is not None:
            log.warning("speech failed", call_sid=self._call_sid, utterance=utterance, error=str(error))


class _SessionSink(SpeechSink):
    """Delivers one utterance to the session of the call, in the task of whoever speaks it."""

    __slots__ = ("_deliver", "_streams", "_utterance")

    def __init__(self, streams: SpeechStreams, utterance: str, deliver: EventSink) -> None:
        self._streams = streams
        self._utterance = utterance
        self._deliver = deliver

    @override
    def put(self, event: SpeechEvent) -> None:
        self._deliver(SpeechArrived(self._utterance, event))

    @override
    def end(self, error: SpeechError | None = None) -> None:
        self._streams.ended(self._utterance, error)
        self._deliver(SpeechEnded(self._utterance) if error is None else SpeechFailed(self._utterance, error))


async def _tokens(utterance: str, tokens: AsyncIterable[str], deliver: EventSink) -> AsyncIterator[str]:
    """Pass the tokens of a streamed text on, and deliver each to the session."""
    async for token in tokens:
        deliver(TextTaken(utterance, token))
        yield token
