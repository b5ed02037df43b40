"""Prompts are spoken ahead a few at a time, and each is accounted for."""

import asyncio

from support.sources import ScriptedSpeech, speaking

from telebridge.cli.render import AT_ONCE, collected, render
from telebridge.errors import ConfigurationError, SpeechUnavailable
from telebridge.flows.model import Flow
from telebridge.speech.cache.cached_source import CachedSpeech
from telebridge.speech.cache.clip import clip_key
from telebridge.speech.cache.store import ClipStore


def flow(name, *texts, **more):
    nodes = {f"n{number}": {"say": text, "then": "end"} for number, text in enumerate(texts)}
    return Flow.model_validate({"flow": name, "start": "n0", "nodes": {**nodes, "end": {"hang_up": None}}, **more})


def key(text, voice):
    if voice is not None and "wrong" in voice:
        raise ConfigurationError("voice.wrong", "is no parameter of Rime's voices")
    return clip_key(text, voice or {}, maker="test")


def cached(tmp_path, source):
    return CachedSpeech(source, ClipStore(tmp_path / "prompts", max_bytes=1 << 20, memory_bytes=0), key)


async def rendered(flows, speech):
    done = []
    rendering = await render(collected(flows)[0], speech, on_done=lambda: done.append(True))
    assert len(done) == len(rendering.rendered) + len(rendering.kept) + len(rendering.failed)
    return rendering


def texts(prompts):
    return [prompt.prompt.text for prompt in prompts]


def test_a_prompt_that_several_flows_say_is_collected_once():
    static, dynamic = collected([flow("a", "Hi.", "Bye {{ from }}."), flow("b", "Hi.", "Ho.")])
    assert [(each.flow, each.prompt.text) for each in static if each.prompt.node] == [("a", "Hi."), ("b", "Ho.")]
    assert [(name, prompt.reason) for name, prompt in dynamic] == [("a", "depends on from")]


def test_the_same_text_in_two_voices_is_two_prompts():
    static, _ = collected([flow("a", "Hi."), flow("b", "Hi.", speech={"speaker": "luna"})])
    assert texts(static).count("Hi.") == 2


async def test_every_prompt_is_rendered_once_and_then_there(tmp_path):
    source = ScriptedSpeech(speaking())
    flows = [flow("a", "Hi.", "Ho.", apology="Sorry.")]
    first = await rendered(flows, cached(tmp_path, source))
    assert sorted(texts(first.rendered)) == ["Hi.", "Ho.", "Sorry."]
    second = await rendered(flows, cached(tmp_path, source))
    assert sorted(texts(second.kept)) == ["Hi.", "Ho.", "Sorry."]
    assert len(source.texts) == 3


async def test_no_more_than_a_few_are_spoken_at_once(tmp_path):
    under_way, most, full = [], [], asyncio.Event()

    async def script(utterance, text):
        under_way.append(text)
        most.append(len(under_way))
        if len(under_way) == AT_ONCE:
            full.set()
        await full.wait()
        await asyncio.sleep(0.01)
        under_way.remove(text)
        await speaking()(utterance, text)

    await rendered([flow("a", *(f"Text {n}." for n in range(12)))], cached(tmp_path, ScriptedSpeech(script)))
    assert max(most) == AT_ONCE


async def test_what_cannot_be_spoken_is_told_with_the_reason_and_stops_nothing_else(tmp_path):
    async def script(utterance, text):
        error = SpeechUnavailable("Rime is away") if text == "Ho." else None
        utterance.substitute = text == "He."
        await speaking(error=error)(utterance, text)

    flows = [flow("a", "Hi.", "Ho.", "He."), flow("b", "Hu.", speech={"wrong": 1})]
    rendering = await rendered(flows, cached(tmp_path, ScriptedSpeech(script)))
    reasons = {prompt.prompt.text: reason for prompt, reason in rendering.failed if prompt.prompt.node}
    assert reasons == {
        "Ho.": "Rime is away",
        "He.": "another voice stood in for some of it",
        "Hu.": "voice.wrong: is no parameter of Rime's voices",
    }
    assert "Hi." in texts(rendering.rendered)


async def test_what_could_not_be_kept_has_failed(tmp_path):
    (tmp_path / "prompts").write_text("a file where the folder should be")
    rendering = await rendered([flow("a", "Hi.", apology="Hi.")], cached(tmp_path, ScriptedSpeech(speaking())))
    assert rendering.rendered == []
    [(_, reason)] = rendering.failed
    assert "prompts.cache_dir" in reason
