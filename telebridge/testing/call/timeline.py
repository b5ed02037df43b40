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
    match event.kind:
        case EventKind.STATUS:
            return f"call is {event.detail}"
        case EventKind.KEY:
            return f"☎ caller presses {event.detail}"
        case EventKind.CALLER if event.detail.startswith("Speak"):
            words = event.detail.removeprefix("Speak").strip()
            return f'☎ caller says "{words}"' if words else "☎ caller speaks"
        case EventKind.HUNG_UP:
            return f"{event.detail} hangs up"
        case EventKind.WARNING:
            return f"Twilio warns: {event.detail}"
        case EventKind.WHISPER:
            return f'▶ to the other party: "{event.detail}"'
        case EventKind.TWIML if event.detail in SHOWN_VERBS:
            return f"TwiML {event.detail}"
        case EventKind.STREAM_STARTED:
            return "stream begins"
        case EventKind.STREAM_STOPPED:
            return "stream ends"
        case _:
            return None


def _seconds(at_ms: float) -> str:
    return f"{at_ms / 1000 + 0.0:.2f}".replace("-0.00", "0.00")
