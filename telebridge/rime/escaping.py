"""Text that leaves on Rime's plain WebSocket: whatever it says, none of it can act as an operation.

Follows Rime, "WebSockets", *Commands*: a frame `<CLEAR>`, `<FLUSH>` or `<EOS>` is an operation; `<300>` is a pause and
belongs to the text. There is no escape for a bracket, so that the brackets of what could be an operation become blanks.
Brackets of arithmetic (`5 < 6`) stay.

One rule: escaping is complete, so that escaping what was escaped changes nothing.
"""

import re
import unicodedata

OPERATIONS = ("clear", "flush", "eos")

_OPENING, _CLOSING = "<\uff1c\ufe64\u226e", ">\uff1e\ufe65\u226f"  # and what normalization makes brackets of
_BRACKETED = re.compile(f"[{_OPENING}]([^{_OPENING}{_CLOSING}]*)[{_CLOSING}]")
_PAUSE = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_TAG = re.compile(r"[^\W\d_]|[/!?]")
_NOT_SOUNDED = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"})


def escaped(text: str) -> str:
    """The same words, with no bracketed run left that could be an operation or a tag.

    The brackets become blanks rather than nothing, so that the words beside them stay apart.
    """
    while True:
        once = _BRACKETED.sub(lambda run: f" {run[1]} " if _is_operation(run) else run[0], text)
        if once == text:
            return text
        text = once


def _is_operation(run: "re.Match[str]") -> bool:
    """Whether a bracketed run could act: tags, and the names of operations however they are disguised."""
    inside = run[1]
    if _PAUSE.fullmatch(inside):
        return False
    plain = _plain(inside)
    return _TAG.match(inside) is not None or any(name in plain for name in OPERATIONS)


def _plain(text: str) -> str:
    """What is left for a reader who ignores case, width, blanks, accents and characters that nobody sees."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(each for each in decomposed if unicodedata.category(each) not in _NOT_SOUNDED).casefold()
