"""Pauses, speeds and spelling: R42, R44, R45."""

import json

import pytest
from support.rime_client import PLAIN, opened, until_closed
from support.speech import local_rime
from support.virtual_time import virtually

from telebridge.speech_server.voices.tone import ToneVoice

SPEAKER = "speaker=astra"
MULAW = "audioFormat=mulaw&samplingRate=8000"


async def spoken(text, query, **options):
    async with local_rime(voice=ToneVoice(), **options) as url, opened(url, query=query) as socket:
        await socket.send(text)
        await socket.send("<EOS>")
        received, _ = await until_closed(socket)
        return b"".join(received)


@virtually
async def test_r42_a_pause_is_silence_where_it_was_asked_for():
    def query(wanted):
        return f"{PLAIN}&segment=never&pauseBetweenBrackets={wanted}"

    long = len(await spoken("a <1000> b", query("true")))
    none = len(await spoken("a <0> b", query("true")))
    off = len(await spoken("a <1000> b", query("false")))
    assert long - none == 8000
    assert off == none


@pytest.mark.parametrize(
    ("model", "longer"), [("mist", True), ("mistv2", True), ("mistv3", False), ("coda", False), ("arcana", False)]
)
@virtually
async def test_r44_speed_means_the_opposite_on_older_mist(model, longer):
    query = f"{SPEAKER}&modelId={model}&{MULAW}"
    usual = len(await spoken("Hello there.", query))
    changed = len(await spoken("Hello there.", f"{query}&speedAlpha=2"))
    assert (changed > usual) is longer


@virtually
async def test_r44_the_time_scale_makes_it_longer_and_is_clamped():
    query = f"{SPEAKER}&modelId=coda&{MULAW}&segment=never"
    sizes = [len(await spoken("Hello there", f"{query}&timeScaleFactor={scale}")) for scale in (1, 2, 2.5, 100)]
    assert sizes[1] == pytest.approx(2 * sizes[0], rel=0.05)
    assert sizes[3] == sizes[2]


@virtually
async def test_r44_single_words_have_speeds_of_their_own_on_mist():
    usual = len(await spoken("say [this] and [that]", f"{PLAIN}&segment=never"))
    slow = len(await spoken("say [this] and [that]", f"{PLAIN}&segment=never&inlineSpeedAlpha=3,1"))
    assert slow > usual * 1.3


@virtually
async def test_r45_spelling_says_the_units_one_by_one():
    query = PLAIN.replace("/ws", "/ws2") + "&segment=never"
    async with local_rime(voice=ToneVoice()) as url, opened(url, "/ws2", query) as socket:
        await socket.send(json.dumps({"text": "Code spell(AB12.4)"}))
        await socket.send('{"operation":"eos"}')
        messages = [json.loads(message) for message in (await until_closed(socket))[0]]
        [times] = [each["word_timestamps"] for each in messages if each["type"] == "timestamps"]
        assert times["words"] == ["Code", "A", "B,", "1", "2,", "dot,", "4"]
