"""Which words of an utterance the caller has heard.

With word timings a word has been heard when its end has, and the answer is exact where the timed words are those of the
text. Without them the text is cut where the heard share of the audio falls, at the end of a word, and the answer says
that it is an estimate.

One rule: the answer is a beginning of the text, and never more of it than can have been spoken by then.
"""

from dataclasses import dataclass

from telebridge.speech.alignment import Spoken, spoken_until
from telebridge.speech.source import Word
from telebridge.speech.speaking_time import characters_within
from telebridge.speech.words import end_of_share


@dataclass(frozen=True, slots=True)
class HeardText:
    """A beginning of an utterance's text, and whether it follows from word timings."""

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
        """All text so far; tokens of a stream are added as they are spoken."""
        return "".join(self._text)

    def add_text(self, token: str) -> None:
        """Add a token of a streamed text."""
        self._text.append(token)

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
        if self._complete and heard_ms >= self.audio_ms:
            return HeardText(self.text.strip(), exact=True)
        spoken = self._spoken_words(heard_ms)
        if spoken.matched and (self._complete or heard_ms <= self._words[-1].end_ms):
            return HeardText(self.text[: spoken.position].strip(), exact=spoken.exact)
        position = max(spoken.position, self._estimate(heard_ms))
        return HeardText(self.text[:position].strip(), exact=False)

    def word_begins(self, position_ms: float) -> float | None:
        """Where the word that sounds at `position_ms` begins, or there itself between two words.

        Returns:
            Milliseconds of audio, or None while no timings tell.
        """
        for word in self._words:
            if word.end_ms > position_ms:
                return min(word.start_ms, position_ms)
        return position_ms if self._words and self._complete else None

    def _spoken_words(self, heard_ms: float) -> Spoken:
        """The text up to the last word whose end was heard."""
        heard = next((at for at, word in enumerate(self._words) if word.end_ms > heard_ms), len(self._words))
        return spoken_until(self.text, self._words, heard)

    def _estimate(self, heard_ms: float) -> int:
        """The same share of the text as of the audio, and no more than can be spoken in that time."""
        text = self.text
        blanks = len(text) - len(text.lstrip())
        share = min(1.0, heard_ms / self.audio_ms) if self.audio_ms else 0
        characters = (len(text.strip())) * share
        return end_of_share(text, blanks + min(characters, characters_within(text[blanks:], heard_ms)))
