import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.errors import ConfigurationError
from telebridge.simulator.caller.caller import (
    HangUpStep,
    Listen,
    Loudspeaker,
    Noise,
    Pickup,
    Press,
    Script,
    Speak,
    WaitForPrompt,
    WaitForSilence,
    WaitUntil,
)
from telebridge.simulator.caller.noises import (
    background,
    breath,
    click,
    cough,
)
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.caller.voices import murmur, speech, spoken


def test_a_script_in_words() -> None:
    script = parse_script("listen 2s; wait 300ms, press 1; silence; speak 1.5s\nHang up")
    assert script == Script(
        (
            Listen(2),
            WaitForPrompt(into_ms=300),
            Press("1"),
            WaitForSilence(ms=700),
            Speak(speech(1500)),
            HangUpStep(),
        )
    )


def test_what_is_no_interruption_has_a_word_of_its_own() -> None:
    assert parse_script("cough; click; breathe; mm-hm") == Script(
        (Speak(cough(), "cough"), Speak(click(), "click"), Speak(breath(), "breathe"), Speak(murmur(), "mm-hm"))
    )


def test_where_a_caller_is() -> None:
    script = parse_script("noise street -30dB; noise hum; noise off; echo -12dB 120ms; echo -6; echo off; at 3.2s")
    assert script.steps == (
        Noise(background("street", -30)),
        Noise(background("hum", -35)),
        Noise(b""),
        Loudspeaker(-12.0, 120),
        Loudspeaker(-6.0, 120),
        Loudspeaker(None),
        WaitUntil(3.2),
    )


@pytest.mark.parametrize("text", ["noise", "noise wind", "noise street loud", "echo", "echo 12dB", "echo -12dB soon"])
def test_a_place_that_is_not_understood_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        parse_script(text)


def test_a_script_in_json() -> None:
    assert parse_script('{"steps": ["wait", "press 12#"]}') == parse_script('["wait", "press 12#"]')


def test_an_empty_script_only_listens() -> None:
    assert parse_script(" ; ") == Script()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("busy after 3s", Script(pickup=Pickup.BUSY, ring_seconds=3)),
        ("no answer", Script(pickup=Pickup.NO_ANSWER)),
        ("fail 603", Script(pickup=Pickup.FAILED, sip_response_code=603)),
        ("ring 4s; machine after 6s", Script(ring_seconds=4, answered_by="machine", detection_seconds=6)),
    ],
)
def test_how_a_call_is_picked_up(text: str, expected: Script) -> None:
    assert parse_script(text) == expected


def test_a_file_is_read_by_whoever_may_read_files() -> None:
    assert parse_script("speak hello.wav", read_audio=lambda name: name.encode()) == Script(
        (Speak(b"hello.wav", "hello.wav"),)
    )
    with pytest.raises(ConfigurationError, match="needs a duration"):
        parse_script("speak hello.wav")


@pytest.mark.parametrize("text", ["dance", "press 1 2", "press", "listen", "listen soon", "listen 99999s", "[1]", "{"])
def test_what_is_not_understood_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match="script"):
        parse_script(text)


WORDS = ["wait", "press", "speak", "1", "2s", "after", "fail", "9", "busy", ";", "[", "{", '"', ","]


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS)).map(" ".join)))
def test_any_text_is_a_script_or_a_configuration_error(text: str) -> None:
    with contextlib.suppress(ConfigurationError):
        parse_script(text)


def test_a_voice_mailbox_speaks_and_beeps():
    said, beeped, high = parse_script('["say Leave a message", "beep", "beep 1400 500ms"]').steps
    assert (said.words, said.mulaw) == ("Leave a message", spoken("Leave a message"))
    assert [len(each.mulaw) for each in (beeped, high)] == [300 * 8, 500 * 8]
    for wrong in ("say", "beep 9000", "beep 1000 1s 1s", "beep loud"):
        with pytest.raises(ConfigurationError):
            parse_script(wrong)
