"""People and televisions behind the caller from the first sample of the call on: real talkers, and real music."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from interruptions.human_speech import MEASURED, speaker
from telebridge.audio import wav
from telebridge.audio.mulaw import from_pcm, to_pcm
from telebridge.errors import ConfigurationError

MUSIC = Path("/usr/share/asterisk/moh")
"""Debian's asterisk-moh-opsound-wav."""
RATE = 8000
CROWD = range(3, 9)
"""How many talk at once; where they are more than the speakers, somebody talks twice."""
GAP_SECONDS = (0.1, 0.5)
TURN_SECONDS = (2.0, 8.0)
MUSIC_DB = (-8.0, -15.0)
"""Below the talkers."""


def crowd(seed: int, seconds: float, dbfs: float) -> bytes:
    """Several people who talk at once."""
    chance = np.random.default_rng(seed)
    count = int(chance.integers(CROWD.start, CROWD.stop))
    return _mulaw(sum(_talk(MEASURED[number % len(MEASURED)], seconds, chance) for number in range(count)), dbfs)


def television(seed: int, seconds: float, dbfs: float) -> bytes:
    """One talker, or two who take turns, and music all the time."""
    chance = np.random.default_rng(seed)
    talk = _talk(MEASURED[seed % len(MEASURED)], seconds, chance)
    if seed % 2:
        other, at = _talk(MEASURED[(seed + 1) % len(MEASURED)], seconds, chance), 0
        while at < len(talk):
            at += int(chance.uniform(*TURN_SECONDS) * RATE)
            until = at + int(chance.uniform(*TURN_SECONDS) * RATE)
            talk[at:until] = other[at:until]
            at = until
    pieces = _music()
    piece = pieces[int(chance.integers(len(pieces)))]
    music = np.resize(piece[int(chance.integers(len(piece) // 2)) :], len(talk))
    return _mulaw(_level(talk, 0.0) + _level(music, MUSIC_DB[seed // 2 % 2]), dbfs)


def _talk(name: str, seconds: float, chance: np.random.Generator) -> np.ndarray:
    """Somebody who goes on talking, from the first sample on."""
    recordings, pieces, size = speaker_of(name), [], 0
    while size < seconds * RATE:
        recording = recordings[int(chance.integers(len(recordings)))]
        said = _level(recording.samples[recording.onset :], chance.uniform(-2.0, 2.0))
        pieces += [said, np.zeros(int(chance.uniform(*GAP_SECONDS) * RATE))]
        size += len(pieces[-1]) + len(said)
    return np.concatenate(pieces)[: int(seconds * RATE)]


@lru_cache
def speaker_of(name: str) -> list:
    """All recordings of one speaker, read once."""
    return speaker(name)


@lru_cache
def _music() -> list[np.ndarray]:
    files = sorted(MUSIC.glob("*.wav"))
    if not files:
        raise ConfigurationError("barge-in", f"needs music in {MUSIC}", "install asterisk-moh-opsound-wav")
    return [np.frombuffer(to_pcm(wav.read(file)), "<i2").astype(float) for file in files]


def _level(samples: np.ndarray, db: float) -> np.ndarray:
    return samples / np.sqrt(np.mean(samples**2)) * 10 ** (db / 20)


def _mulaw(samples: np.ndarray, dbfs: float) -> bytes:
    return from_pcm(np.clip(_level(samples, dbfs) * 32768, -32768, 32767).astype("<i2").tobytes())
