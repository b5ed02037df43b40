"""Every provider against the local recognizer, on virtual time."""

import asyncio

import pytest
from aiohttp import web
from support.recognition import PATHS, Listened, in_memory, recognizers, said

from telebridge.recognition.source import FinalTranscript, RecognitionRequest
from telebridge.recognition_server.server import RecognitionServerOptions

PROVIDERS = list(PATHS)
SOCKETS = [provider for provider in PROVIDERS if provider != "openai-http"]
ANSWER_SECONDS = 1.5


@pytest.mark.parametrize("provider", PROVIDERS)
@in_memory
async def test_what_the_caller_says_is_heard(provider):
    async with recognizers(provider) as (recognizer, words, _):
        words.say(said("billing please"))
        listened = Listened(recognizer)
        await listened.speak(1000)
        ended = asyncio.get_running_loop().time()
        await asyncio.sleep(1)
        (final,) = listened.finals
        assert (final.utterance, final.text, final.failure) == (1, "billing please", "")
        assert listened.arrived_at[-1] - ended < 0.03
        assert recognizer.available


@pytest.mark.parametrize("provider", SOCKETS)
@in_memory
async def test_partial_transcripts_come_while_the_caller_speaks(provider):
    async with recognizers(provider) as (recognizer, words, _):
        words.say(said("my last bill"))
        listened = Listened(recognizer)
        await listened.speak(1000)
        await asyncio.sleep(0.1)
        assert listened.partials[:3] == ["my", "my last", "my last bill"]


@pytest.mark.parametrize("provider", PROVIDERS)
@in_memory
async def test_each_utterance_has_its_own_transcript(provider):
    async with recognizers(provider) as (recognizer, words, _):
        listened = Listened(recognizer)
        for text in ("one", "", "three"):
            words.say(said(text))
            await listened.speak(500)
            await asyncio.sleep(0.3)
        heard = [(final.utterance, final.text) for final in listened.finals]
        assert heard == [(1, "one"), (2, ""), (3, "three")]


@pytest.mark.parametrize("fault", ["hangs", "garbage"])
@pytest.mark.parametrize("provider", PROVIDERS)
@in_memory
async def test_an_utterance_that_is_not_answered_fails_in_time(provider, fault):
    async with recognizers(provider) as (recognizer, words, _):
        for _ in range(1 + (fault == "garbage" and provider in SOCKETS)):  # over a second connection
            words.say(said("billing", fault=fault, partials=False))
        listened = Listened(recognizer)
        await listened.speak(600)
        ended = asyncio.get_running_loop().time()
        await asyncio.sleep(5)
        (final,) = listened.finals
        assert final.failure
        assert not final.text
        assert listened.arrived_at[-1] - ended <= ANSWER_SECONDS + 0.01
        assert await _hears(recognizer, words, "later")


async def _hears(recognizer, words, text):
    await asyncio.sleep(10)
    words.say(said(text))
    listened = Listened(recognizer)
    await listened.speak(500)
    await asyncio.sleep(0.5)
    return [final.text for final in listened.finals] == [text]


@pytest.mark.parametrize("provider", SOCKETS)
@in_memory
async def test_a_connection_that_closes_in_mid_word_is_replaced(provider):
    async with recognizers(provider) as (recognizer, words, _):
        words.say(said("bil", fault="closes"))
        words.say(said("billing"))
        listened = Listened(recognizer)
        await listened.speak(1000)
        await asyncio.sleep(2)
        assert [(final.text, final.failure) for final in listened.finals] == [("billing", "")]


@pytest.mark.parametrize("status", [401, 429, 503])
@pytest.mark.parametrize("provider", PROVIDERS)
@in_memory
async def test_a_recognizer_that_refuses_is_left_alone_for_a_while(provider, status):
    async with recognizers(provider) as (recognizer, words, _):
        words.refuse_status = status
        listened = Listened(recognizer)
        await listened.speak(600)
        await asyncio.sleep(0.2)
        assert [final.failure != "" for final in listened.finals] == [True]
        assert not recognizer.available
        words.refuse_status = 0
        await asyncio.sleep(65)
        assert recognizer.available


@pytest.mark.parametrize("provider", ["deepgram", "deepgram-flux", "rime"])
@in_memory
async def test_an_answer_that_comes_late_or_twice_is_given_once(provider):
    async with recognizers(provider) as (recognizer, words, _):
        listened = Listened(recognizer)
        words.say(said("first", delay_seconds=3, partials=False))
        await listened.speak(500)
        await asyncio.sleep(4)
        assert [final.failure for final in listened.finals] == ["no answer in time"]
        assert await _hears_twice(recognizer, words)


async def _hears_twice(recognizer, words):
    await asyncio.sleep(10)
    listened = Listened(recognizer)
    words.say(said("second", fault="twice"))
    await listened.speak(500)
    await asyncio.sleep(1)
    return [final.text for final in listened.finals] == ["second"]


@pytest.mark.parametrize("provider", ["openai", "deepgram-flux"])
@in_memory
async def test_a_transcript_that_overtakes_another_is_of_its_own_utterance(provider):
    async with recognizers(provider) as (recognizer, words, _):
        listened = Listened(recognizer)
        words.say(said("first", fault="overtaken"))
        words.say(said("second"))
        await listened.speak(400)
        await asyncio.sleep(0.2)
        await listened.speak(400)
        await asyncio.sleep(0.5)
        assert [(final.utterance, final.text) for final in listened.finals] == [(2, "second"), (1, "first")]


@in_memory
async def test_what_was_heard_so_far_counts_where_the_end_does_not_come():
    async with recognizers("deepgram") as (recognizer, words, _):
        words.say(said("my last bill", fault="hangs"))
        listened = Listened(recognizer)
        await listened.speak(1000)
        await asyncio.sleep(2)
        assert listened.finals == [FinalTranscript(1, "my last bill")]


@pytest.mark.parametrize("provider", ["deepgram", "deepgram-flux"])
@in_memory
async def test_deepgram_is_kept_open_while_the_caller_is_silent(provider):
    async with recognizers(provider) as (recognizer, words, network):
        listened = Listened(recognizer)
        words.say(said("one"))
        await listened.speak(500)
        await asyncio.sleep(60)
        words.say(said("two"))
        await listened.speak(500)
        await asyncio.sleep(1)
        assert [final.text for final in listened.finals] == ["one", "two"]
        assert network._clients == 1, "the first connection was still open"


@pytest.mark.parametrize(("dialect", "audio"), [("ga", "mulaw"), ("ga", "pcm"), ("beta", "mulaw"), ("beta", "pcm")])
@in_memory
async def test_openai_is_spoken_to_in_both_dialects(dialect, audio):
    async with recognizers("openai", dialect=dialect, audio=audio) as (recognizer, words, _):
        words.say(said("billing"))
        listened = Listened(recognizer, RecognitionRequest("en-US", ("billing",)))
        await listened.speak(500)
        await asyncio.sleep(0.5)
        assert [final.text for final in listened.finals] == ["billing"]
        assert listened.partials == ["billing"], "250 ms of audio are 250 ms in every format"


@pytest.mark.parametrize("provider", ["deepgram", "deepgram-flux", "openai", "openai-http", "rime"])
@in_memory
async def test_the_key_is_sent_as_the_provider_wants_it(provider):
    server = RecognitionServerOptions(api_key="k")
    async with recognizers(provider, server=server, api_key="k") as (recognizer, words, _):
        words.say(said("yes"))
        listened = Listened(recognizer)
        await listened.speak(500)
        await asyncio.sleep(0.5)
        assert [final.text for final in listened.finals] == ["yes"]


@pytest.mark.parametrize("provider", PROVIDERS)
@in_memory
async def test_nothing_comes_after_the_end_of_the_question(provider):
    async with recognizers(provider) as (recognizer, words, _):
        words.say(said("billing", delay_seconds=0.5))
        listened = Listened(recognizer)
        await listened.speak(500)
        listened.recognition.close()
        listened.recognition.close()
        before = list(listened.transcripts)
        await asyncio.sleep(3)
        assert listened.transcripts == before


@in_memory
async def test_an_answer_over_http_is_read_to_its_end():
    async def in_pieces(request):
        await request.read()
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (b'{"text":', b'"billing"}'):
            await response.write(piece)
            await asyncio.sleep(0.1)
        return response

    app = web.Application()
    app.router.add_post("/v1/audio/transcriptions", in_pieces)
    async with recognizers("openai-http", app=app) as (recognizer, _, _):
        listened = Listened(recognizer)
        await listened.speak(500)
        await asyncio.sleep(1)
        assert listened.finals == [FinalTranscript(1, "billing")]
