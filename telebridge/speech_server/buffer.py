"""What Rime keeps of the text it was sent, and when it starts to speak it.

Follows Rime's "Websockets" and "Websocket segment parameter" pages for `segment`, flush, clear, eos, `done` and context
ids; where editions of those pages contradict each other, a rule says which one is the default.

One rule: one synthesis at a time. Nothing is started while one runs, and `synthesis_finished` says what comes next.

Where buffered text may be cut for synthesis.

Follows Rime's "Websocket segment parameter": text is taken up to the last boundary, a period is judged by heuristics,
and what is inside `spell(…)`, braces or angle brackets is one piece. Rime's own heuristics are not published; these err
where theirs are said to err ("Dr.", ellipses).

One rule: a boundary lies after the blanks that follow the mark, so that pieces join to the text they were cut from.
"""

import re
from collections import deque
from dataclasses import dataclass, field
from enum import Enum

SENTENCE_MARKS = ".?!"
CLAUSE_MARKS = ".?!,"
"""Plain Mist websockets cut at commas too (Rime, "Mist v2 websockets", 'Overview')."""

_WIDE_MARKS = "\u3002\uff1f\uff01\u061f\u0964"
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
    """Every place where `text` may be cut, in order; `len(text)` among them when it ends at a boundary."""
    covered = _UNBROKEN.sub(lambda match: "x" * len(match.group()), text)
    return [
        end
        for match in re.finditer(_pattern(rules.marks), covered)
        if (end := match.end()) and _ends_a_piece(text, match, rules)
    ]


def last_boundary(text: str, rules: BoundaryRules, *, limit: int) -> int:
    """The last place within `limit` characters where `text` may be cut; 0 when there is none."""
    return max((place for place in boundaries(text, rules) if place <= limit), default=0)


def ends_complete(text: str) -> bool:
    """Whether `text` ends like a sentence, whatever may follow."""
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
    """Whether a period after `before` belongs to its last word: a title, a month, an initial."""
    found = _LAST_WORD.search(before)
    if found is None:
        return False
    word = found.group()
    initial = len(word) == 1 and word.isupper() and word != "I"
    return initial or word.lower() in _ABBREVIATIONS


TOO_LONG = "text is too long"


class SegmentMode(Enum):
    """When buffered text is spoken."""

    IMMEDIATE = "immediate"
    NEVER = "never"
    BY_SENTENCE = "bySentence"


class ClearMode(Enum):
    """What a clear reaches.

    BUFFER: only text no synthesis has been asked for (the documentation of September 2026).
    ABORT: what a flush has queued and the running synthesis too (the documentation of August 2026).
    """

    BUFFER = "buffer"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class SegmentRules:
    """How a connection buffers.

    Args:
        mode: The query parameter `segment`.
        boundaries: Where sentences end.
        max_characters: Most characters of one message and of one synthesis.
        clear: What a clear reaches.
    """

    mode: SegmentMode = SegmentMode.BY_SENTENCE
    boundaries: BoundaryRules = field(default_factory=BoundaryRules)
    max_characters: int = 500
    clear: ClearMode = ClearMode.BUFFER


@dataclass(frozen=True, slots=True)
class Synthesize:
    """Speak this now; tell `synthesis_finished` when all of its audio is out."""

    text: str
    context_id: str | None


@dataclass(frozen=True, slots=True)
class AbortSynthesis:
    """Stop speaking; tell `synthesis_finished` when that is so."""


@dataclass(frozen=True, slots=True)
class ReportDone:
    """A run is complete: nothing is being spoken and nothing waits."""

    context_id: str | None


@dataclass(frozen=True, slots=True)
class Close:
    """Everything was said after an eos: close the connection cleanly."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Close the connection with an error."""

    reason: str


BufferEffect = Synthesize | AbortSynthesis | ReportDone | Close | Refuse


@dataclass(slots=True)
class _Stretch:
    """Text that belongs to one context id."""

    text: str
    context_id: str | None


class _State(Enum):
    OPEN = "open"
    ENDING = "ending"
    CLOSED = "closed"


class SynthesisBuffer:
    """The text of one connection. Every method answers with what to do now, in order."""

    def __init__(self, rules: SegmentRules) -> None:
        self._rules = rules
        self._state = _State.OPEN
        self._speaking: _Stretch | None = None
        # Text nothing has asked for yet, and text that a flush or eos has asked for.
        self._buffered: list[_Stretch] = []
        self._queued: deque[_Stretch] = deque()
        # The id of the last message that had one: it sticks to later messages without.
        self._context_id: str | None = None

    def receive_text(self, text: str, context_id: str | None = None) -> list[BufferEffect]:
        """Text arrived; it is appended exactly as it is."""
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
        """Whatever is buffered is to be spoken, if anything."""
        if self._state is not _State.OPEN:
            return []
        self._queue_everything()
        return self._start_if_idle()

    def receive_clear(self) -> list[BufferEffect]:
        """Whatever is buffered is dropped. There is no acknowledgement."""
        if self._state is not _State.OPEN:
            return []
        self._buffered.clear()
        if self._rules.clear is ClearMode.BUFFER:
            return []
        self._queued.clear()
        return [AbortSynthesis()] if self._speaking is not None else []

    def receive_eos(self) -> list[BufferEffect]:
        """Whatever is buffered is spoken, and then the connection closes. What still arrives is ignored."""
        if self._state is not _State.OPEN:
            return []
        self._queue_everything()
        self._state = _State.ENDING
        return self._start_if_idle() or self._close_if_idle()

    def synthesis_finished(self) -> list[BufferEffect]:
        """The last `Synthesize` is out, or was stopped."""
        if self._state is _State.CLOSED:
            return []
        if self._speaking is None:
            raise AssertionError  # The caller answers each Synthesize once.
        spoken, self._speaking = self._speaking, None
        if started := self._start_if_idle():
            return started
        done: list[BufferEffect] = [] if self._has_words() else [ReportDone(spoken.context_id)]
        return done + self._close_if_idle()

    def _append(self, text: str) -> None:
        """Text under a new context id starts a stretch of its own if the one before it can stand alone.

        In Rime's example a first sentence without an id and a second with one come back as two, tagged accordingly;
        text that breaks off inside a sentence is joined, and the later id counts.
        """
        last = self._buffered[-1] if self._buffered else None
        if last is None or (last.context_id != self._context_id and ends_complete(last.text)):
            self._buffered.append(_Stretch(text, self._context_id))
        else:
            last.text += text
            last.context_id = self._context_id

    def _queue_everything(self) -> None:
        """Several flushes while something is spoken become one synthesis, as far as they fit in one."""
        for stretch in self._buffered:
            if not stretch.text.strip():
                continue
            last = self._queued[-1] if self._queued else None
            if last is not None and last.context_id == stretch.context_id and self._fits(last.text + stretch.text):
                last.text += stretch.text
            else:
                self._queued.append(stretch)
        self._buffered.clear()

    def _start_if_idle(self) -> list[BufferEffect]:
        if self._speaking is not None or self._state is _State.CLOSED:
            return []
        stretch = self._queued.popleft() if self._queued else self._take_ready()
        if stretch is None:
            return []
        if not self._fits(stretch.text):
            return self._refuse()
        self._speaking = stretch
        return [Synthesize(stretch.text, stretch.context_id)]

    def _take_ready(self) -> _Stretch | None:
        """What the segment mode lets go of the buffer, if anything."""
        while self._buffered:
            first = self._buffered[0]
            length = self._ready_length(first, is_last=len(self._buffered) == 1)
            if length == 0:
                return None
            taken, first.text = first.text[:length], first.text[length:]
            if not first.text:
                del self._buffered[0]
            if taken.strip():
                return _Stretch(taken, first.context_id)
        return None

    def _ready_length(self, stretch: _Stretch, *, is_last: bool) -> int:
        text = stretch.text
        match self._rules.mode:
            case SegmentMode.NEVER:
                return 0
            case SegmentMode.IMMEDIATE:
                return 0 if not text.strip() else len(text)
            case SegmentMode.BY_SENTENCE:
                if not is_last and self._fits(text):
                    return len(text)
                place = last_boundary(text, self._rules.boundaries, limit=self._rules.max_characters)
                # Nothing to cut at within the limit: it is let go whole, and refused.
                return place if place or self._fits(text) else len(text)

    def _has_words(self) -> bool:
        return any(stretch.text.strip() for stretch in self._buffered)

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
