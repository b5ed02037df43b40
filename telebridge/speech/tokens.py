"""Streams of tokens, as an author (mostly a language model) writes them, made fit to be spoken.

One rule: what comes out does not depend on where the author parted the tokens.
"""

from collections.abc import AsyncIterable, AsyncIterator

from telebridge.speech.cleaning import MarkupCleaner
from telebridge.unicode_text import TokenRepair


async def repaired_tokens(tokens: AsyncIterable[str]) -> AsyncIterator[str]:
    """The tokens with halves of surrogate pairs joined, or replaced where the other half never comes.

    Raises:
        TypeError: A token is no str.
    """
    repair = TokenRepair()
    async for token in tokens:
        if not isinstance(token, str):
            raise TypeError(f"a token of a streamed text is {type(token).__name__} and not str")
        if whole := repair.feed(token):
            yield whole
    if rest := repair.finish():
        yield rest


async def cleaned_tokens(tokens: AsyncIterable[str]) -> AsyncIterator[str]:
    """The tokens without markup (see `telebridge.speech.cleaning`); what may be markup waits for its end."""
    cleaner = MarkupCleaner()
    async for token in repaired_tokens(tokens):
        if clean := cleaner.feed(token):
            yield clean
    if rest := cleaner.finish():
        yield rest
