from telebridge.rime.messages import TimestampsReceived
from telebridge.rime.structured import WordClock


def times(*words):
    names, starts, ends = zip(*words, strict=True)
    return TimestampsReceived(names, starts, ends)


def test_words_of_the_first_synthesis_are_where_they_say():
    [hello, there] = WordClock().words(times(("Hello", 0.0, 0.3), ("there.", 0.3, 0.8)), heard_ms=800)
    assert (hello.start_ms, hello.end_ms) == (0, 300)
    assert (there.start_ms, there.end_ms) == (300, 800)


def test_words_of_the_next_request_follow_the_audio_of_the_one_before():
    clock = WordClock()
    clock.words(times(("One.", 0.0, 0.5)), heard_ms=600)
    clock.synthesis_over(600)
    [word] = clock.words(times(("Two.", 0.0, 0.4)), heard_ms=1000)
    assert (word.start_ms, word.end_ms) == (600, 1000)


def test_a_clock_that_goes_back_begins_a_new_synthesis_after_the_audio_of_the_last():
    clock = WordClock()
    clock.words(times(("One.", 0.0, 0.5)), heard_ms=600)
    [word] = clock.words(times(("Two.", 0.0, 0.4)), heard_ms=1000)
    assert word.start_ms == 600


def test_more_words_of_the_same_synthesis_go_on():
    clock = WordClock()
    clock.words(times(("One", 0.0, 0.5)), heard_ms=500)
    [word] = clock.words(times(("two.", 0.5, 0.9)), heard_ms=900)
    assert word.start_ms == 500
