"""The text buffer of one connection: it decides what is synthesized, and when, and where text is cut.

Follows Rime's "Websockets" and "Websocket segment parameter" pages for `segment`, flush, clear, eos, `done` and context
ids; where editions of those pages contradict each other, a rule selects the default. Text is taken up to the last
boundary, a period is judged by heuristics, and what is inside `spell(…)`, braces or angle brackets is one piece. Rime's
own heuristics are not published; these fail where Rime documents that its own do ("Dr.", ellipses). A boundary lies
after the blanks that follow the mark, so that the pieces join to the text they were cut from.

One rule: one synthesis at a time. Nothing is started while one runs, and `synthesis_finished` returns what comes next.
"""

import re
from collections import deque
from dataclasses import dataclass, field
from enum import Enum

SENTENCE_MARKS = ".?!"
CLAUSE_MARKS = ".?!,"
"""Plain Mist websockets cut at commas too (Rime, "Mist v2 websockets", 'Overview')."""

_WIDE_MARKS = "\u3002\uff1f\uff01\uff61\u061f\u06d4\u0964\u0965\u0589\u104b\u17d4"
_CLOSING = "\"')]}\u201d\u2019\u00bb"
_ABBREVIATED = (
    "mr mrs ms dr prof sr jr st vs etc e.g i.e a.m p.m no dept est inc ltd co corp jan feb mar apr jun jul aug sep "
    "sept oct nov dec mon tue wed thu fri sat sun approx"
)
_ABBREVIATIONS = frozenset(_ABBREVIATED.split())
_UNBROKEN = re.compile(r"spell\([^()]*(?:\)|$)|\{[^{}]*(?:\}|$)|<[^<>]*(?:>|$)", re.IGNORECASE)
_LAST_WORD = re.compile(r"[^\s\"'(\[]+$")


@dataclass(frozen=True, slots=True)
class BoundaryRules:
    """Which marks end a piece.

    Args:
        marks: `SENTENCE_MARKS` or `CLAUSE_MARKS`.
        hold_final_period: A final period (or comma after a digit) waits for what follows: "2." may become "2.5ml".
            Observed on Rime's JSON socket in 2025, where a lone "Hello." gave no audio before more text or a flush.
    """

    marks: str = SENTENCE_MARKS
    hold_final_period: bool = True


def boundaries(text: str, rules: BoundaryRules) -> list[int]:
    """Return every position where `text` may be cut, in order, including `len(text)` if it ends at a boundary."""
    covered = _UNBROKEN.sub(lambda match: "x" * len(match.group()), text)
    return [
        end
        for match in re.finditer(_pattern(rules.marks), covered)
        if (end := match.end()) and _ends_a_piece(text, match, rules)
    ]


def last_boundary(text: str, rules: BoundaryRules, *, limit: int) -> int:
    """Return the last position within `limit` characters where `text` may be cut; 0 when there is none."""
    return max((place for place in boundaries(text, rules) if place <= limit), default=0)


def ends_complete(text: str) -> bool:
    """Return whether `text` ends like a sentence, whatever may follow."""
    return text.rstrip().rstrip(_CLOSING).endswith(tuple(SENTENCE_MARKS + _WIDE_MARKS))


def _pattern(marks: str) -> str:
    closing = re.escape(_CLOSING)
    return rf"(?P<mark>[{re.escape(marks)}]+)[{closing}]*(?P<blanks>\s+|$)|[{_WIDE_MARKS}]+[{closing}]*\s*"


def _ends_a_piece(text: str, match: re.Match[str], rules: BoundaryRules) -> bool:
    mark = match.group("mark")
    if mark is None:
        return True
    last_mark = mark[-1]
    before = text[: match.start()]
    if not match.group("blanks") and rules.hold_final_period:
        may_go_on = last_mark == "." or (last_mark == "," and before[-1:].isdigit())
        if may_go_on:
            return False
    return mark != "." or not _is_abbreviation(before)


def _is_abbreviation(before: str) -> bool:
    """Return whether a period after `before` belongs to its last word: a title, a month, an initial."""
    found = _LAST_WORD.search(before)
    if found is None:
        return False
    word = found.group()
    initial = len(word) == 1 and word.isupper() and word != "I"
    return initial or word.lower() in _ABBREVIATIONS


TOO_LONG = "text is too long"


class SegmentMode(Enum):
    """When buffered text is synthesized."""

    IMMEDIATE = "immediate"
    NEVER = "never"
    BY_SENTENCE = "bySentence"


class ClearMode(Enum):
    """What a clear cancels.

    BUFFER: only text that is not yet queued for synthesis (the documentation of September 2026).
    ABORT: also what a flush has queued, and the running synthesis (the documentation of August 2026).
    """

    BUFFER = "buffer"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class SegmentRules:
    """How a connection buffers.

    Args:
        mode: The query parameter `segment`.
        boundaries: Where sentences end.
        max_characters: The bound of the characters of one message and of one synthesis.
        clear: What a clear cancels.
    """

    mode: SegmentMode = SegmentMode.BY_SENTENCE
    boundaries: BoundaryRules = field(default_factory=BoundaryRules)
    max_characters: int = 500
    clear: ClearMode = ClearMode.BUFFER


@dataclass(frozen=True, slots=True)
class Synthesize:
    """Synthesize this now; call `synthesis_finished` when all of its audio was sent."""

    text: str
    context_id: str | None


@dataclass(frozen=True, slots=True)
class AbortSynthesis:
    """Stop the synthesis; call `synthesis_finished` when it has stopped."""


@dataclass(frozen=True, slots=True)
class ReportDone:
    """Send `done`: nothing is being synthesized and nothing is queued."""

    context_id: str | None


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection cleanly, because everything before an eos was synthesized."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Close the connection with an error."""

    reason: str


BufferEffect = Synthesize | AbortSynthesis | ReportDone | Close | Refuse


@dataclass(slots=True)
class _Segment:
    """Text that belongs to one context id."""

    text: str
    context_id: str | None


class _State(Enum):
    OPEN = "open"
    ENDING = "ending"
    CLOSED = "closed"


class SynthesisBuffer:
    """The text of one connection. Every method returns the effects to perform now, in order."""

    def __init__(self, rules: SegmentRules) -> None:
        self._rules = rules
        self._state = _State.OPEN
        self._speaking: _Segment | None = None
        # Text that is not yet due, and text that a flush or eos has queued.
        self._buffered: list[_Segment] = []
        self._queued: deque[_Segment] = deque()
        # The id of the last message that had one: it sticks to later messages without.
        self._context_id: str | None = None

    def receive_text(self, text: str, context_id: str | None = None) -> list[BufferEffect]:
        """Receive text; it is appended exactly as it is."""
        if self._state is not _State.OPEN:
            return []
        if context_id:
            self._context_id = context_id
        if len(text) > self._rules.max_characters:
            return self._refuse()
        if text:
            self._append(text)
        return self._start_if_idle()

    def receive_flush(self) -> list[BufferEffect]:
        """Receive a flush: queue all buffered text."""
        if self._state is not _State.OPEN:
            return []
        self._queue_everything()
        return self._start_if_idle()

    def receive_clear(self) -> list[BufferEffect]:
        """Receive a clear: drop the buffered text. There is no acknowledgement."""
        if self._state is not _State.OPEN:
            return []
        self._buffered.clear()
        if self._rules.clear is ClearMode.BUFFER:
            return []
        self._queued.clear()
        return [AbortSynthesis()] if self._speaking is not None else []

    def receive_eos(self) -> list[BufferEffect]:
        """Receive an eos: synthesize the buffered text, then close the connection. Later messages are ignored."""
        if self._state is not _State.OPEN:
            return []
        self._queue_everything()
        self._state = _State.ENDING
        return self._start_if_idle() or self._close_if_idle()

    def synthesis_finished(self) -> list[BufferEffect]:
        """Go on after the last `Synthesize` was sent or stopped."""
        if self._state is _State.CLOSED:
            return []
        if self._speaking is None:
            raise AssertionError  # the caller reports each Synthesize once
        spoken, self._speaking = self._speaking, None
        if started := self._start_if_idle():
            return started
        done: list[BufferEffect] = [] if self._has_words() else [ReportDone(spoken.context_id)]
        return done + self._close_if_idle()

    def _append(self, text: str) -> None:
        """Append text. Under a new context id it starts a segment, if the segment before it ends like a sentence.

        In Rime's example a first sentence without an id and a second with one come back as two, tagged accordingly;
        text that breaks off inside a sentence is joined, and the later id counts.
        """
        last = self._buffered[-1] if self._buffered else None
        if last is None or (last.context_id != self._context_id and ends_complete(last.text)):
            self._buffered.append(_Segment(text, self._context_id))
        else:
            last.text += text
            last.context_id = self._context_id

    def _queue_everything(self) -> None:
        """Queue all buffered text. Several flushes during a synthesis become one, as far as they fit in one."""
        for segment in self._buffered:
            if not segment.text.strip():
                continue
            last = self._queued[-1] if self._queued else None
            if last is not None and last.context_id == segment.context_id and self._fits(last.text + segment.text):
                last.text += segment.text
            else:
                self._queued.append(segment)
        self._buffered.clear()

    def _start_if_idle(self) -> list[BufferEffect]:
        if self._speaking is not None or self._state is _State.CLOSED:
            return []
        segment = self._queued.popleft() if self._queued else self._take_ready()
        if segment is None:
            return []
        if not self._fits(segment.text):
            return self._refuse()
        self._speaking = segment
        return [Synthesize(segment.text, segment.context_id)]

    def _take_ready(self) -> _Segment | None:
        """Take the text that the segment mode makes due from the buffer, or return None."""
        while self._buffered:
            first = self._buffered[0]
            length = self._ready_length(first, is_last=len(self._buffered) == 1)
            if length == 0:
                return None
            taken, first.text = first.text[:length], first.text[length:]
            if not first.text:
                del self._buffered[0]
            if taken.strip():
                return _Segment(taken, first.context_id)
        return None

    def _ready_length(self, segment: _Segment, *, is_last: bool) -> int:
        text = segment.text
        match self._rules.mode:
            case SegmentMode.NEVER:
                return 0
            case SegmentMode.IMMEDIATE:
                return 0 if not text.strip() else len(text)
            case SegmentMode.BY_SENTENCE:
                if not is_last and self._fits(text):
                    return len(text)
                place = last_boundary(text, self._rules.boundaries, limit=self._rules.max_characters)
                # There is no boundary within the limit: the whole text is taken, and refused.
                return place if place or self._fits(text) else len(text)

    def _has_words(self) -> bool:
        return any(segment.text.strip() for segment in self._buffered)

    def _fits(self, text: str) -> bool:
        return len(text) <= self._rules.max_characters

    def _refuse(self) -> list[BufferEffect]:
        self._state = _State.CLOSED
        return [Refuse(TOO_LONG)]

    def _close_if_idle(self) -> list[BufferEffect]:
        if self._state is not _State.ENDING or self._speaking is not None or self._queued:
            return []
        self._state = _State.CLOSED
        return [Close()]
