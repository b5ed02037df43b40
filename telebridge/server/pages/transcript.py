"""A call as people read it: what was said, how much of it was heard, and when, from its record and its recording.

One rule: a record comes from a database and may be of another release; what it lacks is not shown.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telebridge.call.session.stream_phase import Phase
from telebridge.server.api.call_lookup import PHASE_NAMES

CAUSES = {
    "speech": "when the caller spoke",
    "key": "by a key",
    "api": "through the API",
    "hang-up": "by the end of the call",
}
MOST_TIMELINE_BYTES = 2_000_000
MOST_SPANS = 400


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """One utterance as the caller heard it.

    Args:
        heard: What was heard of its text.
        unheard: What was not.
        note: How it was cut off or paused, in words; empty when it was heard to its end without a pause.
    """

    heard: str
    unheard: str = ""
    note: str = ""

    def as_json(self) -> dict[str, str]:
        """For the script of a page."""
        return {"heard": self.heard, "unheard": self.unheard, "note": self.note}


def transcript_line(utterance: Mapping[str, Any]) -> TranscriptLine:
    """One utterance, as `utterance_json` wrote it."""
    text, pauses = str(utterance.get("text") or ""), utterance.get("pauses") or 0
    paused = f"paused {pauses} time{'s' if pauses != 1 else ''} for a sound" if pauses else ""
    if reasons := utterance.get("resumed_for"):
        paused += f" ({', '.join(map(str, reasons))})"
    cause = utterance.get("interrupted_by")
    if not cause:
        return TranscriptLine(text, note=paused)
    heard = str(utterance.get("heard_text") or "")
    unheard = text[len(heard) :] if text.startswith(heard) else ""
    cut = f"cut off {CAUSES.get(cause, cause)}"
    if reason := utterance.get("reason"):
        cut += f" ({reason})"
    if isinstance(heard_ms := utterance.get("heard_ms"), int | float):
        cut += f", after {heard_ms / 1000:.1f} s"
    if stop_ms := utterance.get("stop_ms"):
        cut += f", silent within {stop_ms:.0f} ms"
    return TranscriptLine(heard, unheard, ", ".join(filter(None, (cut, paused))))


def transcript(utterances: Iterable[Any]) -> list[TranscriptLine]:
    """All utterances of a record."""
    return [transcript_line(one) for one in utterances if isinstance(one, Mapping)]


@dataclass(frozen=True, slots=True)
class TimelineSpan:
    """A piece of the timeline.

    Args:
        kind: "said", "key" or "node".
        x: Where it begins, from 0 to 1000.
        width: How long it is, on the same scale; 0 for a moment.
        text: What it is.
        at_ms: When it began, from the beginning of the call.
    """

    kind: str
    x: float
    width: float
    text: str
    at_ms: float


@dataclass(frozen=True, slots=True)
class CallTimeline:
    """What happened in a call that was recorded, on its time axis.

    Args:
        length_ms: How long the call was.
        spans: What happened.
    """

    length_ms: float
    spans: tuple[TimelineSpan, ...]

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Where the axis has a number, and which."""
        whole = self.length_ms / 1000
        step = next((each for each in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800) if whole / each <= 12), 3600)
        return [(1000 * at / max(whole, 0.001), f"{at} s") for at in range(0, int(whole) + 1, step)]


def read_timeline(file: Path) -> CallTimeline | None:
    """Read the events of a recorded call; None when there are none. This blocks on the disk."""
    try:
        with file.open(encoding="utf-8") as lines:
            events = [json.loads(line) for line in lines.read(MOST_TIMELINE_BYTES).splitlines()]
    except (OSError, ValueError):
        return None
    events = [one for one in events if isinstance(one, dict) and isinstance(one.get("at_ms"), int | float)]
    if not events:
        return None
    length = max(float(one["at_ms"]) for one in events) or 1.0
    return CallTimeline(length, tuple(_spans(events, 1000 / length))[:MOST_SPANS])


def _spans(events: list[dict[str, Any]], scale: float) -> Iterable[TimelineSpan]:
    began: tuple[float, str] | None = None
    for one in events:
        at = float(one["at_ms"])
        match one.get("kind"):
            case "speak":
                began = (at, str(one.get("text", "")))
            case "utterance":
                since, text = began or (at, "")
                yield TimelineSpan("said", since * scale, (at - since) * scale, str(one.get("text") or text), since)
                began = None
            case "key":
                yield TimelineSpan("key", at * scale, 0, str(one.get("key", "")), at)
            case "node":
                yield TimelineSpan("node", at * scale, 0, str(one.get("node", "")), at)
            case _:
                pass


def is_over(call: Mapping[str, Any]) -> bool:
    """Whether a call has ended, as `CallLookup` found it."""
    return call.get("phase") == PHASE_NAMES[Phase.OVER]
