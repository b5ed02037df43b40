"""The punctuation of telephone numbers: what may stand between digits, and what may not.

`phonenumbers` reads letters as the keys of a telephone and leaves out what it does not know (`313-5550 mom`,
`2125550126x`), which calls a stranger. It therefore never sees a number as it was written, only the digits found here.

One rule: every character of a number is a digit, punctuation of the tables below, or the reason why it is none.
"""

import re
from dataclasses import dataclass

FEWEST_DIGITS = 7
"""With so many digits a text is a number of its own."""
LONGEST_WRITTEN = 60

DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\ufe58\ufe63\uff0d"
DOTS = ".\u00b7\u2022\u2024\u2219\u22c5\uff0e"
BRACKETS = "()[]\uff08\uff09\uff3b\uff3d"
SLASHES = "/\u2044\uff0f"
SPACES = " \t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
LINE_ENDS = "\n\v\f\r\x85\u2028\u2029"
"""Around a number they are blanks; within one they part it from another."""
INVISIBLE = (
    "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
"""Soft hyphens, joiners and marks of direction, which address books copy along with a number."""
PUNCTUATION = str.maketrans(dict.fromkeys(DASHES + DOTS + BRACKETS + SLASHES + SPACES + INVISIBLE, ""))
PLUS = str.maketrans({"\uff0b": "+", "\ufe62": "+"})

SPREADSHEET = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+|\d+\.0")
TEXT_CELL = re.compile(r"""'(?=[+(\d])|="(?P<formula>[^"=]*)"$""")
"""What spreadsheets write before a number so that it stays text: `'0301234567` and `="0301234567"`."""
SEPARATOR = re.compile(r"[;:|,/\n&]|\b(?:or|and|oder|und|ou|et|o|y)\b", re.IGNORECASE)
TAIL = re.compile(rf"[{re.escape(SLASHES)}]\D*\d\D*(?:\d\D*){{0,2}}$")
"""One to three digits behind a slash: an extension, or the end of a second number."""
EXTENSION = re.compile(
    r"[\W\d_]*\d[\W_]*?"
    r"(?:;\s*ext\s*=|,{2,}|[#\uff03]|(?<![^\W\d_])(?:x|\uff58|"
    r"e?xt(?:ensi[o\u00f3]n)?|e?xtn|durchwahl|dw|apparat|app|nebenstelle|nst|poste|toestel|tst|intern[oe]?|int|anexo"
    r"|ramal|ankn(?:ytning)?|\u0434\u043e\u0431"
    r")(?![^\W\d_]))"
    r"[\s.:=-]*\d{1,20}[\s#)]*",
    re.IGNORECASE,
)
LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Unpunctuated:
    """The digits of a number, behind a `+` if it was written with its country."""

    digits: str


@dataclass(frozen=True, slots=True)
class NumberProblem:
    """Why there is no number."""

    reason: str


def unpunctuated(written: str) -> Unpunctuated | NumberProblem:
    """The digits of a number that was written with any punctuation."""
    text = written.strip(SPACES + LINE_ENDS + INVISIBLE)
    if not text:
        return NumberProblem("the number is missing")
    if len(text) > LONGEST_WRITTEN:
        return NumberProblem(f"'{text[:20]}…' is too long for a number")
    if (marked := TEXT_CELL.match(text)) is not None:
        text = marked["formula"] or text[1:]
    digits = text.translate(PUNCTUATION).translate(PLUS)
    if digits.removeprefix("+").isdecimal() and not _ambiguous(text):
        return Unpunctuated(digits)
    return NumberProblem(_ambiguous(text) or _odd(text))


def _ambiguous(text: str) -> str:
    """What is wrong with a text whose digits make no number, or more than one."""
    if SPREADSHEET.fullmatch(text):
        return f"'{text}' was rounded by a spreadsheet: make its column text and write the number anew"
    if sum(_digits(part) >= FEWEST_DIGITS for part in SEPARATOR.split(text)) > 1:
        return f"'{text}' holds more than one number"
    if TAIL.search(text):
        return f"'{text}' has digits behind a slash, of an extension or a second number: write one number alone"
    return ""


def _odd(text: str) -> str:
    """What is wrong with a text that has characters which no number has."""
    if not _digits(text):
        return f"'{text}' is no telephone number"
    if EXTENSION.fullmatch(text):
        return f"'{text}' has an extension, which cannot be dialled"
    if (letters := LETTERS.search(text)) is not None:
        return f"'{text}' has letters ('{letters[0]}'): write the number alone"
    rest = text.translate(PUNCTUATION).translate(PLUS).removeprefix("+")
    odd = next((one for one in rest if not one.isdecimal()), "+")
    return f"'{text}' has the character {odd!r}: write the number alone"


def _digits(text: str) -> int:
    return sum(character.isdecimal() for character in text)
