"""A call as people read it: what was said, and how much of it was heard, from its record.

One rule: a record comes from a database and may be of another release; what it lacks is not shown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from telebridge.call.session.stream_phase import Phase
from telebridge.server.api.call_lookup import PHASE_NAMES

CAUSES = {
    "speech": "when the caller spoke",
    "key": "by a key",
    "api": "through the API",
    "hang-up": "by the end of the call",
}


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


def is_over(call: Mapping[str, Any]) -> bool:
    """Whether a call has ended, as `CallLookup` found it."""
    return call.get("phase") == PHASE_NAMES[Phase.OVER]
