"""People, televisions and music behind the caller."""

from support.faults import fault
from support.talk import Listener

from telebridge.turns.barge_in import Decision

NOTHING = "nothing"


def talk(loudest, count):
    """The levels of people who talk, frame by frame: each of the last two of eight is softer."""
    return [loudest - (4 if number % 8 > 5 else 0) for number in range(count)]


@fault(
    "People talk in the background from the first sample of the call on",
    caller="the greeting, after 400 ms at the most, and all of it",
    operator=NOTHING,
    kept="the greeting: no word of it is lost",
)
def test_people_who_talk_from_the_first_sample_on_do_not_end_the_greeting():
    for loudest in (-25, -35, -45):
        listener = Listener()
        listener.begin()
        listener.hear(*talk(loudest, 600))
        assert [kind for _, _, kind in listener.decisions] in ([], [Decision.PAUSE, Decision.RESUME])
        assert all(at <= 440 for at, _, _ in listener.decisions)


@fault(
    "A television is switched on while a prompt plays",
    caller="one prompt is cut off, as by a caller; none after it while the television is no louder",
    operator="one interruption by speech in the call's record",
    kept="every prompt after it",
)
def test_a_television_ends_one_prompt_at_the_most():
    listener = Listener(longest_wait_ms=2000.0)
    listener.begin()
    listener.hear(*[-65] * 50, *talk(-35, 100))
    for _ in range(3):
        listener.begin()
        listener.hear(*talk(-35, 300))
    assert [kind for _, _, kind in listener.decisions].count(Decision.COMMIT) == 1


@fault(
    "The people on a television that was on before the call fall silent for a second or two, again and again",
    caller="every prompt, and all of it",
    operator=NOTHING,
    kept="every prompt",
)
def test_a_television_that_catches_its_breath_is_still_the_background():
    listener = Listener()
    listener.begin()
    listener.hear(*(talk(-35, 100) + [-70] * 50) * 2, *(talk(-35, 100) + [-70] * 100) * 3)
    assert [kind for _, _, kind in listener.decisions] in ([], [Decision.PAUSE, Decision.RESUME])


@fault(
    "Somebody talks on and on behind a prompt that yields to speech, louder than before but not by much",
    caller="a pause of 3 s at the most, then the prompt goes on where it was cut",
    operator="a pause of the utterance in the call's record",
    kept="the prompt, and the caller's way in: who speaks up above it is heard",
)
def test_talk_that_takes_no_floor_becomes_the_background():
    listener = Listener()
    listener.begin()
    listener.hear(*[-45, -45, -45, -40] * 50)
    listener.hear(*([-34, -34] + [-41] * 23) * 16)
    kinds = [kind for _, _, kind in listener.decisions]
    assert Decision.COMMIT not in kinds
    assert kinds.count(Decision.PAUSE) == kinds.count(Decision.RESUME)
    assert listener.hear(*[-20] * 60)[-1:] == [Decision.COMMIT]


@fault(
    'The caller says "hello?" before the greeting sounds',
    caller="the greeting, which waits for the end of it for 400 ms at the most; a moment later they can interrupt",
    operator="a pause of the utterance in the call's record, where the greeting had begun",
    kept="the caller's own voice is not taken for their background",
)
def test_a_hello_is_not_taken_for_the_background():
    listener = Listener()
    listener.begin()
    listener.hear(*talk(-25, 25), *[-65] * 50)
    assert listener.hear(*talk(-25, 40)) == [Decision.PAUSE, Decision.COMMIT]


@fault(
    "The caller talks over people in the background, 10 dB louder than they are",
    caller="the prompt falls silent, and the floor is theirs",
    operator="an interruption by speech in the call's record",
    kept="what the caller says, from before the first syllable",
)
def test_a_caller_who_rises_above_the_background_is_heard():
    for loudest in (-45, -35, -25):
        listener = Listener()
        listener.begin()
        listener.hear(*talk(loudest, 200))
        assert listener.hear(*talk(loudest + 10, 60)) == [Decision.PAUSE, Decision.COMMIT]


@fault(
    "The caller stops talking while people go on in the background",
    caller="the next prompt within a second, not after ten",
    operator=NOTHING,
    kept="the next prompt",
)
def test_the_background_does_not_pass_for_a_caller_who_never_stops():
    listener = Listener()
    listener.begin()
    listener.hear(*talk(-40, 200))
    assert listener.hear(*talk(-25, 60)) == [Decision.PAUSE, Decision.COMMIT]
    listener.begin()
    assert listener.hear(*talk(-40, 50)) == [Decision.RESUME]


@fault(
    "A prompt begins while people whom nobody listened to are talking",
    caller="the prompt: it is never ended in its first 500 ms by who talked before it",
    operator=NOTHING,
    kept="the prompt",
)
def test_who_talked_before_the_prompt_does_not_end_it():
    listener = Listener()
    listener.hear(*[-65] * 50, *talk(-30, 10))
    listener.begin()
    listener.hear(*talk(-30, 400))
    assert Decision.COMMIT not in [kind for _, _, kind in listener.decisions]
