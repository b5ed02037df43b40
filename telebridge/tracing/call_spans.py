"""Makes spans of the events of calls: one trace for each call, from its webhook to its end.

Source: OpenTelemetry, "Tracing API".

One rule: no telephone number and nothing that was said, typed or pressed is in a span; lengths and counts are.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Tracer, set_span_in_context

from telebridge.call.record import CallRecord, SpokenUtterance
from telebridge.call.runner.feed import CallFeed, FeedEvent, Watch, Watcher
from telebridge.logs import logger

log = logger(__name__)

PREFIX = "telebridge"
TOLD = {
    "stream-started": (),
    "key": (),
    "digits": (),
    "words": ("confidence", "understood"),
    "answered-by": ("who", "by", "after_ms"),
    "transfer-refused": (),
    "announced": ("interrupted", "heard_ms"),
    "opt-out": (),
    "call-back": (),
}
"""The events of a call that are events of a span, with the fields that are told."""


@dataclass(slots=True)
class _OpenCall:
    """The spans of a call that have not ended."""

    call: Span
    within: Context
    node: Span | None = None
    within_node: Context | None = None
    transfer: Span | None = None

    @property
    def innermost(self) -> Span:
        return self.node or self.call

    def end(self, now: int) -> None:
        for span in (self.transfer, self.node, self.call):
            if span is not None:
                span.end(now)


class CallSpans:
    """Makes the spans of the calls of this process while they run. Call `close` at the end.

    Args:
        feed: The events of the calls.
        record: Gives the record of a call, live or lately ended; None for no call.
        tracer: Begins the spans. They are exported by a thread of its provider.
        wallclock_ns: Nanoseconds since the epoch.
    """

    def __init__(
        self,
        feed: CallFeed,
        record: Callable[[str], CallRecord | None],
        tracer: Tracer,
        *,
        wallclock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._feed = feed
        self._record = record
        self._tracer = tracer
        self._wallclock_ns = wallclock_ns
        self._loop = asyncio.get_running_loop()
        self._open: dict[str, _OpenCall] = {}
        self._watcher: Watcher = feed.watch(Watch(), self._take)

    def close(self) -> None:
        """Make no further span, and end those of calls that are live."""
        self._feed.leave(self._watcher)
        for call in self._open.values():
            call.end(self._wallclock_ns())
        self._open.clear()

    def _take(self) -> None:
        """Take the events as they are published, because they have no time of their own."""
        for event in self._watcher.take():
            try:
                self._follow(event)
            except Exception:  # a call goes on whatever becomes of its trace
                log.exception("an event is missing in the trace of a call", kind=event.kind, call_sid=event.call_sid)

    def _follow(self, event: FeedEvent) -> None:
        now = self._wallclock_ns()
        if event.kind == "call-started":
            self._begin(event, now)
        elif (call := self._open.get(event.call_sid)) is not None:
            match event.kind:
                case "node":
                    self._enter(call, str(event.data["node"]), now)
                case "utterance":
                    self._spoken(call, event.call_sid, now)
                case "transfer":
                    call.transfer = self._tracer.start_span("transfer", call.within, SpanKind.CLIENT, start_time=now)
                case "transfer-ended" if call.transfer is not None:
                    call.transfer.set_attribute(f"{PREFIX}.transfer.status", str(event.data["status"]))
                    call.transfer.end(now)
                    call.transfer = None
                case "call-ended":
                    self._end(event, now)
                case kind if kind in TOLD:
                    values = {name: event.data[name] for name in TOLD[kind] if event.data.get(name) is not None}
                    call.innermost.add_event(kind, values, now)
                case _:
                    pass

    def _begin(self, event: FeedEvent, now: int) -> None:
        values = {
            f"{PREFIX}.call_sid": event.call_sid,
            f"{PREFIX}.flow": str(event.data.get("flow", "")),
            f"{PREFIX}.direction": str(event.data.get("direction", "")),
        }
        span = self._tracer.start_span("call", Context(), SpanKind.SERVER, values, start_time=now)
        self._open[event.call_sid] = _OpenCall(span, set_span_in_context(span, Context()))

    def _enter(self, call: _OpenCall, node: str, now: int) -> None:
        if call.node is not None:
            call.node.end(now)
        values = {f"{PREFIX}.node": node}
        call.node = self._tracer.start_span(f"node {node}", call.within, attributes=values, start_time=now)
        call.within_node = set_span_in_context(call.node, Context())

    def _spoken(self, call: _OpenCall, call_sid: str, now: int) -> None:
        """A prompt that is over: from its first audio to its last mark, or to where it was cut off."""
        record = self._record(call_sid)
        if record is None or not record.utterances:
            return
        spoken = record.utterances[-1]
        began, ended = self._instant(spoken.began_at, now), self._instant(spoken.ended_at, now)
        within = call.within_node or call.within
        span = self._tracer.start_span("prompt", within, attributes=_values(spoken), start_time=began)
        if (cut := spoken.interruption) is not None:
            told = {"cause": cut.cause.value, "heard_ms": cut.heard_ms, "stop_ms": cut.stop_ms, "exact": cut.exact}
            span.add_event("barge-in", told, ended)
        span.end(ended)

    def _end(self, event: FeedEvent, now: int) -> None:
        call = self._open.pop(event.call_sid)
        first_audio_ms = event.data.get("first_audio_ms")
        if first_audio_ms is not None:
            call.call.set_attribute(f"{PREFIX}.first_audio_ms", float(first_audio_ms))
        call.call.set_attribute(f"{PREFIX}.end_reason", str(event.data.get("end_reason") or ""))
        call.call.set_attribute(f"{PREFIX}.prompts", len(event.data.get("utterances") or ()))
        call.end(now)

    def _instant(self, at: float | None, now: int) -> int:
        """The time of an instant of the loop's clock, in nanoseconds since the epoch."""
        return now if at is None else now - max(0, int((self._loop.time() - at) * 1e9))


def _values(spoken: SpokenUtterance) -> dict[str, Any]:
    values: dict[str, Any] = {f"{PREFIX}.audio_ms": spoken.audio_ms, f"{PREFIX}.characters": len(spoken.text)}
    if spoken.pauses:
        values[f"{PREFIX}.pauses"] = len(spoken.pauses)
    return values
