"""The languages Rime names, and what espeak-ng calls them.

Rime takes two- and three-letter codes and writes German "ger" (Rime, 'Voices'). Which model speaks which language is
not reliably enforced by Rime, and not here either.
"""

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
    """The three-letter code for any spelling Rime takes, or None for a language it does not name."""
    return _CANONICAL.get(lang.strip().lower())
