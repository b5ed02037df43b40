import pytest

from telebridge.call.session.stream_phase import Phase, PhaseMachine


@pytest.fixture
def watch():
    return PhaseMachine(wait_seconds=30, silent_seconds=10, close_seconds=5)


def test_a_stream_that_never_comes_is_overdue(watch):
    watch.wait(now=0.0)
    assert watch.next_deadline() == 30
    assert [watch.is_overdue(now=now) for now in (29.9, 30.0)] == [False, True]


def test_a_live_stream_is_overdue_when_it_was_silent_ever_since(watch):
    watch.opened(now=0.0)
    watch.heard_at = 7.0
    assert not watch.is_overdue(now=10.0), "the timer did not move with the frames"
    assert watch.next_deadline() == 17
    assert watch.is_overdue(now=17.0)


def test_a_closed_stream_has_its_time_to_end(watch):
    watch.opened(now=0.0)
    watch.closing(now=3.0)
    assert watch.phase is Phase.CLOSING
    assert [watch.is_overdue(now=now) for now in (7.9, 8.0)] == [False, True]


def test_a_call_that_is_over_waits_for_nothing(watch):
    watch.wait(now=0.0)
    watch.over()
    assert watch.next_deadline() is None
    assert not watch.is_overdue(now=1e9)
