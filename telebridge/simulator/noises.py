"""What is heard of a caller beside their words: coughs, clicks, breath, and the street, the people and the music there.

Made of arithmetic. One rule: the same arguments give the same bytes, so that recordings can be compared.
"""

import math
import random
from collections.abc import Callable, Sequence
from functools import lru_cache

from telebridge.audio.mulaw import BYTES_PER_MS, SAMPLE_RATE, from_samples
from telebridge.simulator.voices import samples_of_speech

LOOP_SECONDS = 12
FULL_SCALE = 32767.0
TALKERS = (95, 110, 124, 139, 165, 187, 204, 221)
SCALE_HZ = (220.0, 246.9, 277.2, 293.7, 329.6, 370.0, 440.0, 493.9, 554.4)


def cough() -> bytes:
    """Twice a burst out of an open throat and the voice that ends it, 200 ms each."""
    chance = random.Random(1)  # noqa: S311 - for sound, not for secrets
    samples: list[float] = []
    for pitch in (170, 150):
        burst = _burst(90 * BYTES_PER_MS, chance)
        voice = samples_of_speech(110, pitch_hz=pitch, seed=pitch)
        loud = max(map(abs, burst)) / max(map(abs, voice))
        samples += burst + [0.7 * loud * each for each in voice] + [0.0] * (90 * BYTES_PER_MS)
    return _scaled(samples, peak=0.5)


def click() -> bytes:
    """A receiver that is touched: 6 ms."""
    chance = random.Random(2)  # noqa: S311
    count = 6 * BYTES_PER_MS
    return _scaled([chance.gauss(0, 1) * math.exp(-at / 12) for at in range(count)], peak=0.6)


def breath(ms: int = 900) -> bytes:
    """One breath into the microphone."""
    chance = random.Random(3)  # noqa: S311
    count = ms * BYTES_PER_MS
    hiss = _band(_white(count, chance), 900.0, 700.0)
    return _scaled([each * math.sin(math.pi * at / count) ** 2 for at, each in enumerate(hiss)], peak=0.08)


def background(kind: str, dbfs: float) -> bytes:
    """Some seconds of noise to be repeated, with this level below full scale.

    Raises:
        KeyError: There is no noise of that kind; `KINDS` has them.
    """
    samples = KINDS[kind]()
    rms = math.sqrt(sum(each * each for each in samples) / len(samples))
    scale = FULL_SCALE * 10 ** (dbfs / 20) / rms
    return from_samples(each * scale for each in samples)


@lru_cache
def _hum() -> Sequence[float]:
    """A fan, or the line itself."""
    return _white(LOOP_SECONDS * SAMPLE_RATE, random.Random(4))  # noqa: S311


@lru_cache
def _street() -> Sequence[float]:
    """Traffic: a low rumble that swells and fades as cars pass."""
    chance = random.Random(5)  # noqa: S311
    count = LOOP_SECONDS * SAMPLE_RATE
    low, samples = 0.0, []
    for at, each in enumerate(_white(count, chance)):
        low += 0.25 * (each - low)
        passing = 1.0 + 0.7 * math.sin(2 * math.pi * at * 3 / count) * math.sin(2 * math.pi * at * 5 / count)
        samples.append((low + 0.15 * each) * passing)
    return samples


@lru_cache
def _babble() -> Sequence[float]:
    """Eight people who talk at once."""
    voices = [samples_of_speech(LOOP_SECONDS * 1000, pitch_hz=pitch, seed=pitch) for pitch in TALKERS]
    return [sum(voice[at % len(voice)] for voice in voices) for at in range(LOOP_SECONDS * SAMPLE_RATE)]


@lru_cache
def _music() -> Sequence[float]:
    """Music on hold: plucked chords."""
    chance = random.Random(6)  # noqa: S311
    samples = [0.0] * (LOOP_SECONDS * SAMPLE_RATE)
    at = 0
    while at < len(samples):
        for note in chance.sample(SCALE_HZ, 3):
            for offset in range(min(SAMPLE_RATE // 2, len(samples) - at)):
                wave = sum(math.sin(2 * math.pi * note * k * offset / SAMPLE_RATE) / k for k in (1, 2, 3))
                samples[at + offset] += wave * math.exp(-offset / 1600)
        at += chance.randint(1200, 3600)
    return samples


KINDS: dict[str, Callable[[], Sequence[float]]] = {"hum": _hum, "street": _street, "babble": _babble, "music": _music}


def _burst(count: int, chance: random.Random) -> list[float]:
    hiss = [low + high for low, high in zip(
        _band(_white(count, chance), 600.0, 400.0), _band(_white(count, chance), 1800.0, 900.0), strict=True
    )]  # fmt: skip
    return [each * min(1.0, at / 40) * math.exp(-3.0 * at / count) for at, each in enumerate(hiss)]


def _white(count: int, chance: random.Random) -> list[float]:
    return [chance.gauss(0.0, 1.0) for _ in range(count)]


def _band(samples: Sequence[float], hertz: float, width: float) -> list[float]:
    """What a resonance lets through."""
    r = math.exp(-math.pi * width / SAMPLE_RATE)
    turn = 2 * r * math.cos(2 * math.pi * hertz / SAMPLE_RATE)
    one = two = 0.0
    passed = []
    for each in samples:
        one, two = each + turn * one - r * r * two, one
        passed.append(one)
    return passed


def _scaled(samples: Sequence[float], *, peak: float) -> bytes:
    loudest = max(map(abs, samples))
    return from_samples(each * peak * FULL_SCALE / loudest for each in samples)
