"""Synthesized sounds of a caller that are not speech, and the acoustic environment that is mixed with the caller.

Coughs, clicks and breath are short sounds; hum, street, babble and music are loops of background noise. The acoustic
environment adds background noise, and the echo of the caller's own loudspeaker.

One rule: the same arguments give the same bytes, so that recordings can be compared.
"""

import audioop
import math
import random
from collections.abc import Callable, Sequence
from functools import lru_cache

from telebridge.audio.mulaw import BYTES_PER_MS, FRAME_BYTES, PCM_WIDTH, SAMPLE_RATE, from_pcm, from_samples, to_pcm
from telebridge.simulator.caller.sounds import SILENCE
from telebridge.simulator.caller.voices import samples_of_speech

LOOP_SECONDS = 12
FULL_SCALE = 32767.0
TALKERS = (95, 110, 124, 139, 165, 187, 204, 221)
LEAST_DELAY_MS, LONGEST_DELAY_MS = 20, 1000
SCALE_HZ = (220.0, 246.9, 277.2, 293.7, 329.6, 370.0, 440.0, 493.9, 554.4)


def cough() -> bytes:
    """Return a double cough in mu-law: twice a burst of noise and the voice that ends it, 200 ms each."""
    chance = random.Random(1)  # noqa: S311 - for sound, not for secrets
    samples: list[float] = []
    for pitch in (170, 150):
        burst = _burst(90 * BYTES_PER_MS, chance)
        voice = samples_of_speech(110, pitch_hz=pitch, seed=pitch)
        loud = max(map(abs, burst)) / max(map(abs, voice))
        samples += burst + [0.7 * loud * each for each in voice] + [0.0] * (90 * BYTES_PER_MS)
    return _scaled(samples, peak=0.5)


def click() -> bytes:
    """Return a click of 6 ms in mu-law, as of a receiver that is touched."""
    chance = random.Random(2)  # noqa: S311
    count = 6 * BYTES_PER_MS
    return _scaled([chance.gauss(0, 1) * math.exp(-at / 12) for at in range(count)], peak=0.6)


def breath(ms: int = 900) -> bytes:
    """Return one breath into the microphone in mu-law."""
    chance = random.Random(3)  # noqa: S311
    count = ms * BYTES_PER_MS
    hiss = _band(_white(count, chance), 900.0, 700.0)
    return _scaled([each * math.sin(math.pi * at / count) ** 2 for at, each in enumerate(hiss)], peak=0.08)


def background(kind: str, dbfs: float) -> bytes:
    """Return twelve seconds of noise in mu-law that can be repeated, at a level in dB relative to full scale.

    Raises:
        KeyError: `KINDS` has no noise of that kind.
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
    """Filter samples by a resonance."""
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


class AcousticEnvironment:
    """Mixes background noise and the echo of a loudspeaker into each frame of the caller.

    The echo is of audio that was heard before, so its delay is at least one frame.
    """

    def __init__(self) -> None:
        self._noise = b""
        self._at = 0
        self._echo_gain = 0.0
        self._echo = b""  # loudspeaker audio that has not reached the microphone yet

    @property
    def silent(self) -> bool:
        """Whether there is neither noise nor echo."""
        return not self._noise and not self._echo_gain

    def noise(self, loop: bytes) -> None:
        """Play this noise in a loop from now on; empty audio ends it."""
        self._noise, self._at = loop, 0

    def loudspeaker(self, gain_db: float | None, delay_ms: int) -> None:
        """Return what the caller hears into the microphone from now on, with this gain and delay; None ends it."""
        self._echo_gain = 0.0 if gain_db is None else 10 ** (gain_db / 20)
        delay_bytes = min(max(delay_ms, LEAST_DELAY_MS), LONGEST_DELAY_MS) * BYTES_PER_MS
        self._echo = SILENCE * (delay_bytes - FRAME_BYTES)

    def mixed(self, spoken: bytes, heard: bytes) -> bytes:
        """Return the microphone's signal during a frame in which `heard` came out of the telephone."""
        mixed = to_pcm(spoken)
        if self._noise:
            mixed = audioop.add(mixed, to_pcm(self._next_noise()), PCM_WIDTH)
        if self._echo_gain:
            self._echo += heard[:FRAME_BYTES].ljust(FRAME_BYTES, SILENCE)
            echo, self._echo = self._echo[:FRAME_BYTES], self._echo[FRAME_BYTES:]
            mixed = audioop.add(mixed, audioop.mul(to_pcm(echo), PCM_WIDTH, self._echo_gain), PCM_WIDTH)
        return from_pcm(mixed)

    def _next_noise(self) -> bytes:
        piece = (self._noise[self._at :] + self._noise)[:FRAME_BYTES]
        self._at = (self._at + FRAME_BYTES) % len(self._noise)
        return piece
