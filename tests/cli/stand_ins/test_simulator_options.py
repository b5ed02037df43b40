"""The options of `telebridge simulator` say what is wrong with them."""

import pytest

from telebridge.audio.tones import sine
from telebridge.audio.wav import write
from telebridge.cli.stand_ins.simulator import _caller, _route, read_file
from telebridge.errors import ConfigurationError
from telebridge.simulator.caller.caller import Pickup, Speak


def test_an_address_leads_to_another_one():
    assert _route("https://bot.example=http://127.0.0.1:5000/") == ("https://bot.example", "http://127.0.0.1:5000")


@pytest.mark.parametrize(
    "wrong", ["https://bot.example", "bot.example=http://127.0.0.1:5000", "https://a=http://b/voice"]
)
def test_an_address_that_is_none_is_refused(wrong):
    with pytest.raises(ConfigurationError, match=r"--route .*such as https://bot\.example=http://127\.0\.0\.1:5000"):
        _route(wrong)


def test_who_is_called_has_a_script_that_speaks_files(tmp_path):
    write(tmp_path / "hello.wav", sine(440, 100))
    number, script = _caller(f"+15550001111=ring 1s; speak {tmp_path / 'hello.wav'}; hang up")
    assert number == "+15550001111"
    assert script.steps[0] == Speak(sine(440, 100), words=str(tmp_path / "hello.wav"))
    assert _caller("+15550001111=busy")[1].pickup is Pickup.BUSY
    with pytest.raises(ConfigurationError, match="must be a number and a script"):
        _caller("busy")


def test_a_file_that_cannot_be_spoken_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nothing\.wav.*cannot be read"):
        read_file(str(tmp_path / "nothing.wav"))
    (tmp_path / "text.wav").write_text("hello")
    with pytest.raises(ConfigurationError, match=r"text\.wav.*not an audio file"):
        read_file(str(tmp_path / "text.wav"))
