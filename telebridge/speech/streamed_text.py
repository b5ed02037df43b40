"""A text that is spoken while it is written, and can be gone back in: a lost stream cuts it anywhere.

One rule: its author is read once, ahead of the voice; whoever speaks it again reads what was remembered.
"""

from collections.abc import AsyncIterable, AsyncIterator

from typing_extensions import override

from telebridge.speech.source import Rereadable
from telebridge.speech.token_tape import TokenTape


class StreamedText(Rereadable):
    """The tokens of one author, from one place on.

    Args:
        tape: Remembers what was written.
        position: The place, in characters.
    """

    def __init__(self, tape: TokenTape, position: int = 0) -> None:
        self._tape = tape
        self._position = position

    @classmethod
    def by(cls, author: AsyncIterable[str]) -> "StreamedText":
        """Begin to read an author; to be stopped."""
        return cls(TokenTape(author, on_token=lambda _: None, on_end=lambda: None))

    def stop(self) -> None:
        """Read no more: nobody will speak it again."""
        self._tape.stop()

    @override
    def since(self, position: int) -> "StreamedText":
        return StreamedText(self._tape, self._position + position)

    @override
    def __aiter__(self) -> AsyncIterator[str]:
        return self._tape.since(self._position)
