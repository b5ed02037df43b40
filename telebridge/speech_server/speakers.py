"""Which of espeak-ng's voices stands in for which of Rime's speakers.

There is no likeness: a speaker's name decides, so that one name always sounds the same and two names mostly differ.
"""

import zlib

_FEMALE = ("f1", "f2", "f3", "f4", "f5", "Annie", "linda", "steph", "belinda")
_MALE = ("m1", "m3", "m4", "m6", "m7", "m8", "max", "paul", "john", "rob", "david")
_FEMALE_ENDINGS = ("a", "e", "ie", "y", "ah", "en")


def variant_of(speaker: str) -> tuple[str, int]:
    """A variant of espeak-ng's and a pitch (0 to 100, 50 is the variant's own)."""
    name = speaker.strip().lower()
    number = zlib.crc32(name.encode())
    variants = _FEMALE if name.endswith(_FEMALE_ENDINGS) else _MALE
    return variants[number % len(variants)], 42 + (number >> 8) % 17
