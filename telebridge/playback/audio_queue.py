"""Audio that waits to be sent, in the pieces in which it came.

A prompt that pauses has minutes of audio before it. As one block it would be copied when it pauses and when it goes on,
and be kept whole until its last byte is played; in pieces each is dropped when it was heard.

One rule: a piece is copied only where a message does not end with it.
"""

from collections.abc import Sequence

Audio = bytes | memoryview
"""A piece of audio; it never changes, and may be shared with whoever made or caches it."""


class AudioQueue:
    """Pieces of audio in order.

    Attributes:
        size: How many bytes wait.
    """

    __slots__ = ("_pieces", "size")

    def __init__(self) -> None:
        self._pieces: list[Audio] = []
        self.size = 0

    def append(self, piece: Audio) -> None:
        """Add a piece behind all others."""
        if piece:
            self._pieces.append(piece)
            self.size += len(piece)

    def prepend(self, pieces: Sequence[Audio]) -> None:
        """Put pieces, which are in order, before all others."""
        filled = [piece for piece in pieces if piece]
        self._pieces[:0] = filled
        self.size += sum(map(len, filled))

    def take(self, count: int) -> Audio:
        """Remove and return the first `count` bytes; at least one, and no more than wait.

        Returns:
            A piece as it came, or a view of one; a copy of what does not lie in one piece.
        """
        self.size -= count
        if len(self._pieces[0]) >= count:
            return self._from_first(count)
        taken: list[Audio] = []
        while count:
            taken.append(self._from_first(min(count, len(self._pieces[0]))))
            count -= len(taken[-1])
        return b"".join(taken)

    def clear(self) -> None:
        """Drop all."""
        self._pieces.clear()
        self.size = 0

    def _from_first(self, count: int) -> Audio:
        first = self._pieces[0]
        if len(first) == count:
            del self._pieces[0]
            return first
        view = memoryview(first)
        self._pieces[0] = view[count:]
        return view[:count]
