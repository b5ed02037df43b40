"""A call as text, line by line in the order of time.

One rule: nothing in it differs between two runs: no SIDs, no ports, no times of a real clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

from telebridge.simulator.media.recording import DualChannelRecording, EventKind, TimelineEvent
from telebridge.testing.hearing.ear import CallerEar, SoundPiece

FAILED, PASSED = "→", "✓"
PLAIN = {"→": ">", "✓": "+", "▶": "|", "✂": "x", "☎": "*", "…": "..."}
"""For output that is not in Unicode."""
FIRST_FAILURE = 400
SHOWN_EVENTS = {
    EventKind.STATUS: "call is {}",
    EventKind.KEY: "☎ caller presses {}",
    EventKind.HUNG_UP: "{} hangs up",
    EventKind.WARNING: "Twilio warns: {}",
    EventKind.WHISPER: '▶ to the other party: "{}"',
    EventKind.STREAM_STARTED: "stream begins",
    EventKind.STREAM_STOPPED: "stream ends",
}
SHOWN_VERBS = frozenset({"Dial", "Gather", "Reject", "Record", "Play"})


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """A line of a timeline.

    Args:
        at_ms: Milliseconds after the line opened; negative before.
        text: What happened.
        sign: What stands before the time: empty, or that an expectation failed.
        order: Among lines of one moment, less comes first.
    """

    at_ms: float
    text: str
    sign: str = ""
    order: int = 0


def timeline_text(lines: Iterable[TimelineLine]) -> str:
    """The lines in the order of time, each with its second."""
    ordered = sorted(lines, key=lambda line: (round(line.at_ms, 2), line.order))
    return "\n".join(f"{line.sign:>2} {_seconds(line.at_ms):>8}  {line.text}".rstrip() for line in ordered)


def event_lines(recording: DualChannelRecording) -> Iterable[TimelineLine]:
    """What the local Twilio saw."""
    for event in recording.events:
        if (text := _event_text(event)) is not None:
            yield TimelineLine(event.at_ms, text)


def heard_lines(ear: CallerEar, opened_at: float, now: float) -> Iterable[TimelineLine]:
    """What the caller has heard by now."""
    for piece in ear.pieces:
        if piece.size and piece.audible and piece.start_time < now:
            yield TimelineLine((piece.start_time - opened_at) * 1000, f"▶ {_piece_text(piece, now)}")


def plain_for(stream: TextIO, text: str) -> str:
    """The text, in ASCII where the stream cannot show more."""
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        for sign, plain in PLAIN.items():
            text = text.replace(sign, plain)
        return text.encode("ascii", "replace").decode()
    return text


def _piece_text(piece: SoundPiece, now: float) -> str:
    if piece.speech is None:
        return f"(a sound of {min(piece.end_time, now) - piece.start_time:.1f} s)"
    begins = "… " if piece.first else ""
    source = f"  ({piece.speech.source})" if piece.speech.source != "rime" else ""
    heard = piece.heard_by(now)
    if piece.complete_by(now):
        return f'"{begins}{heard if piece.first else piece.speech.text}"{source}'
    return f'"{f"{begins}{heard}".strip()} {"✂" if piece.cut else "…"}"{source}'


def _event_text(event: TimelineEvent) -> str | None:
    if (words := SHOWN_EVENTS.get(event.kind)) is not None:
        return words.format(event.detail)
    match event.kind:
        case EventKind.CALLER if event.detail.startswith("Speak"):
            words = event.detail.removeprefix("Speak").strip()
            return f'☎ caller says "{words}"' if words else "☎ caller speaks"
        case EventKind.TWIML if event.detail in SHOWN_VERBS:
            return f"TwiML {event.detail}"
        case EventKind.REQUEST:
            return _failed_request(event.detail)
        case _:
            return None


def _failed_request(detail: str) -> str | None:
    """A webhook that did not answer; None for one that did."""
    method, url, answer = detail.split(" ", 2)
    if not answer.isdigit():
        return f"webhook failed: {answer}"
    return f"webhook failed: {method} {url}: status {answer}" if int(answer) >= FIRST_FAILURE else None


def _seconds(at_ms: float) -> str:
    return f"{at_ms / 1000 + 0.0:.2f}".replace("-0.00", "0.00")
