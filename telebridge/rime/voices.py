"""Speakers known to exist, by model and language: an extract of Rime's catalogue, for warnings and for the stand-in.

Source: Rime, "Voices" (the live list is `/data/voices/all-v2.json`). A name missing here may exist all the same.
"""

from collections.abc import Mapping

LANGUAGES: Mapping[str, str] = {
    "en": "eng", "es": "spa", "fr": "fra", "fre": "fra", "de": "ger", "deu": "ger", "pt": "por", "ja": "jpn",
    "ar": "ara", "hi": "hin", "it": "ita", "he": "heb", "ta": "tam", "si": "sin", "spa-mx": "spa",
}  # fmt: skip

SPEAKERS: Mapping[str, Mapping[str, str]] = {
    "mist": {
        "eng": "abbie allison ally colin cove creek elena eva hank joy juan kendra marge marsh rex river selena spore "
        "tibur zion",
    },
    "mistv2": {
        "eng": "abbie allison astra brook cove elena hank joy kendra marge moon peak rex river spore tibur wolf",
        "spa": "diego dolores isa jose lucia mari mateo pablo sofia",
        "fra": "alois juliette marguerite simone",
        "ger": "amalia frieda karolina klaus maximilian",
    },
    "mistv3": {
        "eng": "alpine astra bayou cove ember estelle falcon luna moon peak pearl river sirius talon vespera willow",
        "spa": "diego dolores isa jose lucia mari mateo pablo sofia pola seraphina sirius",
        "fra": "alois juliette marguerite simone",
        "ger": "amalia frieda karolina klaus maximilian",
    },
    "arcana": {
        "eng": "albion andromeda astra bond celeste cupola eucalyptus luna lyra marlu masonry orion parapet sirius",
        "spa": "aurelio celestino", "ger": "liesel lorelei", "fra": "aurelie destin", "hin": "anaya anil arya",
        "ara": "batin layla", "heb": "aviva ori", "jpn": "raiden ren yukiko", "por": "celso isadora",
    },
    "coda": {
        "eng": "albion astra bancroft beatty celeste clementine cupola eyre godfrey hesse lawton lintel luna lyra "
        "marlu masonry parapet vespera wawona",
        "spa": "celestino isla luz", "jpn": "akari ren sakura", "por": "alzira sol", "ger": "liesel runa",
        "fra": "aurelie destin", "ara": "layla zahir", "hin": "nadi taru",
    },
}  # fmt: skip


def speakers(model: str, lang: str) -> frozenset[str]:
    """The speakers known for a model and a language, whatever its spelling; none where nothing is known."""
    return frozenset(SPEAKERS.get(model, {}).get(LANGUAGES.get(lang, lang), "").split())
