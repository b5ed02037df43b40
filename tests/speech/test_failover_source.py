"""Where one voice fails the next speaks on: every way to fail, on virtual time."""

import asyncio

import pytest
from structlog.testing import capture_logs
from support.faults import fault
from support.sources import WORD_MS, ScriptedSpeech, ToldSpeech, speaking, speech_of, word_audio
from support.speech import heard
from support.virtual_time import virtually

from telebridge import metrics
from telebridge.errors import SpeechIncomplete, SpeechRejected, SpeechUnavailable
from telebridge.speech.failover import Provider
from telebridge.speech.failover_source import FailoverSpeech
from telebridge.speech.source import Audio

TEXT = "one two three four five six"
GONE = SpeechUnavailable("gone")


def failing_over(*scripts):
    """Failover over sources `first`, `second`, … by their scripts; the last one is another voice."""
    names = ["first", "second", "third"]
    sources = [each if isinstance(each, ToldSpeech) else ScriptedSpeech(each) for each in scripts]
    providers = [
        Provider(name, source, 3.0, 5.0, same_voice=source is not sources[-1] or len(sources) == 1)
        for name, source in zip(names, sources, strict=False)
    ]
    return FailoverSpeech(providers), sources


def audio_of(text, by=""):
    return b"".join(word_audio(word, by) for word in text.split())


async def for_ever():
    await asyncio.Event().wait()


def now():
    return asyncio.get_running_loop().time()


async def tokens(*texts):
    for text in texts:
        await asyncio.sleep(0)
        yield text


@virtually
async def test_a_first_provider_that_speaks_is_all_that_is_heard():
    speech, (first, second) = failing_over(speaking(), speaking(by="2"))
    stream = speech.speak(TEXT, voice={"speaker": "luna"})
    audio, words = await heard(stream)
    assert audio == audio_of(TEXT)
    assert [word.text for word in words] == TEXT.split()
    assert (first.voices, second.texts) == ([{"speaker": "luna"}], [])
    assert not stream.substitute


@virtually
async def test_a_provider_that_refuses_costs_nothing_but_its_voice():
    speech, _ = failing_over(speaking(after=0, error=GONE), speaking(by="2"))
    stream = speech.speak(TEXT, voice={"speaker": "luna"})
    assert (await heard(stream))[0] == audio_of(TEXT, "2")
    assert stream.substitute
    assert speech.providers[1].source.voices == [{"speaker": "luna"}]


@virtually
async def test_a_second_host_of_the_same_voice_is_no_substitute():
    speech, _ = failing_over(speaking(after=0, error=GONE), speaking(), speaking(by="3"))
    stream = speech.speak(TEXT)
    assert (await heard(stream))[0] == audio_of(TEXT)
    assert not stream.substitute


@fault(
    "A provider takes a text and never speaks.",
    caller="The text by the next provider, after `first_audio_seconds`.",
    operator="The log line 'a speech provider failed'; the synthesis is cleared.",
    kept="Every word.",
)
@virtually
async def test_a_provider_that_hangs_is_let_go_at_its_deadline():
    speech, (first, _) = failing_over(speaking(before=for_ever), speaking(by="2"))
    began = now()
    assert (await heard(speech.speak(TEXT)))[0] == audio_of(TEXT, "2")
    assert now() - began == pytest.approx(3.0)
    assert first.cleared == 1


@pytest.mark.parametrize("count", [1, 3, 5])
@virtually
async def test_a_provider_that_breaks_off_is_continued_at_the_next_word(count):
    speech, _ = failing_over(speaking(after=count, error=GONE), speaking(by="2"))
    stream = speech.speak(TEXT)
    audio, words = await heard(stream)
    spoken, rest = " ".join(TEXT.split()[:count]), " ".join(TEXT.split()[count:])
    assert audio == audio_of(spoken) + audio_of(rest, "2")
    assert [word.text for word in words] == TEXT.split()
    assert [word.start_ms for word in words] == [number * WORD_MS for number in range(6)]
    assert stream.substitute


@fault(
    "A provider without word times breaks off.",
    caller="The rest from about there, at the beginning of a word.",
    operator="The log line 'a speech provider failed'.",
    kept="Every word but perhaps one, which is rather said twice.",
)
@pytest.mark.parametrize("count", [1, 3, 5])
@virtually
async def test_without_times_it_is_continued_near_there_at_a_word(count):
    speech, (_, second) = failing_over(speaking(after=count, error=GONE, timed=False), speaking(by="2"))
    speech.rates[0].ms_per_character = 6 * WORD_MS / len(TEXT)
    await heard(speech.speak(TEXT))
    rest = second.texts[0].split()
    assert TEXT.split()[-len(rest) :] == rest
    assert abs(len(rest) - (6 - count)) <= 1


@virtually
async def test_a_provider_that_falls_silent_is_continued_after_its_patience():
    speech, (first, _) = failing_over(speaking(after=2, then=for_ever), speaking(by="2"))
    began = now()
    audio, words = await heard(speech.speak(TEXT))
    assert audio == audio_of("one two") + audio_of("three four five six", "2")
    assert [word.text for word in words] == TEXT.split()
    assert now() - began == pytest.approx(5.0)
    assert first.cleared == 1


async def by_words(utterance, text, *, seconds, timed):
    for event in speech_of(text, timed=timed):
        if isinstance(event, Audio):
            await asyncio.sleep(seconds)
        utterance.put(event)
    utterance.end()


@pytest.mark.parametrize("timed", [True, False])
@virtually
async def test_a_provider_is_given_its_patience_anew_after_each_chunk_while_it_keeps_up(timed):
    async def slowly(utterance, text):
        await by_words(utterance, text, seconds=1.0, timed=timed)

    speech, (_, second) = failing_over(slowly, speaking(by="2"))
    began = now()
    assert (await heard(speech.speak(TEXT)))[0] == audio_of(TEXT)
    assert now() - began >= 6.0, "the waiting for 1.2 s of audio was 4 s in all"
    assert second.texts == []


@pytest.mark.parametrize("timed", [True, False])
@virtually
async def test_a_provider_whose_audio_only_trickles_is_given_up(timed):
    async def trickling(utterance, text):
        await by_words(utterance, text, seconds=2.0, timed=timed)

    speech, (first, _) = failing_over(trickling, speaking(by="2"))
    began = now()
    audio, words = await heard(speech.speak(TEXT))
    assert now() - began == pytest.approx(2.0 + 3 * 0.2 + 5.0)
    assert first.cleared == 1
    assert audio.startswith(audio_of("one two three"))
    if timed:
        assert audio == audio_of("one two three") + audio_of("four five six", "2")
        assert [word.text for word in words] == TEXT.split()


@virtually
async def test_a_provider_that_left_out_the_end_is_used_once_more_for_it():
    scripts = [speaking(after=2, error=SpeechIncomplete("too little")), speaking()]

    async def script(utterance, text):
        await scripts.pop(0)(utterance, text)

    speech, (first, second) = failing_over(script, speaking(by="2"))
    stream = speech.speak(TEXT)
    audio, words = await heard(stream)
    assert audio == audio_of(TEXT)
    assert [word.text for word in words] == TEXT.split()
    assert (first.texts, second.texts) == ([TEXT, "three four five six"], [])
    assert stream.substitute, "what was put together is not cached"


@virtually
async def test_a_provider_that_leaves_out_the_end_twice_is_continued_by_the_next_and_stays_the_first():
    speech, _ = failing_over(speaking(after=1, error=SpeechIncomplete("too little")), speaking(by="2"))
    with capture_logs() as logged:
        audio, _ = await heard(speech.speak(TEXT))
    assert audio == audio_of("one two") + audio_of("three four five six", "2")
    assert [line["provider"] for line in logged] == ["first", "first"]
    assert speech.order(now=now()) == [0, 1]


@virtually
async def test_a_provider_that_was_tried_twice_without_a_sound_is_not_used_a_third_time():
    speech, (first, _) = failing_over(
        speaking(after=0, error=SpeechIncomplete("nothing", retried=True)), speaking(by="2")
    )
    with capture_logs() as logged:
        assert (await heard(speech.speak(TEXT)))[0] == audio_of(TEXT, "2")
    assert len(first.texts) == len(logged) == 1
    assert speech.order(now=now()) == [0, 1], "another text may well be spoken"


@fault(
    "Every provider fails.",
    caller="The apology, or what a Python flow says instead.",
    operator="The error of the first provider.",
    kept="The line: the wait has an end.",
)
@virtually
async def test_when_all_providers_fail_the_stream_fails_as_the_first_did():
    speech, _ = failing_over(speaking(after=0, error=GONE), speaking(after=0, error=SpeechRejected("no")))
    with pytest.raises(SpeechUnavailable, match="gone"):
        await heard(speech.speak(TEXT))


@virtually
async def test_a_refused_text_goes_to_the_next_provider_and_into_the_log():
    speech, _ = failing_over(speaking(after=0, error=SpeechRejected("too rude")), speaking(by="2"))
    with capture_logs() as logged:
        assert (await heard(speech.speak(TEXT)))[0] == audio_of(TEXT, "2")
    assert [(line["provider"], line["error"]) for line in logged] == [("first", "too rude")]
    assert speech.order(now=now()) == [0, 1], "the next text may be welcome"


@fault(
    "A provider cannot be reached.",
    caller="The next texts at once by the next provider.",
    operator="One attempt for each back-off.",
    kept="The time of the callers, and the first provider: it is used again later.",
)
@pytest.mark.parametrize("error", [GONE, SpeechRejected("who are you?", status=401)])
@virtually
async def test_a_provider_that_cannot_be_reached_is_passed_by_for_a_while(error):
    answers = [speaking(after=0, error=error), speaking()]

    async def script(utterance, text):
        await answers.pop(0)(utterance, text)

    speech, (first, _) = failing_over(script, speaking(by="2"))
    await heard(speech.speak(TEXT))
    assert (await heard(speech.speak(TEXT)))[0] == audio_of(TEXT, "2")
    assert len(first.texts) == 1
    await asyncio.sleep(3.1)
    assert (await heard(speech.speak(TEXT)))[0] == audio_of(TEXT)


@fault(
    "All providers are in their back-off when a text comes.",
    caller="The text, by whichever answers.",
    operator="Each is asked, in its order.",
    kept="The chance that one has recovered.",
)
@virtually
async def test_when_no_provider_is_believed_in_all_are_asked():
    speech, (first, second) = failing_over(speaking(after=0, error=GONE), speaking(after=0, error=GONE))
    for _ in range(2):
        with pytest.raises(SpeechUnavailable):
            await heard(speech.speak(TEXT))
    assert len(first.texts) == len(second.texts) == 2


@virtually
async def test_who_was_passed_by_is_asked_at_last_when_all_others_have_failed():
    answers = [speaking(after=0, error=GONE), speaking()]

    async def recovers(utterance, text):
        await answers.pop(0)(utterance, text)

    spoken = [speaking(by="2"), speaking(after=0, error=GONE)]

    async def wears_out(utterance, text):
        await spoken.pop(0)(utterance, text)

    speech, _ = failing_over(recovers, wears_out)
    assert (await heard(speech.speak(TEXT)))[0] == audio_of(TEXT, "2")
    assert speech.order(now=now()) == [1, 0]
    assert (await heard(speech.speak(TEXT)))[0] == audio_of(TEXT)


@virtually
async def test_after_a_clear_nothing_comes_and_nobody_speaks_on():
    told = ToldSpeech()
    speech, (_, second) = failing_over(told, speaking(by="2"))
    stream = speech.speak(TEXT)
    listener = asyncio.create_task(heard(stream))
    told.last.put(Audio(b"abc"))
    await asyncio.sleep(1)
    stream.clear()
    assert await listener == (b"abc", [])
    assert told.cleared == [0]
    await asyncio.sleep(60)
    assert await heard(stream) == (b"", [])
    assert second.texts == []


@virtually
async def test_what_came_before_a_clear_and_was_not_taken_is_dropped():
    speech, _ = failing_over(speaking())
    stream = speech.speak(TEXT)
    await asyncio.sleep(1)
    assert await anext(stream) == Audio(word_audio("one"))
    stream.clear()
    assert await heard(stream) == (b"", [])


@virtually
async def test_of_a_streamed_text_what_was_not_spoken_is_spoken_on():
    told = ToldSpeech()
    speech, _ = failing_over(told, speaking(by="2"))
    more = asyncio.Event()

    async def author():
        yield "one two three "
        await more.wait()
        yield "four five six"

    stream = speech.speak(author())
    listener = asyncio.create_task(heard(stream))
    first_tokens = told.asked[0][0]
    assert await anext(first_tokens) == "one two three "
    for event in speech_of("one two"):
        told.last.put(event)
    told.last.end(GONE)
    await asyncio.sleep(0)
    more.set()
    audio, words = await listener
    assert audio == audio_of("one two") + audio_of("three four five six", "2")
    assert [word.text for word in words] == TEXT.split()


@fault(
    "A language model takes its time between two tokens.",
    caller="The text as it is written.",
    operator="No failure of a provider.",
    kept="The voice: it is not changed for a slow author.",
)
@virtually
async def test_an_author_who_takes_his_time_is_not_the_voice_falling_silent():
    speech, (_, second) = failing_over(speaking(), speaking(by="2"))

    async def author():
        yield "one "
        await asyncio.sleep(60)
        yield "two"

    assert (await heard(speech.speak(author())))[0] == audio_of("one two")
    assert second.texts == []


@virtually
async def test_a_voice_that_hangs_after_its_author_is_done_is_let_go():
    speech, _ = failing_over(speaking(before=for_ever), speaking(by="2"))
    began = now()
    assert (await heard(speech.speak(tokens("one ", "two"))))[0] == audio_of("one two", "2")
    assert now() - began == pytest.approx(3.0)


@fault(
    "The language model behind a text fails while it is written.",
    caller="What was written before.",
    operator="The model's error; no failure of a provider.",
    kept="The standing of the provider.",
)
@virtually
async def test_an_author_who_fails_is_helped_by_no_other_voice():
    async def reading(utterance, text):
        utterance.end()

    class Reading(ScriptedSpeech):
        async def _run(self, utterance, text):
            try:
                await super()._run(utterance, text)
            except ValueError as error:
                utterance.end(SpeechRejected(f"the text broke off: {error}"))

    async def author():
        yield "one "
        raise ValueError("out of words")

    first, second = Reading(reading), ScriptedSpeech(speaking())
    speech = FailoverSpeech([Provider("first", first, 3.0, 5.0), Provider("second", second, 3.0, 5.0)])
    with pytest.raises(SpeechRejected, match="out of words"):
        await heard(speech.speak(author()))
    assert second.voices == []


@virtually
async def test_a_cleared_stream_lets_its_author_go():
    stopped = []

    async def author():
        try:
            yield "one "
            await for_ever()
        finally:
            stopped.append(True)

    speech, _ = failing_over(speaking())
    stream = speech.speak(author())
    await asyncio.sleep(1)
    stream.clear()
    await asyncio.sleep(0)
    assert stopped == [True]
    assert speech.buffers == set()


@virtually
async def test_closing_closes_every_provider_and_ends_what_is_under_way():
    class Closing(ToldSpeech):
        async def aclose(self):
            await super().aclose()
            for utterance in self.utterances:
                utterance.end(SpeechUnavailable("closed"))

    first, second = Closing(), ToldSpeech()
    speech = FailoverSpeech([Provider("first", first, 3.0, 5.0), Provider("second", second, 3.0, 5.0)])
    stream = speech.speak(TEXT)
    await speech.aclose()
    with pytest.raises(SpeechUnavailable, match="closed"):
        await heard(stream)
    assert first.closed
    assert second.closed
    assert second.asked == []


@virtually
async def test_what_became_of_each_provider_is_counted():
    def counted():
        kinds = [("first", "failed"), ("first", "broke off"), ("first", "spoke"), ("second", "spoke")]
        return [metrics.SPEECH_PROVIDERS.labels(*kind)._value.get() for kind in kinds]

    before = counted()
    speech, _ = failing_over(speaking(after=2, error=GONE), speaking())
    await heard(speech.speak(TEXT))
    speech, _ = failing_over(speaking(after=0, error=GONE), speaking())
    await heard(speech.speak(TEXT))
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [1, 1, 1, 2]
