"""The local recognizer that hears for itself, by each protocol, with a bridge at the other end."""

import asyncio
from io import BytesIO

import aiohttp
import pytest
from support.recognition import PATHS, Listened, in_memory, recognizers

from telebridge.audio.levels import dbfs
from telebridge.audio.mulaw import FRAME_MS, frames, silence
from telebridge.audio.tones import sine
from telebridge.audio.wav import write
from telebridge.recognition.source import FinalTranscript
from telebridge.recognition.whole_utterances import WholeUtteranceRecognizer
from telebridge.recognition_server.script import ScriptedWords
from telebridge.recognition_server.server import RecognitionServerOptions

VOICE = sine(200, 600)
LOUD_DBFS = -30.0


class Ear(WholeUtteranceRecognizer):
    """Hears how long the sound is, in tenths of a second, with 100 ms of thinking; early where `early`."""

    def __init__(self, *, early=False):
        super().__init__()
        self.hears_pauses = early
        self.closed = False

    async def transcribe(self, utterance, request, mulaw, unwanted):
        await asyncio.sleep(0.1)
        loud_ms = FRAME_MS * sum(dbfs(frame) > LOUD_DBFS for frame in frames(mulaw))
        return FinalTranscript(utterance, " ".join(["word"] * round(loud_ms / 100)), 0.8)

    async def aclose(self):
        await super().aclose()
        self.closed = True


async def say(listened, *audio):
    listened.recognition.begin_speech()
    for each in audio:
        for at in range(0, len(each), 160):
            listened.recognition.feed(each[at : at + 160])
            await asyncio.sleep(0.02)
    listened.recognition.end_speech()


@pytest.mark.parametrize("provider", PATHS)
@in_memory
async def test_a_voice_is_heard_by_each_protocol_utterance_by_utterance(provider):
    ear = Ear()
    async with recognizers(provider, server=RecognitionServerOptions(recognizer=ear)) as (recognizer, _, _):
        listened = Listened(recognizer)
        for voice in (VOICE, VOICE[: len(VOICE) // 2]):
            await say(listened, silence(200), voice, silence(400))
            await asyncio.sleep(0.7)
        assert [(each.utterance, len(each.text.split()), each.failure) for each in listened.finals] == [
            (1, 6, ""),
            (2, 3, ""),
        ]
    assert ear.closed


@pytest.mark.parametrize("provider", PATHS)
@in_memory
async def test_silence_has_no_words(provider):
    async with recognizers(provider, server=RecognitionServerOptions(recognizer=Ear())) as (recognizer, _, _):
        listened = Listened(recognizer)
        await say(listened, silence(800))
        await asyncio.sleep(1.6)
        assert [(each.text, each.failure) for each in listened.finals] == [("", "")]


@pytest.mark.parametrize("provider", [each for each in PATHS if each != "openai-http"])
@in_memory
async def test_what_is_heard_at_a_pause_is_a_partial_transcript(provider):
    async with recognizers(provider, server=RecognitionServerOptions(recognizer=Ear(early=True))) as (recognizer, _, _):
        listened = Listened(recognizer)
        await say(listened, silence(200), VOICE, silence(600))
        assert listened.partials[-1].split() == ["word"] * 6
        await asyncio.sleep(0.5)
        assert [len(each.text.split()) for each in listened.finals] == [6]


@pytest.mark.parametrize("provider", PATHS)
@in_memory
async def test_what_was_told_is_heard_in_place_of_the_sound(provider):
    async with recognizers(provider, server=RecognitionServerOptions(recognizer=Ear())) as (recognizer, words, _):
        listened = Listened(recognizer)
        words.say(ScriptedWords("billing"))
        await say(listened, VOICE, silence(400))
        await asyncio.sleep(0.7)
        await say(listened, VOICE, silence(400))
        await asyncio.sleep(0.7)
        assert [each.text.split() for each in listened.finals] == [["billing"], ["word"] * 6]


@pytest.mark.parametrize(
    ("query", "status"),
    [("encoding=mulaw&sample_rate=0", 400), ("encoding=linear16&sample_rate=99999999", 400), ("encoding=opus", 400)],
)
@pytest.mark.parametrize("path", ["v1/listen?", "v2/listen?model=flux-general-en&"])
@in_memory
async def test_a_format_that_is_none_is_refused(path, query, status):
    async with recognizers("deepgram"):
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"ws://127.0.0.1:9003/{path}{query}")
        assert refused.value.status == status


@in_memory
async def test_a_file_that_is_no_audio_is_refused_and_the_next_one_is_heard():
    server = RecognitionServerOptions(recognizer=Ear())
    sound = BytesIO()
    write(sound, VOICE)
    async with recognizers("openai-http", server=server), aiohttp.ClientSession() as session:
        answers = []
        for content in (b"no audio", sound.getvalue()):
            form = aiohttp.FormData({"model": "whisper-1"})
            form.add_field("file", content, filename="speech.wav")
            async with session.post("http://127.0.0.1:9003/v1/audio/transcriptions", data=form) as response:
                answers.append((response.status, await response.json()))
        assert answers[0][0] == 400
        assert answers[0][1]["error"]["type"] == "invalid_request_error"
        assert answers[1][1]["text"].split() == ["word"] * 6
