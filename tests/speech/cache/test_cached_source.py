"""A prompt is spoken once: for all who ask at the same time, and for all who ask later."""

import asyncio

import pytest
from support.sources import ScriptedSpeech, ToldSpeech, speaking
from support.speech import heard
from support.virtual_time import virtually

from telebridge import metrics
from telebridge.errors import ConfigurationError, SpeechRejected, SpeechUnavailable
from telebridge.speech.cache.cached_source import LONGEST_CHARACTERS, CachedSpeech
from telebridge.speech.cache.clip import Clip, clip_key
from telebridge.speech.cache.store import ClipStore
from telebridge.speech.source import Audio, Word, Words

TEXT = "We are open."


def key(text, voice):
    if voice is not None and "wrong" in voice:
        raise ConfigurationError("voice.wrong", "is no parameter")
    return clip_key(text, voice or {}, maker="test")


def cached(tmp_path, source, *, clips=None, **options):
    return CachedSpeech(source, clips or store(tmp_path), key, **options)


def store(tmp_path):
    return ClipStore(tmp_path / "prompts", max_bytes=1 << 20)


async def until(condition):
    """Let others run, threads among them, until it is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the work is done by threads
            await asyncio.sleep(0.001)


async def made(speech, source, text=TEXT, audio=b"abc", words=(), **options):
    """Have a text spoken and cached; gives what its first listener heard."""
    stream = speech.speak(text, **options)
    count = len(source.utterances)
    await until(lambda: len(source.utterances) > count)
    for each in words:
        source.last.put(Words((each,)))
    source.last.put(Audio(audio))
    source.last.end()
    told = await heard(stream)
    await speech.wait()
    return told


async def test_a_text_is_spoken_once_and_then_from_its_clip(tmp_path):
    source = ToldSpeech()
    speech = cached(tmp_path, source)
    word = Word("We", 0.0, 1.0)
    first = await made(speech, source, words=[word])
    assert first == (b"abc", [word]) == await heard(speech.speak(TEXT))
    assert source.asked == [(TEXT, None)]


async def test_a_clip_in_memory_comes_whole_within_one_turn_of_the_loop(tmp_path):
    source = ToldSpeech()
    speech = cached(tmp_path, source)
    await made(speech, source)
    stream = speech.speak(TEXT)
    pulled = stream.__anext__()
    with pytest.raises(StopIteration) as stopped:  # a coroutine that never gave control away
        pulled.send(None)
    assert stopped.value.value == Audio(b"abc")


async def test_another_process_speaks_from_the_same_clips_with_nobody_to_reach(tmp_path):
    source, unreachable = ToldSpeech(), ToldSpeech()
    await made(cached(tmp_path, source), source)
    assert await heard(cached(tmp_path, unreachable).speak(TEXT)) == (b"abc", [])
    assert unreachable.asked == []


async def test_a_hundred_who_ask_at_once_have_it_made_once_and_hear_it_as_it_comes(tmp_path):
    source = ToldSpeech()
    speech = cached(tmp_path, source)
    streams = [speech.speak(TEXT) for _ in range(100)]
    await until(lambda: source.utterances)
    source.last.put(Audio(b"abc"))
    assert [await anext(stream) for stream in streams] == [Audio(b"abc")] * 100, "before it is complete"
    source.last.put(Audio(b"def"))
    source.last.end()
    assert [await heard(stream) for stream in streams] == [(b"def", [])] * 100
    assert len(source.asked) == 1


async def test_who_asks_late_hears_what_has_come_so_far_first(tmp_path):
    source = ToldSpeech()
    speech = cached(tmp_path, source)
    first = speech.speak(TEXT)
    await until(lambda: source.utterances)
    source.last.put(Audio(b"abc"))
    assert await anext(first) == Audio(b"abc")
    late = speech.speak(TEXT)
    assert await anext(late) == Audio(b"abc")
    source.last.put(Audio(b"def"))
    source.last.end()
    assert await heard(late) == (b"def", []) == await heard(first)


async def test_one_listener_who_clears_stops_it_for_nobody_else(tmp_path):
    source = ToldSpeech()
    speech = cached(tmp_path, source)
    gone, stays = speech.speak(TEXT), speech.speak(TEXT)
    await until(lambda: source.utterances)
    source.last.put(Audio(b"abc"))
    await anext(gone)
    gone.clear()
    source.last.put(Audio(b"def"))
    source.last.end()
    assert await heard(gone) == (b"", [])
    assert await heard(stays) == (b"abcdef", [])


@pytest.mark.parametrize("text", [TEXT, "word " * 390])
async def test_a_text_that_nobody_hears_is_cleared_within_the_listeners_call(tmp_path, text):
    source = ToldSpeech()
    speech = cached(tmp_path, source)
    stream = speech.speak(text)
    await until(lambda: source.utterances)
    stream.clear()
    assert source.cleared == [0]
    assert await heard(stream) == (b"", [])
    again = speech.speak(text)
    await until(lambda: len(source.utterances) == 2)
    source.last.put(Audio(b"abc"))
    source.last.end()
    assert await heard(again) == (b"abc", [])


async def test_a_text_of_which_one_listener_is_left_goes_on_for_that_one_and_is_cached(tmp_path):
    source = ToldSpeech()
    speech = cached(tmp_path, source)
    gone, stays = speech.speak(TEXT), speech.speak(TEXT)
    await until(lambda: source.utterances)
    gone.clear()
    assert source.cleared == []
    source.last.put(Audio(b"abc"))
    source.last.end()
    assert await heard(stays) == (b"abc", []) == await heard(speech.speak(TEXT))
    await speech.wait()
    assert len(source.asked) == 1


async def test_a_text_that_was_cleared_before_it_was_requested_is_not(tmp_path):
    source = ToldSpeech()
    speech = cached(tmp_path, source)
    speech.speak(TEXT).clear()
    await speech.wait()
    assert source.asked == []
    assert await made(speech, source) == (b"abc", [])


async def test_a_failure_reaches_every_listener_and_nothing_incomplete_is_cached(tmp_path):
    source = ToldSpeech()
    speech = cached(tmp_path, source)
    streams = [speech.speak(TEXT) for _ in range(3)]
    await until(lambda: source.utterances)
    source.last.put(Audio(b"abc"))
    source.last.end(SpeechUnavailable("gone"))
    for stream in streams:
        assert await anext(stream) == Audio(b"abc")
        with pytest.raises(SpeechUnavailable, match="gone"):
            await anext(stream)
    assert await made(speech, source, audio=b"whole") == (b"whole", [])
    assert len(source.asked) == 2


async def test_a_fault_of_ours_reaches_the_listener_as_a_refusal(tmp_path):
    class Broken(ToldSpeech):
        def speak(self, text, *, voice=None):
            raise ValueError("a bug")

    with pytest.raises(SpeechRejected, match="a bug"):
        await heard(cached(tmp_path, Broken()).speak(TEXT))


async def test_what_another_voice_spoke_is_heard_but_not_cached(tmp_path):
    source = ToldSpeech()
    speech = cached(tmp_path, source)
    stream = speech.speak(TEXT)
    await until(lambda: source.utterances)
    source.last.substitute = True
    source.last.put(Audio(b"espeak"))
    source.last.end()
    assert await heard(stream) == (b"espeak", [])
    assert stream.substitute
    assert await made(speech, source, audio=b"rime") == (b"rime", [])


async def test_silence_is_not_cached(tmp_path):
    source = ToldSpeech()
    speech = cached(tmp_path, source)
    assert await made(speech, source, audio=b"") == (b"", [])
    assert not await speech.is_cached(TEXT)


async def test_each_voice_has_a_clip_of_its_own(tmp_path):
    source = ToldSpeech()
    speech = cached(tmp_path, source)
    await made(speech, source, audio=b"astra")
    await made(speech, source, audio=b"luna", voice={"speaker": "luna"})
    assert await heard(speech.speak(TEXT)) == (b"astra", [])
    assert await heard(speech.speak(TEXT, voice={"speaker": "luna"})) == (b"luna", [])
    assert [voice for _, voice in source.asked] == [None, {"speaker": "luna"}]


async def test_wrong_parameters_are_for_the_source_to_refuse(tmp_path):
    source = ToldSpeech()
    stream = cached(tmp_path, source).speak(TEXT, voice={"wrong": 1})
    assert stream is source.last


async def test_token_streams_and_very_long_texts_go_straight_through(tmp_path):
    source = ToldSpeech()
    speech = cached(tmp_path, source)

    async def tokens():
        yield "never read here"

    assert speech.speak(tokens()) is source.last
    assert speech.speak("a" * (LONGEST_CHARACTERS + 1)) is source.last


async def test_closing_ends_what_is_under_way_and_closes_the_source(tmp_path):
    source = ToldSpeech()
    speech = cached(tmp_path, source)
    begun = speech.speak(TEXT)
    await until(lambda: source.utterances)
    not_begun = speech.speak("Another.")
    await speech.aclose()
    for stream in (begun, not_begun):
        with pytest.raises(SpeechUnavailable):
            await anext(stream)
    assert source.closed
    assert source.cleared == [0]


@virtually
async def test_a_process_waits_a_little_for_another_that_is_making_the_clip(tmp_path):
    source, ours = ToldSpeech(), store(tmp_path)
    theirs = store(tmp_path)
    await theirs.find_or_lock(key(TEXT, None))
    stream = cached(tmp_path, source, clips=ours).speak(TEXT)
    await asyncio.sleep(0.1)
    await theirs.write(key(TEXT, None), Clip(b"theirs"))
    assert await heard(stream) == (b"theirs", [])
    assert source.asked == []


@virtually
async def test_a_process_that_waited_long_enough_speaks_itself(tmp_path):
    source = ScriptedSpeech(speaking())
    await store(tmp_path).find_or_lock(key(TEXT, None))
    before = asyncio.get_running_loop().time()
    audio, _ = await heard(cached(tmp_path, source, wait_seconds=0.3).speak(TEXT))
    assert audio
    assert asyncio.get_running_loop().time() - before == pytest.approx(0.35, abs=0.06)


async def test_the_lock_is_released_whatever_becomes_of_the_clip(tmp_path):
    source, ours = ToldSpeech(), store(tmp_path)
    speech = cached(tmp_path, source, clips=ours)
    stream = speech.speak(TEXT)
    await until(lambda: source.utterances)
    assert await store(tmp_path).find_or_lock(key(TEXT, None)) == (None, False)
    source.last.end(SpeechUnavailable("gone"))
    with pytest.raises(SpeechUnavailable):
        await heard(stream)
    await speech.wait()
    assert await store(tmp_path).find_or_lock(key(TEXT, None)) == (None, True)


async def test_a_full_disk_never_breaks_a_call(tmp_path):
    (tmp_path / "prompts").write_text("a file where the folder should be")
    source = ToldSpeech()
    speech = cached(tmp_path, source)
    assert await made(speech, source) == (b"abc", [])
    assert await heard(speech.speak(TEXT)) == (b"abc", []), "from memory"


async def test_it_is_counted_where_each_text_was_found(tmp_path):
    def counted():
        return [metrics.CLIPS.labels(found)._value.get() for found in ("made", "shared", "memory", "disk")]

    source, before = ToldSpeech(), counted()
    speech = cached(tmp_path, source)
    shared = [speech.speak(TEXT), speech.speak(TEXT)]
    await until(lambda: source.utterances)
    source.last.put(Audio(b"abc"))
    shared.append(speech.speak(TEXT))
    source.last.end()
    for stream in shared:
        await heard(stream)
    await heard(speech.speak(TEXT))
    await speech.wait()
    await heard(cached(tmp_path, source).speak(TEXT))
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [1, 2, 1, 1]
