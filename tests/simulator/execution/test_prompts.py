"""Prompts are played as Twilio plays them, and what cannot be played never holds a call up."""

import io

import numpy
import pytest
import soundfile
from support.twiml_application import heard, inbound_call
from support.virtual_time import virtually

from telebridge.audio.mulaw import to_pcm
from telebridge.audio.tones import sine
from telebridge.audio.wav import mulaw_file
from telebridge.simulator.caller.sounds import is_audible
from telebridge.simulator.media.recording import EventKind

TONE = sine(440, 500)


def file_of(form, subtype=None):
    file = io.BytesIO()
    soundfile.write(file, numpy.frombuffer(to_pcm(TONE), "<i2"), 8000, format=form, subtype=subtype)
    return file.getvalue()


def warnings(placed):
    return [event.detail.partition(" ")[0] for event in placed.recording.of_kind(EventKind.WARNING)]


@pytest.mark.parametrize(
    "file", [mulaw_file(TONE), file_of("WAV", "PCM_24"), file_of("MP3")], ids=["mulaw", "24", "mp3"]
)
@virtually
async def test_files_of_every_kind_that_twilio_plays_are_played(file):
    placed, _ = await inbound_call({"voice": "<Response><Play>/tone</Play></Response>", "tone": file})
    assert len(heard(placed)) == pytest.approx(len(TONE), rel=0.2)
    assert is_audible(heard(placed)[1600:1760])
    assert warnings(placed) == []


@pytest.mark.parametrize(("file", "code"), [(404, "11200"), (b"no audio", "12300"), ("<Response/>", "12300")])
@virtually
async def test_what_cannot_be_played_is_skipped_with_a_warning(file, code):
    gather = "<Gather timeout='3'><Play>/gone</Play><Say>Press a key.</Say></Gather>"
    verbs = f"<Response>{gather}<Play>/gone</Play><Redirect>/after</Redirect></Response>"
    placed, application = await inbound_call({"voice": verbs, "gone": file})
    assert application.paths() == ["voice", "gone", "gone", "after", "status"]
    assert warnings(placed) == [code, code]
    assert placed.record.duration_seconds == 4


@pytest.mark.parametrize("prompt", ["<Play loop='0'>/tone</Play>", "<Say loop='0'>Hold the line.</Say>"])
@virtually
async def test_a_prompt_that_loops_for_ever_is_heard_until_the_caller_hangs_up(prompt):
    documents = {"voice": f"<Response>{prompt}<Say>Never.</Say></Response>", "tone": mulaw_file(TONE)}
    placed, _ = await inbound_call(documents, "listen 70s; hang up")
    assert placed.record.duration_seconds == 70
    assert len(heard(placed)) == pytest.approx(70 * 8000, abs=320)
    assert [event.detail for event in placed.recording.of_kind(EventKind.TWIML)] == ["Fetch", prompt[1:5].strip()]


@virtually
async def test_keys_end_a_prompt_that_loops_for_ever():
    gather = "<Response><Gather action='/digits' numDigits='1'><Say loop='0'>Press.</Say></Gather></Response>"
    placed, application = await inbound_call({"voice": gather}, "listen 90s; press 7; listen 60s")
    assert application.fields("digits")[0]["Digits"] == "7"
    assert placed.record.duration_seconds == 90


@virtually
async def test_audio_and_plain_text_are_documents_too():
    placed, _ = await inbound_call({"voice": mulaw_file(TONE)})
    assert heard(placed) == TONE
