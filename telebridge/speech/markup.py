"""What is markup in a text, and what becomes of it: one rule for each sign that markup can begin with.

A rule is given the text from that sign on, as far as it has come, and where the sign stands. It answers with a
decision, or None while that depends on what follows.

One rule: a decision holds whatever follows, and waits for a bounded stretch of text only.

Source: CommonMark 0.31, for what opens and closes emphasis; W3C, "Speech Synthesis Markup Language 1.1", for its tags.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import regex

from telebridge.speech.patterns import Pattern, compiled

LONGEST_TAG = 300
"""Characters of a tag, a link or an entity; what is longer is no markup and is spoken."""

_HIDDEN = "think|thinking|thought|reasoning|reflection|scratchpad"
"""Elements of a language model's reasoning, which is not for the caller."""
_BREAKING = "speak|break|p|s|br|hr|div|li|ul|ol|tr|td|th|table|h[1-6]|blockquote|section|article|header|footer"
_INLINE = (
    "emphasis|prosody|say-as|sub|phoneme|voice|lang|audio|desc|mark|w|token|lexicon|lookup|metadata|meta|"
    "b|i|u|em|strong|del|ins|sup|small|big|code|pre|kbd|a|span|font|img|tbody|thead|details|summary|tt|q|cite|html|"
    "body|head|title|script|style|answer|response|output|final|message|assistant|user|system"
)
_TAG = compiled(
    rf"<(?P<close>/?)(?:(?P<hidden>{_HIDDEN})|(?P<breaking>{_BREAKING})|{_INLINE}"
    r"|(?P<other>[A-Za-z][\w.-]*(?::[\w.-]+)?))(?P<rest>(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))*\s*/?)>",
    regex.IGNORECASE,
)
_MAY_BE_TAG = compiled(r"<(?:mailto:[^\s<>]*|/?[A-Za-z][\w.:-]*(?:[\s/][^<>]*)?|/|!(?:-(?:-.*)?)?)?", regex.DOTALL)
_ADDRESS_IN_TAG = compiled(r"<((?:https?://|mailto:)[^\s<>]*)>", regex.IGNORECASE)
_ADDRESS = compiled(r"(?:https?://|www\.)[^\s<>\"'`*|\[\]]*", regex.IGNORECASE)
_ADDRESS_HEADS = ("http://", "https://", "www.")
_LINK = compiled(r"!?\[(?P<text>[^\[\]\n]*)\](?:\((?P<to>[^()\n]*(?:\([^()\n]*\)[^()\n]*)*)\))?")
_ENTITY = compiled(r"&(?:#\d{1,6}|#x[0-9a-f]{1,5}|amp|lt|gt|quot|apos|nbsp);", regex.IGNORECASE)
_MAY_BE_ENTITY = compiled(r"&#?[0-9a-z]{0,7}", regex.IGNORECASE)
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}
_EMOJI = r"[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\u20e3\ufe0f\U000e0020-\U000e007f]"
_NO_EMOJI = r"\u00a9\u00ae\u2122\u203c\u2049\u3030\u303d\u2194-\u21aa"  # signs of texts, with words of their own
SPECIAL = compiled(rf"[*_~`#>\-+=<\[!|&\\\u2022\u25e6\u25aa\u2023]|[{_EMOJI}--[{_NO_EMOJI}]]|(?<!\w)[hHwW]", regex.V1)
_EMOJI_RUN = compiled(rf"(?:[{_EMOJI}--[{_NO_EMOJI}]]\u200d?)+", regex.V1)
_BULLETS = "\u2022\u25e6\u25aa\u2023"
_ESCAPABLE = '\\`*_{}[]()#+-.!|>~<&"'
_HELD_LINE = 200
_CELL_BORDER = compiled(r"\|[|:\- \t]*")
_CELL_SIGNS = compiled(r"\|(?:[| \t]|:-+:?|-+:|-{2,})*")
_FENCE_LABEL = compiled(r"[\w+.#-]*[ \t]*\r?")


@dataclass(slots=True)
class Place:
    """Where a sign stands in the text.

    Args:
        before: The character before it.
        solid: The last character of its line before it that is no blank; empty when there is none.
        line_begins: Whether nothing but blanks stands before it in its line.
        in_row: Whether its line is one of a table.
        hidden: The element being left out with all that is in it; empty for none.
    """

    before: str = "\n"
    solid: str = ""
    line_begins: bool = True
    in_row: bool = False
    hidden: str = ""


class MarkupStep(NamedTuple):
    """What becomes of the beginning of a text.

    Args:
        length: How many characters are decided.
        text: What is spoken for them.
        again: What of them is still to be judged, after `text`.
    """

    length: int
    text: str = ""
    again: str = ""


Rule = Callable[..., MarkupStep | None]
NOTHING = MarkupStep(0)


def decide(held: str, place: Place, *, final: bool) -> MarkupStep | None:
    """What becomes of the beginning of `held`, which begins with a sign that may be markup.

    Args:
        held: The text as far as it has come.
        place: Where it stands; rules enter there what follows for the text after it.
        final: Whether nothing follows.
    """
    if place.hidden:
        return _within_hidden(held, place, final=final)
    return _RULES.get(held[0], _emoji)(held, place, final=final)


def _within_hidden(held: str, place: Place, *, final: bool) -> MarkupStep | None:
    end = f"</{place.hidden}>"
    if not end.startswith(held.lower()[: len(end)]):
        return MarkupStep(1)
    if len(held) < len(end):
        return MarkupStep(len(held)) if final else None
    place.hidden = ""
    return MarkupStep(len(end))


def _tag(held: str, place: Place, *, final: bool) -> MarkupStep | None:
    if held.startswith("<!--"):
        end = held.find("-->", 4)
        if end >= 0:
            return MarkupStep(end + 3)
        return MarkupStep(len(held)) if final or len(held) > 4 * LONGEST_TAG else None
    if held[-1] == ">" and len(held) > 1:
        if (address := _ADDRESS_IN_TAG.fullmatch(held)) is not None:
            return MarkupStep(len(held), _spoken_address(address[1].removeprefix("mailto:")))
        if (tag := _TAG.fullmatch(held)) is not None:
            return _whole_tag(tag, place)
    if final or len(held) > LONGEST_TAG or not _MAY_BE_TAG.fullmatch(held):
        return MarkupStep(1, "<")
    return None


def _whole_tag(tag: "regex.Match[str]", place: Place) -> MarkupStep:
    length, hidden = len(tag[0]), tag["hidden"]
    if hidden is not None:
        if not tag["close"] and not tag["rest"].endswith("/"):
            place.hidden = hidden.lower()
        return MarkupStep(length)
    other = tag["other"]
    if other is not None and ":" not in other and "=" not in tag["rest"]:
        return MarkupStep(1, "<")
    return MarkupStep(length, " " if tag["breaking"] is not None and not place.before.isspace() else "")


def _emphasis(held: str, place: Place, *, final: bool) -> MarkupStep | None:
    sign = held[0]
    run = len(held) - len(held.lstrip(sign))
    following = held[run : run + 1]
    if not following and not final:
        return None
    if place.line_begins:
        if run == 1 and sign == "*" and following in (" ", "\t"):
            return MarkupStep(2)
        if (line := _line_of_signs(held, final=final)) is not NOTHING:
            return line
    if _is_arithmetic(sign, run, following, place):
        return MarkupStep(run, sign * run)
    return MarkupStep(run)


def _is_arithmetic(sign: str, run: int, following: str, place: Place) -> bool:
    """Whether a run of signs stands for itself: between numbers, within a name, or between blanks."""
    left, right = place.before, following or "\n"
    if run >= 3:
        return False
    if left.isspace() and right.isspace():
        solid = place.solid
        return sign == "*" and bool(following) and (solid.isdigit() or (run == 1 and (solid.isalnum() or solid == ")")))
    if (left.isalnum() or (left == ")" and run == 1)) and (right.isalnum() or (right == "(" and run == 1)):
        digits = left.isdigit() and right.isdigit()
        return digits if run == 2 and sign == "*" else True
    return sign == "*" and run == 1 and right.isdigit() and place.solid.isdigit()


def _line_of_signs(held: str, *, final: bool) -> MarkupStep | None:
    """A line of nothing but signs, such as `---`; `NOTHING` when it is none."""
    sign = held[0]
    line, newline, _ = held.partition("\n")
    if line.strip(sign + " \t\r"):
        return NOTHING
    if not newline and not final and len(held) <= _HELD_LINE:
        return None
    return MarkupStep(len(line)) if line.count(sign) >= 3 else NOTHING


def _strike(held: str, _place: Place, *, final: bool) -> MarkupStep | None:
    run = len(held) - len(held.lstrip("~"))
    if run == len(held) and not final:
        return None
    return MarkupStep(run) if run >= 2 else MarkupStep(1, "~")


def _code(held: str, place: Place, *, final: bool) -> MarkupStep | None:
    run = len(held) - len(held.lstrip("`"))
    if run == len(held) and not final:
        return None
    if run < 3 or not place.line_begins:
        return MarkupStep(run)
    end = _end_of(_FENCE_LABEL, held, run)
    if end == len(held) and not final and len(held) <= _HELD_LINE:
        return None
    return MarkupStep(end if held[end : end + 1] in ("\n", "") else run)


def _heading(held: str, place: Place, *, final: bool) -> MarkupStep | None:
    run = len(held) - len(held.lstrip("#"))
    if run == len(held) and not final:
        return None
    if place.line_begins and run <= 6 and held[run : run + 1] in (" ", "\t", ""):
        return MarkupStep(min(run + 1, len(held)), "")
    return MarkupStep(run, held[:run])


def _quote(held: str, place: Place, *, final: bool) -> MarkupStep | None:
    """A quotation, unless a number follows: `> 50 %` is a comparison."""
    if not place.line_begins:
        return MarkupStep(1, ">")
    following = held[1:].lstrip(" ")
    if not following and not final and len(held) <= _HELD_LINE:
        return None
    if following[:1].isdigit() or following[:1] in ("=", "$", "-"):
        return MarkupStep(1, ">")
    return MarkupStep(2 if held[1:2] == " " else 1)


def _item(held: str, place: Place, *, final: bool) -> MarkupStep | None:
    """A bullet, or a line of signs."""
    sign = held[0]
    if not place.line_begins:
        return MarkupStep(1, sign)
    if len(held) == 1 and not final:
        return None
    if sign in _BULLETS:
        return MarkupStep(2 if held[1:2] == " " else 1)
    if held[1:2] in (" ", "\t") and sign in "-+" and not held[1:].lstrip(" \t").startswith(sign):
        if not held[1:].strip(" \t") and not final and len(held) <= _HELD_LINE:
            return None
        return MarkupStep(2)
    line = _line_of_signs(held, final=final)
    return MarkupStep(1, sign) if line is NOTHING else line


def _link(held: str, _place: Place, *, final: bool) -> MarkupStep | None:
    if held == "!" and not final:
        return None
    if held[0] == "!" and held[1:2] != "[":
        return MarkupStep(1, "!")
    link = _LINK.match(held)
    if link is not None and link["to"] is not None:
        return MarkupStep(link.end(), "", link["text"])
    closed = held.find("]")
    may_go_on = "\n" not in held and held.count("[") == 1 and (closed < 0 or held[closed + 1 : closed + 2] in ("", "("))
    if final or len(held) > LONGEST_TAG or not may_go_on:
        return MarkupStep(1, held[0])
    return None


def _cell(held: str, place: Place, *, final: bool) -> MarkupStep | None:
    """A table: its lines become the words of its cells with commas between."""
    if not place.line_begins and not place.in_row:
        return MarkupStep(1, "|")
    end = _end_of(_CELL_BORDER, held)
    if end == len(held) and not final and len(held) <= _HELD_LINE:
        return None
    end = _end_of(_CELL_SIGNS, held)
    place.in_row = True
    last = held[end : end + 1] in ("", "\n", "\r")
    return MarkupStep(end, ", " if place.solid.isalnum() and not last else "")


def _entity(held: str, _place: Place, *, final: bool) -> MarkupStep | None:
    if (entity := _ENTITY.match(held)) is not None:
        return MarkupStep(entity.end(), _character(entity[0][1:-1].lower()))
    return MarkupStep(1, "&") if final or not _MAY_BE_ENTITY.fullmatch(held) else None


def _backslash(held: str, _place: Place, *, final: bool) -> MarkupStep | None:
    if len(held) == 1:
        return MarkupStep(1, "\\") if final else None
    return MarkupStep(2, held[1]) if held[1] in _ESCAPABLE else MarkupStep(1, "\\")


def _bare_address(held: str, _place: Place, *, final: bool) -> MarkupStep | None:
    """An address of the web is spoken as its host."""
    lowered = held.lower()
    if not any(lowered.startswith(head) for head in _ADDRESS_HEADS):
        if any(head.startswith(lowered) for head in _ADDRESS_HEADS) and not final:
            return None
        return MarkupStep(1, held[0])
    end = _end_of(_ADDRESS, held)
    if end == len(held) and not final and len(held) <= 8 * LONGEST_TAG:
        return None
    while end and held[end - 1] in ".,;:!?)":
        end -= 1
    return MarkupStep(end, _spoken_address(held[:end]))


def _emoji(held: str, _place: Place, *, final: bool) -> MarkupStep | None:
    end = max(1, _end_of(_EMOJI_RUN, held))
    return None if end == len(held) and not final and end <= LONGEST_TAG else MarkupStep(end)


_RULES: dict[str, Rule] = {
    **dict.fromkeys("*_", _emphasis),
    **dict.fromkeys("-+=" + _BULLETS, _item),
    **dict.fromkeys("hHwW", _bare_address),
    **dict.fromkeys("![", _link),
    "<": _tag,
    "~": _strike,
    "`": _code,
    "#": _heading,
    ">": _quote,
    "|": _cell,
    "&": _entity,
    "\\": _backslash,
}


def speech_tags(text: str) -> list[str]:
    """The tags of SSML, HTML and the like in a text, as they stand there."""
    return [tag[0] for tag in _TAG.finditer(text) if tag["other"] is None or ":" in tag["other"]]


def _end_of(pattern: Pattern, text: str, start: int = 0) -> int:
    found = pattern.match(text, start)
    return start if found is None else found.end()


def _spoken_address(address: str) -> str:
    host = re.sub(r"^(?:https?://)?(?:www\.)?", "", address, flags=re.IGNORECASE)
    return re.split(r"[/?#]", host, maxsplit=1)[0]


def _character(name: str) -> str:
    if not name.startswith("#"):
        return _NAMED[name]
    number = int(name[2:], 16) if name[1] == "x" else int(name[1:])
    return chr(number) if 32 <= number < 0x110000 and not 0xD800 <= number < 0xE000 else ""
