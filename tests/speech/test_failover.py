"""Which voice speaks on, and from which word; told without an event loop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sources import WORD_BYTES, WORD_MS, ToldSpeech, speech_of, word_audio

from telebridge.errors import SpeechRejected, SpeechUnavailable
from telebridge.speech.failover import (
    LONGEST_DELAY_SECONDS,
    USUAL_MS_PER_CHARACTER,
    EndUtterance,
    Failover,
    PassOn,
    Provider,
    ProviderFailed,
    ProviderHealth,
    ProviderStarted,
    SpeakingRate,
    UseProvider,
)
from telebridge.speech.source import Audio, Word, Words

TEXT = "one two three four five six"
GONE = SpeechUnavailable("gone")
PROVIDERS = [
    Provider("first", ToldSpeech(), 3.0, 5.0),
    Provider("second", ToldSpeech(), 2.0, 4.0),
    Provider("third", ToldSpeech(), 10.0, 5.0),
]


def failing_over(text=TEXT, *, order=(0, 1, 2), complete=True, rates=None):
    return Failover(PROVIDERS, rates or [SpeakingRate() for _ in PROVIDERS], order, text, complete=complete)


def fed(failover, events, now=0.0):
    """What the listener gets of these events."""
    effects = [effect for event in events for effect in failover.receive(event, now=now)]
    return [effect.event for effect in effects if isinstance(effect, PassOn)]


def next_start(effects):
    [start] = [effect.start for effect in effects if isinstance(effect, UseProvider)]
    return start


def rest(failover, error=GONE, text=TEXT):
    """The text that the next provider is asked for when this one fails now."""
    return text[next_start(failover.receive_failure(error, now=0.0)) :].strip()


def told(events):
    return [word for event in events if isinstance(event, Words) for word in event.words]


def test_the_first_provider_is_asked_for_the_whole_text():
    failover = failing_over()
    assert failover.start(now=10.0) == [UseProvider(0, 0)]
    assert failover.next_deadline() == 13.0


def test_audio_is_handed_on_at_once_and_the_patience_is_then_another():
    failover = failing_over()
    failover.start(now=10.0)
    second = Audio(bytes(8000))
    assert failover.receive(second, now=11.0) == [ProviderStarted(0), PassOn(second)]
    assert failover.next_deadline() == 16.0
    assert failover.receive(second, now=12.0) == [PassOn(second)]
    assert failover.next_deadline() == 17.0


def test_what_is_missing_of_audio_in_all_is_no_longer_waited_for():
    failover = failing_over()
    failover.start(now=10.0)
    failover.receive(Audio(bytes(8000)), now=11.0)
    failover.receive(Audio(bytes(800)), now=15.0)
    assert failover.next_deadline() == pytest.approx(17.1), "3 s were waited, and 1.1 s are still to be played"
    [failed, _] = failover.handle_timeout(now=17.1)
    assert failed.error.problem == "first stalls: 1.1 s of audio came in 6.1 s"


def test_neither_words_nor_empty_audio_put_the_deadline_off():
    failover = failing_over()
    failover.start(now=10.0)
    failover.receive(Audio(b""), now=11.0)
    assert failover.next_deadline() == 13.0
    failover.receive(Audio(bytes(8000)), now=11.0)
    failover.receive(Audio(b""), now=14.0)
    failover.receive(Words(told(speech_of("one"))), now=14.0)
    assert failover.next_deadline() == 16.0


def test_the_end_of_a_provider_that_spoke_all_is_the_end():
    failover = failing_over()
    failover.start(now=0.0)
    fed(failover, speech_of(TEXT))
    assert failover.receive_end() == [EndUtterance()]
    assert failover.next_deadline() is None


def test_a_provider_that_gives_nothing_by_its_deadline_is_failed_for_the_next():
    failover = failing_over()
    failover.start(now=0.0)
    failed, use = failover.handle_timeout(now=3.0)
    assert (failed.provider, failed.error.problem, failed.started) == (0, "first gave no audio for 3 s", False)
    assert use == UseProvider(1, 0)
    assert failover.next_deadline() == 5.0


def test_a_provider_that_stalls_is_failed_where_it_fell_silent():
    failover = failing_over()
    failover.start(now=0.0)
    fed(failover, speech_of("one two"), now=1.0)
    failed, use = failover.handle_timeout(now=6.0)
    assert (failed.error.problem, failed.started) == ("first gave no audio for 5 s", True)
    assert TEXT[use.start :].strip() == "three four five six"


def test_when_every_provider_failed_the_first_failure_is_told():
    failover = failing_over()
    failover.start(now=0.0)
    failover.receive_failure(GONE, now=0.0)
    failover.receive_failure(SpeechUnavailable("later"), now=0.0)
    error = SpeechRejected("no such voice")
    assert failover.receive_failure(error, now=0.0) == [ProviderFailed(2, error, started=False), EndUtterance(GONE)]


def test_only_the_providers_of_the_order_are_asked():
    failover = failing_over(order=[2])
    assert failover.start(now=0.0) == [UseProvider(2, 0)]
    assert failover.receive_failure(GONE, now=0.0) == [ProviderFailed(2, GONE, started=False), EndUtterance(GONE)]


def test_a_final_failure_asks_nobody_else():
    failover = failing_over()
    failover.start(now=0.0)
    assert failover.receive_failure(GONE, now=0.0, final=True) == [
        ProviderFailed(0, GONE, started=False),
        EndUtterance(GONE),
    ]


def test_a_provider_lost_after_its_last_word_leaves_nothing_to_say():
    failover = failing_over()
    failover.start(now=0.0)
    fed(failover, speech_of(TEXT))
    assert failover.receive_failure(GONE, now=0.0) == [ProviderFailed(0, GONE, started=True), EndUtterance()]


def test_the_word_that_broke_off_is_told_once_though_its_time_came_before_its_audio():
    failover = failing_over()
    failover.start(now=0.0)
    words = Words(told(speech_of(TEXT)))
    heard = fed(failover, [words, Audio(word_audio("one")), Audio(b"half of two")])
    assert [word.text for word in told(heard)] == ["one"]
    assert rest(failover) == "two three four five six"
    assert [word.text for word in told(fed(failover, speech_of("two three")))] == ["two", "three"]


def test_words_of_the_next_provider_come_after_all_audio_of_the_one_before():
    failover = failing_over()
    failover.start(now=0.0)
    fed(failover, [*speech_of("one"), Audio(bytes(WORD_BYTES // 2))])
    failover.receive_failure(GONE, now=0.0)
    [two] = told(fed(failover, speech_of("two")))
    assert two == Word("two", 1.5 * WORD_MS, 2.5 * WORD_MS)


def test_a_third_provider_goes_on_where_the_second_broke_off():
    failover = failing_over()
    failover.start(now=0.0)
    fed(failover, speech_of("one two"))
    assert rest(failover) == "three four five six"
    fed(failover, speech_of("three"))
    assert rest(failover) == "four five six"


def test_a_word_that_comes_twice_in_the_text_is_counted_as_it_was_spoken():
    text = "one and one and one is three"
    failover = failing_over(text)
    failover.start(now=0.0)
    fed(failover, speech_of("one and one"))
    assert rest(failover, text=text) == "and one is three"


@given(st.lists(st.sampled_from(["one", "two", "three", "on", "a", "an"]), min_size=1, max_size=12), st.data())
def test_with_times_the_words_of_all_providers_joined_are_the_text(words, data):
    text = " ".join(words)
    failover = failing_over(text)
    failover.start(now=0.0)
    heard, start = [], 0
    for _ in range(2):
        spoken = text[start:].split()
        count = data.draw(st.integers(0, len(spoken)))
        heard += fed(failover, speech_of(" ".join(spoken[:count])))
        effects = failover.receive_failure(GONE, now=0.0)
        if EndUtterance() in effects:
            break
        start = next_start(effects)
    else:
        heard += fed(failover, speech_of(text[start:]))
    assert [word.text for word in told(heard)] == words
    starts = [word.start_ms for word in told(heard)]
    assert starts == sorted(starts)


def passed(failover, event, now):
    """The effects of an event for a listener that passes audio on by itself while it may."""
    if failover.passes_audio and isinstance(event, Audio):
        failover.audio_passed(len(event.data), now=now)
        return [PassOn(event)]
    return failover.receive(event, now=now)


CHUNK = st.one_of(
    st.integers(1, 4000).map(lambda size: Audio(bytes(size))),
    st.integers(0, 900).map(lambda at: Words((Word("one", at, at + 300),))),
)


@given(st.lists(st.lists(CHUNK, max_size=6), min_size=1, max_size=2), st.booleans(), st.booleans())
def test_audio_that_is_passed_on_unasked_leads_to_the_same_decisions(providers, complete, timed_out):
    one, other = failing_over(complete=complete), failing_over(complete=complete)
    assert one.start(now=0.0) == other.start(now=0.0)
    now = 0.0
    for chunks in providers:
        for chunk in chunks:
            now += 0.1
            assert one.receive(chunk, now=now) == passed(other, chunk, now)
            assert one.next_deadline() == other.next_deadline()
        if timed_out:
            effects, others = one.handle_timeout(now=now + 5), other.handle_timeout(now=now + 5)
            assert repr(effects) == repr(others), "errors are equal when they read the same"
        else:
            assert one.receive_failure(GONE, now=now) == other.receive_failure(GONE, now=now)
    assert one.receive_end() == other.receive_end()


def test_without_times_the_words_are_estimated_by_how_fast_the_voice_speaks():
    failover = failing_over()
    failover.start(now=0.0)
    spoken = len("one two three ")
    fed(failover, [Audio(bytes(round(spoken * USUAL_MS_PER_CHARACTER * 8)))])
    assert rest(failover) == "four five six"


def test_an_estimate_never_leaves_a_text_that_broke_off_without_a_last_word():
    failover = failing_over()
    failover.start(now=0.0)
    fed(failover, [Audio(bytes(1_000_000))])
    assert rest(failover) == "six"


def test_where_times_stop_before_the_audio_does_the_rest_is_estimated():
    failover = failing_over()
    failover.start(now=0.0)
    audio = Audio(bytes(round(len("three ") * USUAL_MS_PER_CHARACTER * 8)))
    fed(failover, [*speech_of("one two"), Audio(audio.data)])
    assert rest(failover) == "four five six"


def test_a_pause_after_the_last_timed_word_is_no_further_word():
    failover = failing_over()
    failover.start(now=0.0)
    fed(failover, [*speech_of("one two"), Audio(bytes(8 * 150))])
    assert rest(failover) == "three four five six"


def test_a_voice_that_is_slow_is_known_to_be():
    rates = [SpeakingRate() for _ in PROVIDERS]
    for _ in range(50):
        failover = failing_over(rates=rates)
        failover.start(now=0.0)
        fed(failover, speech_of(TEXT, timed=False))
        failover.receive_end()
    per_character = 6 * WORD_MS / len(TEXT)
    assert rates[0].ms_per_character == pytest.approx(per_character, rel=0.01)
    assert rates[1].ms_per_character == USUAL_MS_PER_CHARACTER


def test_a_short_text_tells_nothing_about_a_voice():
    rate = SpeakingRate()
    rate.learn(5, 5000)
    assert rate.ms_per_character == USUAL_MS_PER_CHARACTER


def test_while_its_author_writes_no_deadline_runs():
    failover = failing_over("", complete=False)
    failover.start(now=0.0)
    assert failover.next_deadline() is None
    failover.add_text("one two ")
    failover.receive(Audio(b"abc"), now=1.0)
    assert failover.next_deadline() is None
    failover.text_complete(now=60.0)
    assert failover.next_deadline() == 65.0


def test_of_a_streamed_text_the_next_provider_is_asked_for_what_was_written_and_not_spoken():
    failover = failing_over("", complete=False)
    failover.start(now=0.0)
    failover.add_text("one two ")
    failover.add_text("three ")
    fed(failover, speech_of("one two"))
    assert rest(failover, text="one two three ") == "three"


def test_all_that_was_written_may_have_been_spoken_while_more_is_to_come():
    failover = failing_over("", complete=False)
    failover.start(now=0.0)
    failover.add_text("one two ")
    fed(failover, speech_of("one two"))
    assert next_start(failover.receive_failure(GONE, now=0.0)) >= len("one two")


def test_times_that_lie_past_the_audio_are_told_at_the_end():
    failover = failing_over("one")
    failover.start(now=0.0)
    assert told(fed(failover, [Audio(bytes(80)), Words((Word("one", 0.0, 500.0),))])) == []
    assert failover.receive_end() == [PassOn(Words((Word("one", 0.0, 500.0),))), EndUtterance()]


def test_words_alone_are_no_first_audio():
    failover = failing_over()
    failover.start(now=10.0)
    failover.receive(Words(told(speech_of("one"))), now=12.0)
    assert failover.next_deadline() == 13.0


@pytest.mark.parametrize("text", ["Your code is spell(a b c d) thanks", "Say {k1 Ast 0xm b c} thanks"])
def test_markup_that_broke_off_is_spoken_again_as_a_whole(text):
    failover = failing_over(text)
    failover.start(now=0.0)
    opening = min(text.find(mark) for mark in ("spell(", "{") if mark in text)
    fed(failover, [Audio(bytes(round((opening + 11) * USUAL_MS_PER_CHARACTER * 8)))])
    assert rest(failover, text=text) == text[opening:]


# The health of a provider.


def health(jitter=0.0):
    return ProviderHealth(lambda: jitter)


def test_a_provider_that_never_failed_is_available():
    assert health().is_available(now=0.0)


def test_a_provider_that_failed_is_available_again_after_a_delay_that_doubles():
    provider = health()
    assert [provider.request_failed(now=100.0) for _ in range(3)] == [2.0, 4.0, 8.0]
    assert not provider.is_available(now=107.9)
    assert provider.is_available(now=108.0)


def test_the_delay_is_bounded_and_stretched_by_chance():
    provider = health(jitter=1.0)
    assert provider.request_failed(now=0.0) == 3.0
    for _ in range(50):
        last = provider.request_failed(now=0.0)
    assert last == 1.5 * LONGEST_DELAY_SECONDS


def test_one_request_tests_a_failing_provider_while_others_avoid_it():
    provider = health()
    provider.request_failed(now=0.0)
    assert provider.is_available(now=2.0)
    provider.request_started(now=2.0)
    assert not provider.is_available(now=2.0)
    assert provider.is_available(now=4.0), "a caller who hung up shows nothing"


def test_a_success_forgets_all_failures():
    provider = health()
    provider.request_failed(now=0.0)
    provider.request_failed(now=0.0)
    provider.request_succeeded()
    assert provider.is_available(now=0.1)
    assert provider.request_failed(now=1.0) == 2.0
