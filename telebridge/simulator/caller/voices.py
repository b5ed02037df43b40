"""Voices made of arithmetic, near enough to people that a detector of speech takes them for it.

A source and a filter, as in Klatt, "Software for a cascade/parallel formant synthesizer" (1980), with three formants:
glottal pulses with a falling and rising pitch go through the resonances of one vowel after another, with a hiss of
breath between syllables. Nobody will understand a word.

One rule: the same arguments give the same bytes, so that recordings can be compared.
"""

import math
import random
import zlib
from collections.abc import Sequence
from functools import lru_cache

from telebridge.audio.mulaw import BYTES_PER_MS, SAMPLE_RATE, from_samples

VOWELS = (
    (730, 1090, 2440), (270, 2290, 3010), (530, 1840, 2480), (570, 840, 2410), (300, 870, 2240), (660, 1720, 2410),
)  # fmt: skip
"""First three formants in Hz of a man's vowels; Peterson and Barney, 1952."""
NASAL = ((250, 1000, 2200),)
BANDWIDTHS = (80, 110, 160)
SYLLABLE_MS = 190
PEAK = 14_000
ONSET_MS = 15
LONGEST_MS = 8000
"""What lasts longer says the same again."""
SPOKEN_MS_PER_CHARACTER = 65
LEAST_SPOKEN_MS, MOST_SPOKEN_MS = 300, 60_000
WEIGHTS = (1.0, 0.6, 0.35)


def speech(ms: int, *, pitch_hz: float = 125.0, seed: int = 1) -> bytes:
    """A voice that talks for so long, five syllables a second, in mu-law; it begins at once."""
    if ms <= LONGEST_MS:
        return _mulaw(_talk(ms, pitch_hz, seed, VOWELS, SYLLABLE_MS))
    whole = _mulaw(_talk(LONGEST_MS, pitch_hz, seed, VOWELS, SYLLABLE_MS))
    return (whole * (ms // LONGEST_MS + 1))[: ms * BYTES_PER_MS]


def spoken(text: str) -> bytes:
    """The same voice for as long as it takes to say a text, in mu-law; another text sounds differently."""
    ms = min(MOST_SPOKEN_MS, max(LEAST_SPOKEN_MS, SPOKEN_MS_PER_CHARACTER * len(text)))
    return speech(ms, seed=zlib.crc32(text.encode()) % 1000)


def samples_of_speech(ms: int, *, pitch_hz: float, seed: int) -> Sequence[float]:
    """The same voice as samples of no particular scale, to be mixed; at most eight seconds of it."""
    return _talk(min(ms, LONGEST_MS), pitch_hz, seed, VOWELS, SYLLABLE_MS)


def murmur(*, pitch_hz: float = 120.0) -> bytes:
    """Two hums with closed lips, 450 ms together: "mm-hm"."""
    pause = [0.0] * (60 * BYTES_PER_MS)
    return _mulaw([*_talk(180, pitch_hz, 2, NASAL, 180), *pause, *_talk(210, pitch_hz * 1.2, 3, NASAL, 210)])


@lru_cache(maxsize=64)
def _talk(
    ms: int, pitch_hz: float, seed: int, vowels: tuple[tuple[int, int, int], ...], syllable_ms: int
) -> tuple[float, ...]:
    """The samples of a voice that says one vowel after another."""
    chance = random.Random(seed)  # noqa: S311 - for sound, not for secrets
    samples: list[float] = []
    formants = [_Resonator(hz, width) for hz, width in zip(vowels[0], BANDWIDTHS, strict=True)]
    phase = 0.0
    while len(samples) < ms * BYTES_PER_MS:
        vowel, long = chance.choice(vowels), round(syllable_ms * BYTES_PER_MS * chance.uniform(0.8, 1.25))
        for formant, hz in zip(formants, vowel, strict=True):
            formant.aim(hz)
        bend = chance.uniform(-0.12, 0.12)
        for at in range(long):
            share = at / long
            pitch = pitch_hz * (1.08 - 0.15 * len(samples) / (ms * BYTES_PER_MS) + bend * math.sin(math.pi * share))
            phase += pitch / SAMPLE_RATE
            pulse = 0.0
            if phase >= 1.0:
                phase -= 1.0
                pulse = chance.uniform(0.95, 1.05)
            loud = _loudness(at / long)
            source = pulse * loud + chance.gauss(0.0, 0.006 + 0.02 * (1 - loud))
            samples.append(sum(w * formant.pass_on(source) for w, formant in zip(WEIGHTS, formants, strict=True)))
    return tuple(samples[: ms * BYTES_PER_MS])


def _loudness(share: float) -> float:
    """How loud a syllable is after that share of it: it swells, fades, and leaves a little breath between two."""
    return min(1.0, 0.12 + 1.3 * math.sin(math.pi * min(1.0, share * 1.05)) ** 0.7) if share < 0.93 else 0.12


class _Resonator:
    """A second-order resonance whose frequency glides to where it is aimed."""

    def __init__(self, hertz: float, bandwidth: float) -> None:
        self._hertz = self._aim = hertz
        self._r = math.exp(-math.pi * bandwidth / SAMPLE_RATE)
        self._one = self._two = 0.0
        self._turn = 0
        self._coefficient = 0.0

    def aim(self, hertz: float) -> None:
        """Glide there, within some 20 ms."""
        self._aim = hertz

    def pass_on(self, sample: float) -> float:
        """The next sample, resonating."""
        if self._turn % 40 == 0:  # every 5 ms
            self._hertz += (self._aim - self._hertz) * 0.25
            self._coefficient = 2 * self._r * math.cos(2 * math.pi * self._hertz / SAMPLE_RATE)
        self._turn += 1
        out = sample + self._coefficient * self._one - self._r * self._r * self._two
        self._one, self._two = out, self._one
        return out


def _mulaw(samples: Sequence[float]) -> bytes:
    """Scaled to the usual level of a voice, with soft ends, as mu-law."""
    scale = PEAK / max(map(abs, samples), default=1.0)
    count = len(samples)
    soft = ONSET_MS * BYTES_PER_MS
    softened = (sample * min(1.0, (at + 1) / soft, (count - at) / soft) for at, sample in enumerate(samples))
    return from_samples(sample * scale for sample in softened)
