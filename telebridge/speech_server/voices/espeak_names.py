"""Maps Rime's languages and speakers to the voices of espeak-ng.

Rime accepts two- and three-letter codes and writes German "ger" (Rime, 'Voices'). Which model speaks which language is
not reliably enforced by Rime, nor is it here. The voice of a speaker is chosen by its name and has no likeness to it.

One rule: one name always sounds the same, and two names mostly differ.
"""

import zlib
from types import MappingProxyType

_SPELLINGS = {
    "eng": ("en", "en-us"),
    "spa": ("es", "es-419"),
    "fra": ("fr", "fr", "fre"),
    "ger": ("de", "de", "deu"),
    "por": ("pt", "pt-br"),
    "jpn": ("ja", "ja"),
    "ara": ("ar", "ar"),
    "hin": ("hi", "hi"),
    "ita": ("it", "it"),
    "heb": ("he", "he"),
    "tam": ("ta", "ta"),
    "sin": ("si", "si"),
}

ESPEAK_VOICES = MappingProxyType({lang: spellings[1] for lang, spellings in _SPELLINGS.items()})
"""From a three-letter code to the voice of espeak-ng."""

_CANONICAL = {
    "spa-mx": "spa",
    "es-mx": "spa",
    "en-us": "eng",
    "en-gb": "eng",
    **{lang: lang for lang in _SPELLINGS},
    **{spellings[0]: lang for lang, spellings in _SPELLINGS.items()},
    **{alias: lang for lang, spellings in _SPELLINGS.items() for alias in spellings[2:]},
}

TIMED = frozenset({"eng", "spa"})
"""Languages that come with word times (Rime, "Coda websockets JSON", 'Timestamps')."""


def canonical(lang: str) -> str | None:
    """Return the three-letter code for any spelling that Rime accepts, or None for an unknown language."""
    return _CANONICAL.get(lang.strip().lower())


_FEMALE = ("f1", "f2", "f3", "f4", "f5", "Annie", "linda", "steph", "belinda")
_MALE = ("m1", "m3", "m4", "m6", "m7", "m8", "max", "paul", "john", "rob", "david")
_FEMALE_ENDINGS = ("a", "e", "ie", "y", "ah", "en")


def variant_of(speaker: str) -> tuple[str, int]:
    """Return a variant of espeak-ng and a pitch (0 to 100; 50 is the variant's default)."""
    name = speaker.strip().lower()
    number = zlib.crc32(name.encode())
    variants = _FEMALE if name.endswith(_FEMALE_ENDINGS) else _MALE
    return variants[number % len(variants)], 42 + (number >> 8) % 17
