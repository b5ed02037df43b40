"""Texts as a listener compares them: words without case and punctuation.

One rule: what sounds the same compares as equal, as far as spelling tells.
"""

import re
import unicodedata

APART = re.compile(r"[^\w']+")


def spoken_tokens(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation; apostrophes inside a word are left out too."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return [token for part in APART.split(plain) if (token := part.replace("'", "").replace("_", ""))]
