"""Texts as a listener compares them: words without case and punctuation.

One rule: what sounds the same compares as equal, as far as spelling tells.
"""

import re
import unicodedata
from functools import lru_cache

APART = re.compile(r"[^\w']+")


@lru_cache(maxsize=8192)
def spoken_tokens(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, without punctuation; apostrophes inside a word are left out too."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return tuple(token for part in APART.split(plain) if (token := part.replace("'", "").replace("_", "")))
