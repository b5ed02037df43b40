"""Word times of a whole utterance out of those of its parts.

Rime measures them in seconds from the start of the present synthesis and starts again at 0 with the next ("WebSockets
JSON", *timestamps*); they come after the audio they belong to.
"""

from telebridge.rime.messages import TimestampsReceived
from telebridge.speech.source import Word


class WordClock:
    """Places words on the time axis of the utterance, in milliseconds of audio."""

    def __init__(self) -> None:
        self._synthesis_began_ms = 0.0
        self._last_end = 0.0  # seconds, within the synthesis
        self._heard_before_ms = 0.0  # audio that had come with the last times

    def words(self, times: TimestampsReceived, *, heard_ms: float) -> tuple[Word, ...]:
        """The words of a message, when `heard_ms` of the utterance's audio have come."""
        if times.starts and times.starts[0] < self._last_end:
            self._synthesis_began_ms = self._heard_before_ms  # the clock went back: a new synthesis
        self._last_end = times.ends[-1] if times.ends else self._last_end
        self._heard_before_ms = heard_ms
        began = self._synthesis_began_ms
        return tuple(
            Word(word, began + start * 1000, began + end * 1000)
            for word, start, end in zip(times.words, times.starts, times.ends, strict=True)
        )

    def synthesis_over(self, heard_ms: float) -> None:
        """A synthesis has ended after `heard_ms` of the utterance's audio; the next one starts there."""
        self._synthesis_began_ms = self._heard_before_ms = heard_ms
        self._last_end = 0.0
