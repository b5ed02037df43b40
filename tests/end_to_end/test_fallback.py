"""Rime fails in the middle of a call, and the caller hears every word all the same: whole calls on virtual time."""

import random

import pytest
from support.bridge import bridge, heard_by
from support.faults import fault
from support.speech import BYTES_PER_CHARACTER, KnownVoice, audio_of, local_rime
from support.virtual_time import virtually

from telebridge.audio.mulaw import to_pcm
from telebridge.simulator.media.recording import EventKind
from telebridge.speech_server.options import SpeechServerFaults, SpeechServerOptions
from telebridge.speech_server.server import create_app
from telebridge.speech_server.voices.voice import Pcm, SpokenWord, SpokenWords

SENTENCE = "We are open from Monday to Friday."
FLOW = f"""
flow: test
start: bye
nodes:
  bye: {{hang_up: "{SENTENCE}"}}
"""


def other_audio_of(text):
    return random.Random(text).randbytes(BYTES_PER_CHARACTER * len(text)).replace(b"\x7f", b"\xfe")


class OtherVoice(KnownVoice):
    """Says each phrase otherwise than `KnownVoice` does."""

    def __init__(self):
        self.said = []

    async def say(self, phrase):
        self.said.append(phrase.text)
        yield Pcm(to_pcm(other_audio_of(phrase.text)))
        words = phrase.text.split()
        each = BYTES_PER_CHARACTER * len(phrase.text) / 8000 / len(words)
        yield SpokenWords(tuple(SpokenWord(word, n * each, (n + 1) * each) for n, word in enumerate(words)))


@pytest.fixture
def stand_in(monkeypatch):
    """The voice of this machine, one whose every byte is known."""
    voice = OtherVoice()
    monkeypatch.setattr(
        "telebridge.app.voice.create_speech_server", lambda: create_app(SpeechServerOptions(voice=voice))
    )
    monkeypatch.setattr("telebridge.app.voice.missing_packages", list)
    return voice


def spoke_well(placed, record):
    """The call took its usual way."""
    assert record.end_reason == "hung up by the flow"
    [utterance] = record.utterances
    assert utterance.interruption is None
    assert "Say" not in [event.detail for event in placed.recording.of_kind(EventKind.TWIML)]


@fault(
    "Rime's first host answers 401 or 500 in the handshake, or takes the text and says nothing.",
    caller="The sentence by the other host, in the same voice.",
    operator="The log line 'a speech provider failed'.",
    kept="Every word.",
)
@pytest.mark.parametrize(
    "faults",
    [SpeechServerFaults(refuse_status=500), SpeechServerFaults(refuse_status=401), SpeechServerFaults(silent=True)],
)
@virtually
async def test_another_host_speaks_where_the_first_one_refuses_or_hangs(tmp_path, faults):
    async with (
        local_rime() as other,
        bridge(tmp_path, FLOW, rime={"faults": faults}, reach={"fallback_urls": [other]}) as stack,
    ):
        placed, record = await stack.call("listen 60s")
    assert b"".join(heard_by(placed)) == audio_of(SENTENCE)
    spoke_well(placed, record)


@fault(
    "Rime answers 503 to everything.",
    caller="The sentence in the voice of this machine.",
    operator="The log line 'a speech provider failed'; the record as usual.",
    kept="Every word.",
)
@virtually
async def test_the_voice_of_this_machine_speaks_where_rime_cannot_be_reached(tmp_path, stand_in):
    async with bridge(
        tmp_path, FLOW, rime={"faults": SpeechServerFaults(refuse_status=503)}, reach={"local_fallback": True}
    ) as stack:
        placed, record = await stack.call("listen 60s")
    assert b"".join(heard_by(placed)) == other_audio_of(SENTENCE)
    spoke_well(placed, record)


@fault(
    "Rime's connection breaks in the middle of a sentence, on either protocol.",
    caller="The rest from the next word, in the voice of this machine.",
    operator="The log line 'a speech provider failed'; one utterance in the record.",
    kept="Every word; none is said twice.",
)
@pytest.mark.parametrize("protocol", ["ws", "ws3"])
@virtually
async def test_a_prompt_that_rime_breaks_off_is_spoken_on_from_the_next_word(tmp_path, stand_in, protocol):
    heard_bytes = BYTES_PER_CHARACTER * len("We are open ") + 800
    async with bridge(
        tmp_path,
        FLOW,
        protocol=protocol,
        rime={"faults": SpeechServerFaults(cut_after_bytes=heard_bytes)},
        reach={"local_fallback": True},
    ) as stack:
        placed, record = await stack.call("listen 60s")
    heard = b"".join(heard_by(placed))
    assert stand_in.said == ["from Monday to Friday."]
    assert heard.endswith(other_audio_of("from Monday to Friday."))
    from_rime = heard[: -len(other_audio_of("from Monday to Friday."))]
    assert audio_of(SENTENCE).startswith(from_rime)
    assert len(from_rime) >= BYTES_PER_CHARACTER * len("We are open ")
    spoke_well(placed, record)


@fault(
    "A prompt was spoken by the voice of this machine, because Rime was away.",
    caller="Rime's voice again the next time.",
    operator="No clip of it in the folder of prompts.",
    kept="The cache: it holds Rime's voice alone.",
)
@pytest.mark.parametrize(("faults", "kept"), [(SpeechServerFaults(), 1), (SpeechServerFaults(refuse_status=503), 0)])
@virtually
async def test_what_the_voice_of_this_machine_said_is_not_kept_for_rime(tmp_path, stand_in, faults, kept):
    async with bridge(tmp_path, FLOW, rime={"faults": faults}, reach={"local_fallback": True}) as stack:
        await stack.call("listen 60s")
    assert len(list((tmp_path / "prompts").rglob("*.clip"))) == kept


@fault(
    "Rime is gone when a prompt is asked for that was spoken before.",
    caller="The prompt in Rime's voice, from the cache.",
    operator="Nothing unusual.",
    kept="The prompt.",
)
@virtually
async def test_a_prompt_heard_before_is_heard_again_though_rime_is_gone(tmp_path):
    async with local_rime() as url, bridge(tmp_path, FLOW, reach={"url": url}) as stack:
        await stack.call("listen 60s")
    async with bridge(tmp_path, FLOW, reach={"url": url, "warm_sockets": 0}) as stack:
        placed, record = await stack.call("listen 60s")
    assert b"".join(heard_by(placed)) == audio_of(SENTENCE)
    spoke_well(placed, record)
