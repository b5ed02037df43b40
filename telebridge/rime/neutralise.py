"""Text is data: on plain `/ws` commands share the alphabet with speech, and there is no escape.

Follows Rime, "WebSockets", *Commands*: a frame `<CLEAR>`, `<FLUSH>` or `<EOS>` is a command; `<300>` is a pause and
belongs to the text.
"""

import re

BRACKETED = re.compile(r"<(?!\d+(?:\.\d+)?>)([^<>]*)>")


def neutralised(text: str) -> str:
    """The same words, with no bracketed run left that could be a command; pauses stay.

    The brackets become spaces rather than nothing, so that words beside them stay apart.
    """
    return BRACKETED.sub(r" \1 ", text)
