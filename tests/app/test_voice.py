"""Who speaks, as the settings have it, and what that costs before it is needed."""

import asyncio

import pytest
from support.faults import fault
from support.speech import KnownVoice, audio_of, heard, local_rime
from support.virtual_time import virtually

from telebridge.app import voice as voice_module
from telebridge.app.voice import (
    StandInSpeech,
    clip_names,
    open_clips,
    open_voice,
)
from telebridge.errors import ConfigurationError, SpeechRejected, SpeechUnavailable
from telebridge.rime.client import RimeSpeech
from telebridge.rime.parameters import RimeOptions, speech_parameters
from telebridge.settings.sections import RimeSettings
from telebridge.settings.settings import Settings
from telebridge.speech.cache.cached_source import CachedSpeech
from telebridge.speech.failover_source import FailoverSpeech
from telebridge.speech_server.options import SpeechServerOptions
from telebridge.speech_server.server import create_app

TEXT = "We are open."


@pytest.fixture
def started(monkeypatch):
    """How often the voice of this machine was started; its every byte is known."""
    times = []

    def create_speech_server():
        times.append(True)
        return create_app(SpeechServerOptions(voice=KnownVoice()))

    monkeypatch.setattr("telebridge.app.voice.create_speech_server", create_speech_server)
    monkeypatch.setattr("telebridge.app.voice.missing_packages", list)
    return times


def names(source):
    return [provider.name for provider in source.providers]


async def test_rime_is_followed_by_its_other_hosts_and_this_machine(started):
    settings = RimeSettings(url="wss://one.example", fallback_urls=("wss://two.example:9000",))
    voice = open_voice(settings)
    assert names(voice.source) == ["one.example", "two.example:9000", "local"]
    assert [provider.same_voice for provider in voice.source.providers] == [True, True, False]
    assert [provider.first_audio_seconds for provider in voice.source.providers] == [3.0, 3.0, 10.0]
    assert voice.source.providers[0].source is voice.rime


async def test_where_the_voice_of_this_machine_is_not_installed_it_is_no_provider(monkeypatch):
    monkeypatch.setattr("telebridge.app.voice.missing_packages", lambda: ["soxr"])
    settings = RimeSettings(url="wss://one.example", fallback_urls=("wss://two.example",))
    assert names(open_voice(settings).source) == ["one.example", "two.example"]


async def test_where_nobody_can_stand_in_the_one_host_is_given_its_time_twice(started):
    voice = open_voice(RimeSettings(url="wss://one.example", local_fallback=False))
    [provider] = voice.source.providers
    assert isinstance(provider.source, RimeSpeech)
    assert provider.first_audio_seconds > 2 * (5.0 + 3.0)


async def test_the_voice_of_this_machine_does_not_stand_in_for_itself(started):
    async with open_voice(RimeSettings()) as voice:
        assert isinstance(voice.source, RimeSpeech)


async def test_clips_come_before_all_others(tmp_path, started):
    settings = Settings(state_dir=tmp_path, rime={"url": "wss://one.example"})
    voice = open_voice(settings.rime, open_clips(settings))
    assert isinstance(voice.source, CachedSpeech)
    assert voice.source is voice.cached
    assert isinstance(voice.source._source, FailoverSpeech)


async def test_prompts_are_kept_in_the_state_folder_in_another_or_not_at_all(tmp_path):
    assert open_clips(Settings(state_dir=tmp_path)).folder == tmp_path / "prompts"
    assert open_clips(Settings(prompts={"cache_dir": str(tmp_path / "b")})).folder == tmp_path / "b"
    assert open_clips(Settings(prompts={"enabled": False})) is None


@fault(
    "An address in `rime.fallback_urls` is mistyped.",
    caller="Nothing: the bridge does not start.",
    operator="One line that names the setting.",
    kept="The voice: no caller finds it out.",
)
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"fallback_urls": ("wss://two.example",)}, "rime.fallback_urls: is set, but neither"),
        ({"url": "wss://one.example", "fallback_urls": ("two.example",)}, "rime.fallback_urls: 'two.example' is no ws"),
    ],
)
async def test_a_wrong_other_host_is_told_by_its_setting(settings, told):
    with pytest.raises(ConfigurationError, match=told):
        open_voice(RimeSettings(**settings))


def key(text=TEXT, voice=None, *, protocol="ws3", host="wss://one.example", **parameters):
    values = {"model": "mistv2", "speaker": "astra", **parameters}
    return clip_names(RimeOptions(protocol=protocol, parameters=speech_parameters(values)), host)(text, voice)


def test_a_clip_is_named_by_the_merged_voice_the_host_and_the_family_of_protocols():
    assert key(voice={"speaker": "luna"}) == key(speaker="luna")
    assert key(protocol="ws2") == key(protocol="ws3")
    others = [
        key(),
        key("We are closed."),
        key(voice={"speaker": "luna"}),
        key(protocol="ws"),
        key(host="wss://two.example"),
    ]
    assert len(set(others)) == len(others)


def test_a_clip_of_a_wrong_voice_has_no_name():
    with pytest.raises(ConfigurationError, match=r"voice\.speeker"):
        key(voice={"speeker": "luna"})


@virtually
async def test_the_stand_in_is_started_by_its_first_text_and_only_then(started):
    speech = StandInSpeech(RimeOptions(parameters=speech_parameters({})))
    assert started == []
    streams = [speech.speak(TEXT), speech.speak(TEXT)]
    assert [(await heard(stream))[0] for stream in streams] == [audio_of(TEXT)] * 2
    assert (await heard(speech.speak("Another.")))[0] == audio_of("Another.")
    assert started == [True]
    await speech.aclose()


@virtually
async def test_a_stand_in_that_was_never_asked_closes_with_nothing_to_do(started):
    await StandInSpeech(RimeOptions()).aclose()
    assert started == []


@virtually
async def test_whoever_clears_before_the_stand_in_has_started_stops_it_for_nobody_else(started):
    speech = StandInSpeech(RimeOptions())
    gone, stays = speech.speak(TEXT), speech.speak(TEXT)
    await asyncio.sleep(0)
    gone.clear()
    assert await heard(gone) == (b"", [])
    assert (await heard(stays))[0] == audio_of(TEXT)
    await speech.aclose()


@virtually
async def test_closing_ends_what_the_stand_in_has_under_way(started):
    speech = StandInSpeech(RimeOptions())
    stream = speech.speak(TEXT)
    await speech.aclose()
    with pytest.raises(SpeechUnavailable):
        await heard(stream)


@virtually
async def test_a_stand_in_that_cannot_be_started_says_so(monkeypatch):
    def broken():
        raise OSError("no more sockets")

    monkeypatch.setattr("telebridge.app.voice.create_speech_server", broken)
    speech = StandInSpeech(RimeOptions())
    with pytest.raises(SpeechRejected, match="no more sockets"):
        await heard(speech.speak(TEXT))
    await speech.aclose()


@fault(
    "The voice of this machine cannot be started when Rime is away.",
    caller="The apology, and the voice once it can be started.",
    operator="The error with its reason; one attempt in the back-off.",
    kept="The other providers.",
)
@virtually
async def test_a_stand_in_that_could_not_be_started_is_tried_again_after_a_while(started, monkeypatch):
    tries, working = [], voice_module.create_speech_server

    def broken_once():
        tries.append(True)
        if len(tries) == 1:
            raise OSError("no more sockets")
        return working()

    monkeypatch.setattr("telebridge.app.voice.create_speech_server", broken_once)
    speech = StandInSpeech(RimeOptions(parameters=speech_parameters({})))
    for _ in range(2):
        with pytest.raises(SpeechRejected, match="no more sockets"):
            await heard(speech.speak(TEXT))
    assert len(tries) == 1, "it is left alone meanwhile"
    await asyncio.sleep(voice_module.START_AGAIN_SECONDS)
    assert (await heard(speech.speak(TEXT)))[0] == audio_of(TEXT)
    assert (await heard(speech.speak(TEXT)))[0] == audio_of(TEXT)
    assert len(tries) == 2
    await speech.aclose()


@virtually
async def test_an_open_voice_speaks_and_closes_all(tmp_path, started):
    async with local_rime() as url:
        settings = Settings(state_dir=tmp_path, rime={"url": url, "api_key": "key"})
        async with open_voice(settings.rime, open_clips(settings)) as voice:
            assert (await heard(voice.source.speak(TEXT)))[0] == audio_of(TEXT)
            await voice.rime.check()
    assert started == []
