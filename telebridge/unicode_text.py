r"""Text as Unicode has it: half surrogate pairs repaired, and the characters that XML 1.0 allows.

JSON and YAML can write one half of a surrogate pair (`"\ud83d"`), and a stream of tokens can part between the halves.
Python keeps such a half in a `str`, and fails only when the text is encoded: by a socket, a database or a log.

One rule: text is repaired where it comes in, so that no other module has to expect half a character.

Sources: The Unicode Standard, 3.8 "Surrogates"; XML 1.0 (Fifth Edition), 2.2 "Characters".
"""

import re
from typing import Any, TypeVar

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
HIGH_SURROGATES = ("\ud800", "\udbff")

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

T = TypeVar("T")


def repaired(text: str) -> str:
    """The same text with two halves of a surrogate pair joined, and a half without the other replaced by U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def repaired_values(value: Any) -> Any:
    """Plain values (as of JSON or YAML) with every text in them repaired, keys included.

    What is no str, dict, list or tuple is returned as it is. Values that refer to themselves are not supported.
    """
    match value:
        case str():
            return repaired(value)
        case dict():
            return {repaired_values(key): repaired_values(each) for key, each in value.items()}
        case list():
            return [repaired_values(each) for each in value]
        case tuple():
            return tuple(repaired_values(each) for each in value)
        case _:
            return value


class TokenRepair:
    """Repairs a text that comes in tokens: a surrogate pair may be parted over two of them.

    Call `feed` with each token and `finish` after the last one. The joined answers are `repaired` of the joined tokens.
    """

    __slots__ = ("_high",)

    def __init__(self) -> None:
        self._high = ""

    def feed(self, token: str) -> str:
        """The token repaired; the first half of a pair at its end is kept for the next call."""
        text = self._high + token
        self._high = ""
        if text and HIGH_SURROGATES[0] <= text[-1] <= HIGH_SURROGATES[1]:
            text, self._high = text[:-1], text[-1]
        return repaired(text)

    def finish(self) -> str:
        """U+FFFD for a half whose other half never came; else nothing."""
        high, self._high = self._high, ""
        return REPLACEMENT if high else ""


def xml_text(text: str) -> str:
    """The text without the characters that no XML 1.0 document may hold, escaped or not (NUL, ESC, U+FFFE, …)."""
    return _NOT_XML.sub("", repaired(text))


def is_speakable(text: str) -> bool:
    """Whether the text holds a letter or a digit of any script: anything else has no sound of its own."""
    return any(map(str.isalnum, text))
