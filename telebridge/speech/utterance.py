"""Utterances on their way from the source that speaks them to the listeners that play or store them.

Every `SpeechStream` of the package is an `Utterance`. A chunk is passed on by plain calls: the task that reads it from
the service calls `put`, which calls the `put` of the subscribed sink, and so on to the call. No task and no queue lies
between them, unless a listener chooses to iterate.

One rule: after `clear()` no event comes out, whatever is still put in.

What is over refers to nobody: its source and its listeners refer to it, and a circle of references, with all audio that
hangs on it, would stay until the garbage collector stops every call to look for it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, MutableSequence

from typing_extensions import override

from telebridge.errors import SpeechError, SpeechRejected
from telebridge.logs import logger
from telebridge.speech.source import Audio, SpeechEvent, SpeechSink, SpeechStream

log = logger(__name__)

EVENTS_A_TURN = 16
"""How many events that waited for their listener are passed on in one turn of the event loop."""
JOINED_BYTES = 1600
"""Pieces of audio that wait are joined up to this length: 200 ms."""


class Utterance(SpeechStream, SpeechSink):
    """A stream of events that its source fills with `put`, and completes or fails with `end`.

    Being a sink itself, it can be subscribed to another stream. Used on the event loop only.

    Args:
        on_clear: Called once, when the listener clears an utterance that is not complete; the source stops its work.

    Attributes:
        substitute: Whether another voice spoke some of it, or too much of it came; final when the utterance ends.
    """

    def __init__(self, on_clear: Callable[[], None] | None = None) -> None:
        self.substitute = False
        self._on_clear = on_clear
        self._events: deque[SpeechEvent] = deque()
        self._sink: SpeechSink | None = None
        self._waiter: asyncio.Future[None] | None = None  # of a listener that iterates
        self._over = False
        self._error: SpeechError | None = None

    @property
    def over(self) -> bool:
        """Whether it is complete, failed, or cleared."""
        return self._over

    @override
    def put(self, event: SpeechEvent) -> None:
        if self._over:
            return
        sink = self._sink
        if sink is None or self._events:
            append(self._events, event)
            self._wake()
            return
        try:  # as `_pass_on`, without a call more for each chunk
            sink.put(event)
        except Exception as error:  # noqa: BLE001 - logged there
            self._sink_failed(sink, error)

    @override
    def end(self, error: SpeechError | None = None) -> None:
        if self._over:
            return
        self._over, self._error, self._on_clear = True, error, None
        if self._sink is not None and not self._events:
            self._pass_on_end()
        else:
            self._wake()

    @override
    def subscribe(self, sink: SpeechSink) -> None:
        self._sink = sink
        if self._events or self._over:
            asyncio.get_running_loop().call_soon(self._flush)

    @override
    def clear(self) -> None:
        self._events.clear()
        self._error = None
        self._sink = None
        if not self._over:
            self._over = True
            self._wake()
            on_clear, self._on_clear = self._on_clear, None
            if on_clear is not None:
                on_clear()

    @override
    def __aiter__(self) -> "Utterance":
        return self

    @override
    async def __anext__(self) -> SpeechEvent:
        while not self._events:
            if self._over:
                error, self._error = self._error, None
                raise error or StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._events.popleft()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _flush(self) -> None:
        """Pass on what was put in before somebody subscribed, a share in each turn of the event loop."""
        left = EVENTS_A_TURN
        while self._events and left:  # a sink that reacts may clear
            self._pass_on(self._events.popleft())
            left -= 1
        if self._events:
            asyncio.get_running_loop().call_soon(self._flush)
        elif self._over:
            self._pass_on_end()

    def _pass_on(self, event: SpeechEvent) -> None:
        if (sink := self._sink) is None:
            return
        try:
            sink.put(event)
        except Exception as error:  # noqa: BLE001 - logged there
            self._sink_failed(sink, error)

    def _sink_failed(self, sink: SpeechSink, error: Exception) -> None:
        """The sink's fault must end neither the source's task nor other listeners."""
        log.error("a listener of speech failed", exc_info=error)
        self.clear()
        _end(sink, SpeechRejected(f"{type(error).__name__}: {error}"))

    def _pass_on_end(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            error, self._error = self._error, None
            _end(sink, error)


def _end(sink: SpeechSink, error: SpeechError | None) -> None:
    try:
        sink.end(error)
    except Exception:  # as for `put`; there is nothing left to tell the sink
        log.exception("a listener of speech failed at the end of an utterance")


def append(events: MutableSequence[SpeechEvent], event: SpeechEvent) -> None:
    """Append an event to those that wait; in a long list, small pieces of audio are joined."""
    last = events[-1] if len(events) >= EVENTS_A_TURN else None
    if isinstance(event, Audio) and isinstance(last, Audio) and len(last.data) < JOINED_BYTES:
        events[-1] = Audio(last.data + event.data)
    else:
        events.append(event)


class SharedUtterance(SpeechSink):
    """One utterance for several listeners, each of whom gets all of it from the beginning.

    Args:
        on_abandoned: Called when the last listener has cleared, if the utterance has not ended.
        on_end: Called once with the error or None, before the listeners get the end.

    Attributes:
        events: All there were so far.
        substitute: Whether another voice spoke some of it; set it in `on_end` at the latest.
    """

    def __init__(self, on_abandoned: Callable[[], None], on_end: Callable[[SpeechError | None], None]) -> None:
        self.events: list[SpeechEvent] = []
        self.substitute = False
        self._on_abandoned = on_abandoned
        self._on_end = on_end
        self._listeners: list[Utterance] = []
        self._over = False

    @property
    def has_listeners(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def listen(self) -> Utterance:
        """Return a stream of all events, those that came already and those to come."""
        listener = Utterance(lambda: self._cleared(listener))
        for event in self.events:
            listener.put(event)
        self._listeners.append(listener)
        return listener

    @override
    def put(self, event: SpeechEvent) -> None:
        append(self.events, event)
        for listener in tuple(self._listeners):  # one that reacts may clear, or a new one join
            listener.put(event)

    @override
    def end(self, error: SpeechError | None = None) -> None:
        if self._over:
            return
        self._over = True
        self._on_end(error)
        for listener in tuple(self._listeners):
            listener.substitute = self.substitute
            listener.end(error)

    def _cleared(self, listener: Utterance) -> None:
        self._listeners.remove(listener)
        if not self._listeners and not self._over:
            self._on_abandoned()
