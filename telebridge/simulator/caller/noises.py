"""What is heard of a caller beside their words: coughs, clicks, breath, and the street, the people and the music there.

Made of arithmetic. One rule: the same arguments give the same bytes, so that recordings can be compared.

Where a caller is: what their microphone picks up beside them, noise and the voice out of their own loudspeaker.

One rule: an echo is of what was heard, so it is late by at least the frame it was heard in.
"""

import audioop
import math
import random
from collections.abc import Callable, Sequence
from functools import lru_cache

from telebridge.audio.mulaw import BYTES_PER_MS, PCM_WIDTH, SAMPLE_RATE, from_pcm, from_samples, to_pcm
from telebridge.simulator.caller.sounds import FRAME_BYTES, SILENCE
from telebridge.simulator.caller.voices import samples_of_speech

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


LEAST_DELAY_MS = 20
LONGEST_DELAY_MS = 1000


class Surroundings:
    """Mixes into each frame of the caller what is around them."""

    def __init__(self) -> None:
        self._noise = b""
        self._at = 0
        self._echo_gain = 0.0
        self._heard = b""  # what came out of the loudspeaker and has not come back yet

    @property
    def silent(self) -> bool:
        """Whether nothing is around the caller."""
        return not self._noise and not self._echo_gain

    def noise(self, loop: bytes) -> None:
        """From now on this is heard again and again; nothing ends it."""
        self._noise, self._at = loop, 0

    def loudspeaker(self, gain_db: float | None, delay_ms: int) -> None:
        """From now on what the caller hears comes back, weaker and late; None ends it."""
        self._echo_gain = 0.0 if gain_db is None else 10 ** (gain_db / 20)
        delay_bytes = min(max(delay_ms, LEAST_DELAY_MS), LONGEST_DELAY_MS) * BYTES_PER_MS
        self._heard = SILENCE * (delay_bytes - FRAME_BYTES)

    def mixed(self, spoken: bytes, heard: bytes) -> bytes:
        """What the microphone picks up during a frame in which `heard` came out of the telephone."""
        mixed = to_pcm(spoken)
        if self._noise:
            mixed = audioop.add(mixed, to_pcm(self._next_noise()), PCM_WIDTH)
        if self._echo_gain:
            self._heard += heard[:FRAME_BYTES].ljust(FRAME_BYTES, SILENCE)
            echo, self._heard = self._heard[:FRAME_BYTES], self._heard[FRAME_BYTES:]
            mixed = audioop.add(mixed, audioop.mul(to_pcm(echo), PCM_WIDTH, self._echo_gain), PCM_WIDTH)
        return from_pcm(mixed)

    def _next_noise(self) -> bytes:
        piece = (self._noise[self._at :] + self._noise)[:FRAME_BYTES]
        self._at = (self._at + FRAME_BYTES) % len(self._noise)
        return piece
