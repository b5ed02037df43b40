"""Where buffered text may be cut for synthesis.

Follows Rime's "Websocket segment parameter": text is taken up to the last boundary, a period is judged by heuristics,
and what is inside `spell(…)`, braces or angle brackets is one piece. Rime's own heuristics are not published; these err
where theirs are said to err ("Dr.", ellipses).

One rule: a boundary lies after the blanks that follow the mark, so that pieces join to the text they were cut from.
"""

import re
from dataclasses import dataclass

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
