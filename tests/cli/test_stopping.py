"""When a server ends: its two bounds, decided purely, and the thread that keeps them."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from telebridge.cli.process.stopping import CLOSE_SECONDS, CUT_SHORT, Stop, StopTimes

SIGNALS = st.lists(st.tuples(st.floats(0, 100), st.booleans()), min_size=1, max_size=6)


def test_close_seconds_keep_the_promise_of_a_second():
    assert CLOSE_SECONDS < 1


@given(st.floats(0, 1000), SIGNALS)
def test_no_signal_puts_the_end_off_and_a_second_one_ends_it_now(drain_seconds, signals):
    times, now = StopTimes(drain_seconds), 0.0
    assert times.ends_at is None
    first_at = signals[0][0]
    bound = None
    for after, hurry in signals:
        now += after
        (times.hurry if hurry else times.begin)(now)
        assert bound is None or times.ends_at <= bound
        bound = times.ends_at
        assert bound <= first_at + drain_seconds + CLOSE_SECONDS
        if hurry:
            assert bound <= now + CLOSE_SECONDS


def ended(stop_after):
    """The exit codes with which a process was ended that does not end by itself."""
    codes, over = [], threading.Event()

    def end(code):
        codes.append(code)
        over.set()

    stop = Stop(3600, end)
    stop_after(stop)
    assert over.wait(30)
    return codes


def test_a_process_that_does_not_close_is_ended_and_told(capsys):
    assert ended(lambda stop: (stop.begin(), stop.hurry())) == [CUT_SHORT]
    assert capsys.readouterr().err == ("telebridge: ended before everything was closed; what was not written is lost\n")


def test_a_process_that_is_kept_by_a_thread_alone_ends_well(capsys):
    assert ended(lambda stop: (stop.begin(), stop.closed())) == [0]
    assert not capsys.readouterr().err


def test_a_process_that_was_not_told_to_stop_lives():
    stop = Stop(0, [].append)
    stop.closed()
    assert stop.seconds_left() is None
    assert not any(thread.name == "end of the process" for thread in threading.enumerate())
