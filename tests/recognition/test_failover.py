"""A second recognizer hears what the first one fails to, as long as nobody waits for it."""

import asyncio

from support.recognition import PATHS, Listened, in_memory, recognizers, said

from telebridge.recognition.failover import FailoverRecognizer
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.providers import open_recognizer

NOBODY = "ws://127.0.0.1:9004/v1/listen"


def first(url):
    return open_recognizer(RecognizerOptions("deepgram", url))


@in_memory
async def test_the_second_one_hears_where_the_first_is_away():
    async with recognizers("openai") as (second, words, _):
        both = FailoverRecognizer([first(NOBODY), second])
        listened = Listened(both)
        for text in ("one", "two"):
            words.say(said(text))
            await listened.speak(500)
            await asyncio.sleep(0.5)
        assert [(final.utterance, final.text) for final in listened.finals] == [(1, "one"), (2, "two")]
        assert both.available


@in_memory
async def test_a_failure_that_comes_late_is_told_and_the_next_utterance_is_heard():
    async with recognizers("openai") as (second, words, _):
        both = FailoverRecognizer([first(PATHS["deepgram"]), second])
        listened = Listened(both)
        words.say(said("one", fault="hangs", partials=False))
        await listened.speak(500)
        await asyncio.sleep(1.6)
        assert [final.failure for final in listened.finals] == ["no answer in time"]
        words.say(said("two"))
        await listened.speak(500)
        await asyncio.sleep(0.5)
        assert listened.finals[-1].text == "two"
        await both.aclose()


@in_memory
async def test_where_both_are_away_nobody_is_asked_for_words():
    both = FailoverRecognizer([first(NOBODY), first(NOBODY)])
    listened = Listened(both)
    await listened.speak(500)
    await asyncio.sleep(0.3)
    assert [bool(final.failure) for final in listened.finals] == [True]
    assert not both.available
    listened.recognition.close()
    await both.aclose()
