"""Rime's markup: splits a text into pieces with pauses, phonemes, spelling and speeds that a synthesizer can speak.

Follows Rime's pages "Custom pauses", "Custom pronunciation", "Spell" and "Speed": only the Mist family has markup, and
each kind counts only when its parameter asks for it. Elsewhere angle and curly brackets are not spoken.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from telebridge.speech_server.buffer import BoundaryRules, boundaries
from telebridge.speech_server.query import MIST, RequestedSpeech

MARKUP = re.compile(
    r"<(?P<pause>\d+(?:\.\d+)?)>|\{(?P<phonemes>[^{}]*)\}|spell\((?P<spelled>[^()]*)\)|\[(?P<sped>[^\[\]]*)\]",
    re.IGNORECASE,
)
LONGEST_PAUSE_MS = 10_000.0
SPELLED_GROUP = 3
SPELLED_NAMES = {"@": "at", "_": "underscore", "-": "dash", ".": "dot"}
PHONEMES = {
    "@": "a", "a": "A:", "A": "V", "W": "aU", "x": "@", "Y": "aI", "E": "E", "R": "3:", "e": "eI", "I": "I", "i": "i:",
    "o": "oU", "O": "OI", "U": "U", "u": "u:", "N": "@n", "C": "tS", "D": "D", "J": "dZ", "G": "N", "S": "S", "T": "T",
    "Z": "Z", "1": "'", "2": ",", "0": "", **{letter: letter for letter in "bdfghjklmnprstvwyz"},
}  # fmt: skip
"""From Rime's phonetic alphabet to espeak-ng's mnemonics."""


@dataclass(frozen=True, slots=True)
class SpokenPiece:
    """Words or phonemes; `speed` 1.0 is the normal speed."""

    text: str
    speed: float = 1.0
    phonetic: bool = False
    ends_sentence: bool = False


@dataclass(frozen=True, slots=True)
class PausePiece:
    """Silence, in milliseconds."""

    ms: float


def pieces(text: str, speech: RequestedSpeech) -> Iterator[SpokenPiece | PausePiece]:
    """Split `text` into pieces, in order."""
    speeds = iter(speech.inline_speeds if speech.model in MIST else ())
    position = 0
    for found in MARKUP.finditer(text):
        yield from _sentences(text[position : found.start()], speech.speed)
        position = found.end()
        match found.lastgroup:
            case "pause":
                if speech.pauses and speech.model in MIST:
                    yield PausePiece(min(float(found["pause"]), LONGEST_PAUSE_MS))
            case "phonemes":
                yield from _phonemes(found["phonemes"], speech)
            case "spelled":
                yield from _spelled(found["spelled"], speech)
            case _:
                yield from _sentences(found["sped"], speech.speed / next(speeds, 1.0))
    yield from _sentences(text[position:], speech.speed)


def _sentences(text: str, speed: float) -> Iterator[SpokenPiece]:
    """Split words into sentences: phrases are short, so that many sockets can share a few synthesizers."""
    start = 0
    for end in [*boundaries(text, BoundaryRules(hold_final_period=False)), len(text)]:
        sentence = text[start:end].strip()
        if any(character.isalnum() for character in sentence):
            yield SpokenPiece(sentence, speed, ends_sentence=end < len(text) or sentence[-1] in ".?!")
        start = end


def _phonemes(written: str, speech: RequestedSpeech) -> Iterator[SpokenPiece]:
    if not (speech.phonemes and speech.model in MIST):
        yield from _sentences(written, speech.speed)
        return
    mnemonics = "".join(PHONEMES.get(letter, "") for letter in written)
    if mnemonics:
        yield SpokenPiece(mnemonics, speech.speed, phonetic=True)


def _spelled(written: str, speech: RequestedSpeech) -> Iterator[SpokenPiece]:
    """Spell unit by unit in groups of three, with a comma between groups and where letters change to digits."""
    if speech.model not in MIST:
        yield from _sentences(f"spell {written}", speech.speed)
        return
    groups = [
        run[start : start + SPELLED_GROUP]
        for run in re.findall(r"[^\W\d_]+|\d+|[@_.\-]", written)
        for start in range(0, len(run), SPELLED_GROUP)
    ]
    named = (" ".join(SPELLED_NAMES.get(unit, unit.upper()) for unit in group) for group in groups)
    if spelled := ", ".join(named):
        yield SpokenPiece(spelled, speech.speed)
