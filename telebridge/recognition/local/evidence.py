"""How much of what a speech model hears comes from the sound, and how sure a phrase is.

A model of this kind makes words of every sound: of noise mostly "You". How likely a text is after a sound says little,
therefore; how much likelier it is after the sound than after silence and noise, much. The constants were fitted to
words of one speaker; docs/speech-input.md tells how those of others fare.

One rule: what is doubtful is told as such, and what the sound did not say is no word.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from telebridge.recognition.local.decoding import (
    SAMPLE_RATE,
    EncodedUtterance,
    ModelFloats,
    SpeechModel,
    phrase_likelihoods,
    text_likelihood,
)
from telebridge.recognition.local.tokens import TokenTable

LEAST_EVIDENCE = 4.0
"""A text that is likelier after the sound than after silence by less than e to this power holds no word."""
SURE = 0.6
"""A phrase is taken for what was said from this confidence on."""
DOUBTFUL = 0.05
"""From this one on where doubtful answers are confirmed."""
WORSE_THAN_TEXT = 8.0
"""A phrase that is less likely than the likeliest text by e to this power is as likely wrong as right."""
BETTER_THAN_SILENCE, LEAST_BETTER_THAN_SILENCE = 3.0, 2.0
BETTER_THAN_OTHERS = 1.0
BACKGROUND_SECONDS = 1.5
BACKGROUND_LEVEL = 0.018
MOST_KEPT = 2000
"""Of so many phrases the likelihood without any speech is kept."""


class SpeechlessSounds:
    """How likely texts are where nobody speaks: after silence, and after noise.

    Args:
        model: The model.
        table: Its tokens.
    """

    def __init__(self, model: SpeechModel, table: TokenTable) -> None:
        self._table = table
        self._sounds: tuple[EncodedUtterance, ...] = tuple(model.encode(each) for each in background_sounds())
        self._kept: OrderedDict[str, float] = OrderedDict()

    def likelihood_of(self, tokens: Sequence[int]) -> float:
        """The natural logarithm of how likely a text is there."""
        return _either([text_likelihood(sound, tokens) for sound in self._sounds])

    def phrase_likelihoods(self, phrases: Sequence[str]) -> list[float]:
        """The natural logarithm of how likely each phrase is there."""
        new = [phrase for phrase in dict.fromkeys(phrases) if phrase not in self._kept]
        after = [phrase_likelihoods(sound, self._table, new) for sound in self._sounds]
        for phrase, likelihoods in zip(new, zip(*after, strict=True), strict=True):
            self._kept[phrase] = _either(likelihoods)
        found = [self._kept[phrase] for phrase in phrases]
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return found


def background_sounds() -> tuple[ModelFloats, ModelFloats]:
    """Silence, and noise of a telephone's band."""
    count = round(BACKGROUND_SECONDS * SAMPLE_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(0.0, BACKGROUND_LEVEL, count))
    spectrum[len(spectrum) // 2 :] = 0
    noise = np.fft.irfft(spectrum, count)
    return np.zeros(count, np.float32), noise.astype(np.float32)


def _either(likelihoods: Sequence[float]) -> float:
    return float(reduce(np.logaddexp, likelihoods))


@dataclass(frozen=True, slots=True)
class PhraseEvidence:
    """What speaks for a phrase, each a natural logarithm of a ratio of likelihoods.

    Args:
        over_text: Of the phrase and the likeliest text; at most about 0.
        over_silence: Of the phrase after the sound and after silence.
        over_others: Of the phrase and the next likely one.
    """

    over_text: float
    over_silence: float
    over_others: float

    @property
    def confidence(self) -> float:
        """How sure the phrase is, from 0 to 1."""
        weakest = min(
            self.over_text + WORSE_THAN_TEXT,
            self.over_silence - BETTER_THAN_SILENCE,
            self.over_others - BETTER_THAN_OTHERS,
        )
        return 1.0 / (1.0 + math.exp(-max(-50.0, weakest)))

    def taken(self, *, doubtful: bool) -> bool:
        """Whether the phrase counts as said; `doubtful` where the caller is asked whether it was."""
        if doubtful and self.over_silence >= LEAST_BETTER_THAN_SILENCE:
            return self.confidence >= DOUBTFUL
        return self.confidence >= SURE
