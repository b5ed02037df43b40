"""The transcript of an utterance: which words the caller has heard.

With word times the answer is exact. Without them the text is cut at the word where the heard share of the audio ends,
and the answer says that it is an estimate.

One rule: a word has been heard when its end has.
"""

from dataclasses import dataclass
from itertools import takewhile

from telebridge.speech.segmentation import end_of_share, end_of_words
from telebridge.speech.source import Word


@dataclass(frozen=True, slots=True)
class HeardText:
    """The part of an utterance's text that was heard; `exact` when it follows from word times."""

    text: str
    exact: bool


class Transcript:
    """The text of one utterance, as far as it is known, with its audio and word times, as far as they have arrived.

    Attributes:
        audio_ms: How many milliseconds of audio have arrived; add to it when more does.
    """

    def __init__(self, text: str = "") -> None:
        self.audio_ms = 0.0
        self._text = [text] if text else []
        self._words: list[Word] = []
        self._complete = False

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._text)

    def add_text(self, token: str) -> None:
        """Append a token of a streamed text."""
        self._text.append(token)

    def add_words(self, words: tuple[Word, ...]) -> None:
        """Append word times, which come in the order of the words."""
        self._words.extend(words)

    def complete(self) -> None:
        """Enter that all audio and all word times have arrived."""
        self._complete = True

    def heard(self, heard_ms: float) -> HeardText:
        """The text that the first `heard_ms` of the audio speak."""
        if heard_ms <= 0:
            return HeardText("", exact=True)
        if self._complete and heard_ms >= self.audio_ms:
            return HeardText(self.text.strip(), exact=True)
        if self._words and (self._complete or heard_ms <= self._words[-1].end_ms):
            return HeardText(self._until_word(heard_ms), exact=True)
        return HeardText(self._share(heard_ms), exact=False)

    def word_begins(self, position_ms: float) -> float | None:
        """Where the word begins that is spoken at `position_ms`; `position_ms` itself between two words.

        Returns:
            Milliseconds of audio, or None while the word times there have not arrived.
        """
        for word in self._words:
            if word.end_ms > position_ms:
                return min(word.start_ms, position_ms)
        return position_ms if self._words and self._complete else None

    def _until_word(self, heard_ms: float) -> str:
        """The text up to the last word whose end was heard."""
        heard = takewhile(lambda word: word.end_ms <= heard_ms, self._words)
        return self.text[: end_of_words(self.text, (word.text for word in heard))].strip()

    def _share(self, heard_ms: float) -> str:
        text = self.text.strip()
        share = min(1.0, heard_ms / self.audio_ms) if self.audio_ms else 0
        return text[: end_of_share(text, len(text) * share)].strip()
