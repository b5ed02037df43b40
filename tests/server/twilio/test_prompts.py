"""A prompt as a file: for whoever knows its address, once spoken, and never at the cost of calls."""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from support.bridge import bridge
from support.faults import fault
from support.sources import ToldSpeech
from support.speech import audio_of, serving
from support.virtual_time import virtually

from telebridge.audio.wav import mulaw_file
from telebridge.errors import SpeechRejected, SpeechUnavailable
from telebridge.server.twilio.prompts import LONGEST_SECONDS, MOST_WAITING, PromptHandler
from telebridge.speech.source import Audio, Word, Words
from telebridge.twilio.signed_urls import PromptTokens

FLOW = "flow: test\nstart: bye\nnodes:\n  bye: {hang_up: Goodbye.}\n"
TOKENS = PromptTokens("secret")


class ReadySpeech(ToldSpeech):
    """Speaks at once: these events, and this end."""

    def __init__(self, *events, error=None, substitute=False):
        super().__init__()
        self.events, self.error, self.substitute = events, error, substitute

    def speak(self, text, *, voice=None):
        utterance = super().speak(text, voice=voice)
        utterance.substitute = self.substitute
        for event in self.events:
            utterance.put(event)
        utterance.end(self.error)
        return utterance


@asynccontextmanager
async def prompts(source, **options):
    """Gives a function that asks the handler for a path."""
    app = web.Application()
    app.router.add_get("/prompts/{signed}.wav", PromptHandler(source, TOKENS, **options).prompt)
    async with serving(app) as url, aiohttp.ClientSession() as session:

        async def ask(signed, method="GET", **headers):
            async with session.request(method, f"{url}/prompts/{signed}.wav", headers=headers) as answer:
                return answer, await answer.read()

        yield ask


@virtually
async def test_a_signed_prompt_is_a_wav_file_of_what_the_bridge_speaks(tmp_path):
    async with bridge(tmp_path, FLOW) as stack, aiohttp.ClientSession() as session:
        path = f"/prompts/{TOKENS.issue('We are open.', {})}.wav"
        for _ in range(2):
            async with session.get(stack.url + path) as answer:
                assert answer.status == 200
                assert answer.content_type == "audio/wav"
                assert await answer.read() == mulaw_file(audio_of("We are open."))
    assert len(list((tmp_path / "prompts").rglob("*.clip"))) == 1


async def test_the_file_may_be_kept_and_asked_for_again_by_its_tag():
    source = ReadySpeech(Words((Word("a", 0, 1),)), Audio(b"ab"), Audio(b"c"))
    async with prompts(source) as ask:
        signed = TOKENS.issue("Hello.", {"speaker": "luna"})
        answer, body = await ask(signed)
        assert body == mulaw_file(b"abc")
        assert answer.headers["Content-Length"] == str(len(body))
        assert answer.headers["Cache-Control"] == "public, max-age=86400"
        tag = answer.headers["ETag"]
        assert tag.startswith('"')
        again, nothing = await ask(signed, **{"If-None-Match": tag})
        assert (again.status, nothing, again.headers["ETag"]) == (304, b"", tag)
        other, _ = await ask(signed, **{"If-None-Match": '"other"'})
        assert other.status == 200
    assert source.asked[0] == ("Hello.", {"speaker": "luna"})


async def test_head_tells_what_get_would_without_the_body():
    async with prompts(ReadySpeech(Audio(b"abc"))) as ask:
        signed = TOKENS.issue("Hello.", {})
        head, nothing = await ask(signed, "HEAD")
        get, _ = await ask(signed)
    assert (head.status, nothing) == (200, b"")
    for name in ("Content-Length", "ETag", "Cache-Control", "Content-Type"):
        assert head.headers[name] == get.headers[name]


async def test_what_another_voice_spoke_is_heard_and_not_kept():
    async with prompts(ReadySpeech(Audio(b"abc"), substitute=True)) as ask:
        answer, body = await ask(TOKENS.issue("Hello.", {}))
    assert (answer.status, answer.headers["Cache-Control"], body) == (200, "no-store", mulaw_file(b"abc"))


@fault(
    "Somebody makes up the address of a prompt.",
    caller="Nothing.",
    operator="The answer 404 with a problem document.",
    kept="Rime's bill: nothing is spoken.",
)
async def test_an_address_that_was_not_signed_is_not_there_and_nothing_is_spoken():
    source = ReadySpeech(Audio(b"abc"))
    async with prompts(source) as ask:
        answer, body = await ask(TOKENS.issue("Hello.", {})[:-1])
    assert (answer.status, answer.content_type) == (404, "application/problem+json")
    assert b"the prompt's address is forged" in body
    assert source.asked == []


@fault(
    "Rime fails while Twilio fetches a prompt by its address.",
    caller="What Twilio does without the file.",
    operator="The answer 503 in one line.",
    kept="The next request.",
)
async def test_speech_that_fails_is_told_in_one_line():
    for error in (SpeechUnavailable("Rime is away"), SpeechRejected("no such voice")):
        source = ReadySpeech(Audio(b"abc"), error=error)
        async with prompts(source) as ask:
            answer, body = await ask(TOKENS.issue("Hello.", {}))
        assert (answer.status, answer.content_type) == (503, "application/problem+json")
        assert str(error).encode() in body
        assert b"\n" not in body


@fault(
    "Rime hangs while Twilio fetches a prompt by its address.",
    caller="What Twilio does without the file.",
    operator="The answer 503 with the limit in seconds.",
    kept="The synthesis is cleared, and holds no place.",
)
@virtually
async def test_speech_that_hangs_is_told_and_let_go():
    source = ToldSpeech()
    async with prompts(source) as ask:
        answer, body = await ask(TOKENS.issue("Hello.", {}))
    assert answer.status == 503
    assert f"longer than {LONGEST_SECONDS:g} s".encode() in body
    assert source.cleared == [0]


@fault(
    "A crowd fetches prompts at once.",
    caller="Their prompt, in turn.",
    operator="The answer 503 'too many' beyond the bound.",
    kept="The places of live calls at Rime.",
)
@virtually
async def test_only_so_many_prompts_are_spoken_at_once_and_only_so_many_may_wait():
    source = ToldSpeech()
    async with prompts(source, at_once=2) as ask:
        asked = [asyncio.create_task(ask(TOKENS.issue("Hello.", {}))) for _ in range(MOST_WAITING)]
        await asyncio.sleep(1)
        assert len(source.asked) == 2
        answer, body = await ask(TOKENS.issue("Hello.", {}))
        assert (answer.status, b"too many" in body) == (503, True)
        source.utterances[0].end()
        await asyncio.sleep(1)
        assert len(source.asked) == 3
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
