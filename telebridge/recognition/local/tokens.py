"""Text into the tokens of a speech model, and back.

The file is Moonshine's `tokenizer.bin`: for each token its length, in one byte or, from 128 on, in two with the low
seven bits first, and then its bytes; a token of no bytes is never written. The vocabulary is one of SentencePiece,
whose pieces are numbered in the order in which they were merged: of all neighbours that make a piece, those with the
lowest number are merged first.

One rule: a token that the file does not hold is an error of the file, never of the text.
"""

from telebridge.errors import ConfigurationError

START, END = 1, 2
"""The tokens before and after every text."""
BLANK = "\u2581"
"""What stands for a blank, and before the first word."""


class TokenTable:
    """The tokens of a model, by number.

    Args:
        pieces: The bytes of each token.
    """

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self._numbers: dict[bytes, int] = {}
        for number, piece in enumerate(pieces):
            if piece:
                self._numbers.setdefault(piece, number)

    @classmethod
    def read(cls, data: bytes) -> "TokenTable":
        """Read a `tokenizer.bin`.

        Raises:
            ConfigurationError: It ends within a token, or has no token for some byte.
        """
        pieces: list[bytes] = []
        at = 0
        while at < len(data):
            size, at = data[at], at + 1
            if size >= 128 and at < len(data):
                size, at = size - 128 + data[at] * 128, at + 1
            if at + size > len(data):
                break
            pieces.append(data[at : at + size])
            at += size
        table = cls(pieces)
        if at != len(data) or any(bytes([byte]) not in table._numbers for byte in range(256)):
            raise ConfigurationError(
                "recognition.provider", "the speech model's tokenizer.bin is damaged", "install telebridge[words] anew"
            )
        return table

    def __len__(self) -> int:
        """How many tokens there are."""
        return len(self._pieces)

    def number_of(self, piece: str) -> int:
        """The token of exactly this text."""
        return self._numbers[piece.encode()]

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, without those before and after it."""
        parts = [char.encode() for char in (BLANK + text.replace(" ", BLANK))]
        parts = [part for each in parts for part in self._known(each)]
        while True:
            merges = [
                (number, at)
                for at in range(len(parts) - 1)
                if (number := self._numbers.get(parts[at] + parts[at + 1])) is not None
            ]
            if not merges:
                return [self._numbers[part] for part in parts]
            _, at = min(merges)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]

    def _known(self, char: bytes) -> list[bytes]:
        """A character, or its bytes where it is no token."""
        return [char] if char in self._numbers else [bytes([byte]) for byte in char]

    def decode(self, tokens: list[int]) -> str:
        """The text of tokens; those before and after it say nothing."""
        pieces = [self._pieces[token] for token in tokens if END < token < len(self._pieces)]
        return b"".join(pieces).decode("utf-8", "replace").replace(BLANK, " ").strip()
