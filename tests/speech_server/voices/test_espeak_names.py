"""Rime's languages and speakers have voices of espeak-ng."""

import pytest

from telebridge.rime.parameters import SPEAKERS
from telebridge.speech_server.voices.espeak_names import ESPEAK_VOICES, TIMED, canonical, variant_of


@pytest.mark.parametrize(
    ("spelling", "lang"),
    [("eng", "eng"), ("en", "eng"), (" EN-us ", "eng"), ("ger", "ger"), ("de", "ger"), ("fre", "fra"), ("None", None)],
)
def test_a_language_has_several_spellings(spelling, lang):
    assert canonical(spelling) == lang


def test_every_language_of_the_catalogue_has_a_voice():
    languages = {lang for by_lang in SPEAKERS.values() for lang in by_lang}
    assert {canonical(lang) for lang in languages} <= set(ESPEAK_VOICES)
    assert set(ESPEAK_VOICES) >= TIMED


def test_one_name_always_has_the_same_voice_and_most_names_differ():
    names = [f"speaker{number}" for number in range(50)]
    assert [variant_of(name) for name in names] == [variant_of(f" {name.upper()} ") for name in names]
    assert len({variant_of(name) for name in names}) > 25
    assert all(0 <= variant_of(name)[1] <= 100 for name in names)
