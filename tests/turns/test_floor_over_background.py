"""Whose talk takes the floor: what was there first, and what does not rise above it, never; what does, always."""

from hypothesis import given, settings
from hypothesis import strategies as st
from support.talk import Listener

from telebridge.turns.barge_in import Decision

levels = st.integers(min_value=-60, max_value=-20)
unsteady = st.lists(st.integers(min_value=-12, max_value=0), min_size=50, max_size=150)
"""Below its loudest: how talk goes up and down."""
FEW = settings(max_examples=25, deadline=None)
BOUND_MS = 1500


@FEW
@given(
    loudest=levels,
    talk=st.lists(st.integers(min_value=-40, max_value=0), min_size=40, max_size=120),
    begun=st.integers(min_value=0, max_value=120),
    quiet=st.integers(min_value=0, max_value=60),
)
def test_a_prompt_is_never_ended_in_its_first_half_second_by_speech_that_began_before_it(loudest, talk, begun, quiet):
    """Whatever was heard before, and whether anybody listened."""
    listener = Listener()
    listener.hear(*[-65] * quiet, *[loudest] * begun)
    listener.begin()
    listener.hear(*[loudest] * (begun > 0), *(loudest + down for down in talk))
    if begun:
        early = [kind for at, played, kind in listener.decisions if played <= 500 and at <= (quiet + begun + 25) * 20]
        assert Decision.COMMIT not in early


@FEW
@given(loudest=levels, talk=unsteady, after=st.integers(min_value=0, max_value=30))
def test_talk_that_was_there_from_the_first_sample_takes_no_floor(loudest, talk, after):
    """As long as it is as loud as it was; a prompt waits for it for 400 ms at the most."""
    listener = Listener()
    listener.hear(*[loudest] * after)
    listener.begin()
    listener.hear(*[loudest] * 30, *(loudest + down for down in talk), *[loudest] * 50)
    kinds = [kind for _, _, kind in listener.decisions]
    assert Decision.COMMIT not in kinds
    assert kinds in ([], [Decision.PAUSE, Decision.RESUME])
    assert all(at <= 1000 for at, _, _ in listener.decisions)


@FEW
@given(
    loudest=st.integers(min_value=-45, max_value=-20),
    stretches=st.lists(
        st.tuples(st.integers(min_value=25, max_value=100), st.floats(min_value=0, max_value=1)),
        min_size=1,
        max_size=8,
    ),
)
def test_talk_that_was_there_first_takes_no_floor_after_its_pauses_either(loudest, stretches):
    """Pauses of up to half the time that was talked before, and of less than 4 s."""
    listener = Listener()
    listener.begin()
    talked = 0
    for talk, share in stretches:
        talked += talk
        listener.hear(*[loudest] * talk, *[-70] * int(share * min(talked / 2, 195)))
    kinds = [kind for _, _, kind in listener.decisions]
    assert kinds in ([], [Decision.PAUSE, Decision.RESUME])


@FEW
@given(background=levels, below=unsteady)
def test_speech_at_or_below_the_learnt_background_never_takes_the_floor(background, below):
    listener = Listener()
    listener.begin()
    listener.hear(*[background] * 60)
    assert listener.hear(*(background + down for down in below)) == []


@FEW
@given(
    background=levels,
    talk=st.lists(st.integers(min_value=-6, max_value=0), min_size=50, max_size=150),
    above=st.integers(min_value=10, max_value=40),
    dips=st.lists(st.integers(min_value=0, max_value=6), min_size=75, max_size=75),
)
def test_speech_ten_decibels_above_it_always_does_within_a_bound(background, talk, above, dips):
    """The loud half of a voice rises so far above the loudest of what is around it; the rest lies in between."""
    listener = Listener()
    listener.begin()
    listener.hear(*[background] * 30)
    assert listener.hear(*(background + down for down in talk)) == []
    began_ms = listener.frames * 20
    before = len(listener.decisions)
    listener.hear(*(min(background + above, -6) - (down if number % 2 else 0) for number, down in enumerate(dips)))
    (paused_ms, _, paused), (committed_ms, _, committed) = listener.decisions[before:]
    assert (paused, committed) == (Decision.PAUSE, Decision.COMMIT)
    assert paused_ms - began_ms <= 60
    assert committed_ms - began_ms <= BOUND_MS


def test_a_hello_from_the_first_sample_on_is_heard_out_and_its_speaker_can_interrupt_soon_after():
    listener = Listener()
    listener.hear(*[-65] * 3)
    listener.begin()
    assert listener.hear(*[-25] * 20, *[-65] * 60)[-1:] in ([], [Decision.RESUME])
    assert listener.hear(*[-25] * 40) == [Decision.PAUSE, Decision.COMMIT]


def test_who_took_the_floor_and_goes_on_after_a_breath_does_not_end_the_next_prompt():
    listener = Listener()
    listener.begin()
    listener.hear(*[-65] * 50)
    assert listener.hear(*[-25] * 40) == [Decision.PAUSE, Decision.COMMIT]
    listener.begin()
    assert listener.hear(*[-65] * 25) == [Decision.RESUME]
    assert listener.hear(*[-25] * 40, *[-65] * 25) == [Decision.PAUSE, Decision.RESUME]
    listener.hear(*[-65] * 50)
    assert listener.hear(*[-25] * 40) == [Decision.PAUSE, Decision.COMMIT]


def test_a_television_that_ended_a_prompt_once_does_not_end_the_next_one():
    """It was switched on while the prompt played, which is how a caller begins to speak; then it goes on."""
    listener = Listener(longest_wait_ms=2000.0)
    listener.begin()
    listener.hear(*[-60] * 50)
    assert listener.hear(*[-35] * 50) == [Decision.PAUSE, Decision.COMMIT]
    listener.begin()
    assert listener.hear(*[-35] * 1000) == [Decision.RESUME]
