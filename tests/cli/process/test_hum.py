"""A hum in place of words is announced before it is made, and never taken for a voice later."""

import pytest

from telebridge.app import voice
from telebridge.app.voice import open_clips, open_voice
from telebridge.cli.process import hum
from telebridge.cli.process.hum import warn_of_hum
from telebridge.settings.sections import RimeSettings
from telebridge.settings.settings import Settings

WARNING = (
    "telebridge: warning: no voice is installed (soxr missing), so words are hummed; "
    "pip install 'telebridge[voice]', or set RIME_API_KEY\n"
)


@pytest.fixture
def installed(monkeypatch):
    def set_missing(*names):
        for module in (hum, voice):
            monkeypatch.setattr(module, "missing_packages", lambda: list(names))

    return set_missing


def test_the_missing_voice_is_told_with_its_remedy(installed, capsys):
    installed("soxr")
    warn_of_hum(RimeSettings())
    assert capsys.readouterr().err == WARNING


@pytest.mark.parametrize("rime", [RimeSettings(api_key="k"), RimeSettings(url="ws://127.0.0.1:1")])
def test_who_has_rime_needs_no_voice(installed, capsys, rime):
    installed("soxr")
    warn_of_hum(rime)
    assert capsys.readouterr().err == ""


def test_an_installed_voice_is_no_hum(installed, capsys):
    installed()
    warn_of_hum(RimeSettings())
    assert capsys.readouterr().err == ""


async def test_a_hum_is_not_kept_in_the_place_of_the_voice_that_is_installed_later(installed, tmp_path):
    keys = []
    for missing in ([], ["soxr"]):
        installed(*missing)
        opened = open_voice(RimeSettings(), open_clips(Settings(state_dir=tmp_path)))
        keys.append(opened.cached._key("Hello.", None))
        assert ("hum" in opened.description) == bool(missing)
        await opened.aclose()
    assert keys[0] != keys[1]
