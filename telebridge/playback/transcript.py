"""Which words of an utterance the caller has heard.

With word timings the answer is exact: a word has been heard when its end has. Without them the text is cut where the
heard share of the audio falls, at the end of a word, and the answer says that it is an estimate.
"""

from dataclasses import dataclass
from itertools import takewhile

from telebridge.speech.segmentation import end_of_share, end_of_words
from telebridge.speech.source import Word


@dataclass(frozen=True, slots=True)
class HeardText:
    """A beginning of an utterance's text, and whether it follows from word timings."""

    text: str
    exact: bool


class Transcript:
    """The text of one utterance, as far as it is known, beside its audio and word timings, as far as they arrived."""

    def __init__(self, text: str = "") -> None:
        self._text = [text] if text else []
        self._words: list[Word] = []
        self._audio_ms = 0.0
        self._complete = False

    @property
    def text(self) -> str:
        """All text so far; tokens of a stream are added as they are spoken."""
        return "".join(self._text)

    @property
    def audio_ms(self) -> float:
        """How much audio has arrived."""
        return self._audio_ms

    def add_text(self, token: str) -> None:
        """Add a token of a streamed text."""
        self._text.append(token)

    def add_audio(self, duration_ms: float) -> None:
        """Add audio that arrived."""
        self._audio_ms += duration_ms

    def add_words(self, words: tuple[Word, ...]) -> None:
        """Add timings; they come in the order of the words."""
        self._words.extend(words)

    def complete(self) -> None:
        """Enter that all audio and all timings are here."""
        self._complete = True

    def heard(self, heard_ms: float) -> HeardText:
        """The text that `heard_ms` of the audio speak."""
        if heard_ms <= 0:
            return HeardText("", exact=True)
        if self._complete and heard_ms >= self._audio_ms:
            return HeardText(self.text.strip(), exact=True)
        if self._words and (self._complete or heard_ms <= self._words[-1].end_ms):
            return HeardText(self._until_word(heard_ms), exact=True)
        return HeardText(self._share(heard_ms), exact=False)

    def word_begins(self, position_ms: float) -> float | None:
        """Where the word that sounds at `position_ms` begins, or there itself between two words.

        Returns:
            Milliseconds of audio, or None while no timings tell.
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
        share = min(1.0, heard_ms / self._audio_ms) if self._audio_ms else 0
        return text[: end_of_share(text, len(text) * share)].strip()
