"""Where an utterance goes on: after a pause in the word that was cut, and over a new stream at the last word heard.

One rule: the caller rather hears a little twice than misses something.
"""

from collections.abc import AsyncIterable
from dataclasses import dataclass

from telebridge.audio.levels import quietest_end
from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.playback.transcript import Transcript
from telebridge.speech.source import Rereadable
from telebridge.speech.words import from_word, word_starts

REWOUND_MS = 600
"""How far back a prompt goes on at the most: longer than almost any word."""
LEAST_REWOUND_MS = 40
"""Twilio may be so much further behind than the ledger thinks; what it had not played yet must not be lost."""
SNAP_MS = 60
"""How much earlier than where a word begins its audio may be joined, at the quietest moment there."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where an utterance was paused.

    Args:
        at: When, in monotonic seconds.
        position_ms: Milliseconds of its audio.
        tail: The audio that sounded just before, as far back as the utterance can go on from.
    """

    at: float
    position_ms: float
    tail: bytes

    def rewound(self, transcript: Transcript) -> bytes:
        """The audio that is played again: from the start of the word that was cut, or from a quiet moment before."""
        begins_ms = transcript.word_begins(self.position_ms)
        again_ms = LEAST_REWOUND_MS if begins_ms is None else max(LEAST_REWOUND_MS, self.position_ms - begins_ms)
        again = min(len(self.tail), round(again_ms * BYTES_PER_MS))
        before = self.tail[: len(self.tail) - again]
        if begins_ms is not None:
            before = before[-SNAP_MS * BYTES_PER_MS :]
        return self.tail[len(self.tail) - again - quietest_end(before) :]


def rest(text: str | AsyncIterable[str], taken: str, heard: int) -> str | AsyncIterable[str]:
    """What is left of a text; one that is still being written goes on for as long as its author does.

    Args:
        text: The text of the utterance.
        taken: As much of it as is known.
        heard: How many words of it were heard.
    """
    if isinstance(text, Rereadable):
        return text.since(rest_begins(text, taken, heard))
    return from_word(taken, heard)


def rest_begins(text: str | AsyncIterable[str], taken: str, heard: int) -> int:
    """Where in `taken` the rest begins."""
    words = word_starts(taken)
    if heard > len(words):
        return 0 if isinstance(text, Rereadable) else len(taken)
    return words[heard - 1] if heard > 0 else 0
