"""What happened in a recorded call on its time axis: what was said, cut off and pressed, nodes, and both waveforms.

One rule: a recording may be growing, or of another release; what cannot be read of it is not shown.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telebridge.server.pages.shown.waveform import Waveform, Waveforms

MOST_BYTES = 2_000_000
MOST_SPANS = 400
SECONDS_OF_TICKS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
MOMENTS = {"key": "key", "words": "text", "transfer": "status"}
"""The events that are shown as a moment, and which of their fields says more."""
SECONDS_OF_AXES = (15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400)
"""How long the axis of a live call may be, so that its waveform grows along it."""


@dataclass(frozen=True, slots=True)
class TimelineSpan:
    """A piece of the timeline.

    Args:
        kind: "said", "cut", "key", "node", "words" or "transfer".
        at_ms: When it began, from the beginning of the call.
        until_ms: When it was over; the same for a moment.
        text: What it is.
    """

    kind: str
    at_ms: float
    until_ms: float
    text: str


@dataclass(frozen=True, slots=True)
class CallTimeline:
    """What happened in a call that is recorded.

    Args:
        axis_ms: How long the axis is.
        spans: What happened, in order.
        waveform: How loud both sides were; None when that cannot be read.
    """

    axis_ms: float
    spans: tuple[TimelineSpan, ...]
    waveform: Waveform | None

    def x(self, at_ms: float) -> float:
        """Where a moment is on the axis, in percent."""
        return 100 * min(at_ms, self.axis_ms) / self.axis_ms

    def of(self, kind: str) -> list[TimelineSpan]:
        """The spans of one kind."""
        return [span for span in self.spans if span.kind == kind]

    @property
    def moments(self) -> list[tuple[TimelineSpan, float, float]]:
        """Keys, words and transfers: each with where it is and how much room it has before the next, in percent."""
        spans = sorted((span for kind in MOMENTS for span in self.of(kind)), key=lambda span: span.at_ms)
        places = [self.x(span.at_ms) for span in spans]
        return [(span, at, after - at) for span, at, after in zip(spans, places, [*places[1:], 100.0], strict=False)]

    @property
    def columns(self) -> float:
        """How many columns of the waveform the axis is long."""
        return 1.0 if self.waveform is None else self.axis_ms / self.waveform.column_ms

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Where the axis has a number, and which."""
        whole = self.axis_ms / 1000
        step = next((each for each in SECONDS_OF_TICKS if whole / each <= 8), 3600)
        return [(self.x(1000 * at), f"{at} s") for at in range(0, int(whole), step)]


def read_timeline(recording: Path, waveforms: Waveforms, *, live: bool) -> CallTimeline | None:
    """Read the timeline of one part of a recording; None when nothing of it can be read. This blocks on the disk.

    Args:
        recording: Its WAV file; the events lie beside it.
        waveforms: Read it.
        live: Whether it is growing.
    """
    waveform, events = waveforms.read(recording), _events(recording.with_suffix(".jsonl"))
    length = max([0.0 if waveform is None else waveform.length_ms, *(float(one["at_ms"]) for one in events)])
    if not length:
        return None
    axis = 1000.0 * next((each for each in SECONDS_OF_AXES if 1000 * each >= length), 86_400) if live else length
    return CallTimeline(axis, tuple(_spans(events, length))[:MOST_SPANS], waveform)


def _events(file: Path) -> list[dict[str, Any]]:
    """The events of a recording as far as they can be read: the last line may be half written."""
    found = []
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines.read(MOST_BYTES).splitlines():
                try:
                    found.append(json.loads(line))
                except (ValueError, RecursionError):
                    continue
    except OSError:
        return []
    return [one for one in found if isinstance(one, dict) and isinstance(one.get("at_ms"), int | float)]


def _spans(events: list[dict[str, Any]], length: float) -> Iterator[TimelineSpan]:
    began: tuple[float, str] | None = None
    nodes: tuple[float, str] | None = None
    for one in events:
        at = float(one["at_ms"])
        match one.get("kind"):
            case "speak":
                began = (at, str(one.get("text", "")))
            case "utterance":
                since, text = began or (at, "")
                yield TimelineSpan("said", since, at, str(one.get("text") or text))
                if one.get("interrupted_by"):
                    yield TimelineSpan("cut", at, at, str(one["interrupted_by"]))
                began = None
            case "node":
                if nodes is not None:
                    yield TimelineSpan("node", nodes[0], at, nodes[1])
                nodes = (at, str(one.get("node", "")))
            case str(kind) if kind in MOMENTS:
                yield TimelineSpan(kind, at, at, str(one.get(MOMENTS[kind], "")))
            case _:
                pass
    if nodes is not None:
        yield TimelineSpan("node", nodes[0], length, nodes[1])
    if began is not None:
        yield TimelineSpan("said", began[0], length, began[1])
