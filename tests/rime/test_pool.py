from hypothesis import given
from hypothesis import strategies as st

from telebridge.rime.pool import LONGEST_DELAY_SECONDS, MOST_RETURNED, SparePool


def pool(wanted=2, keep_seconds=None, jitter=0.0):
    return SparePool[str](wanted=wanted, max_idle_seconds=60, keep_seconds=keep_seconds, jitter=lambda: jitter)


def test_missing_spares_are_opened_once():
    spares = pool()
    assert spares.missing(now=0) == 2
    spares.opening_started()
    spares.opening_started()
    assert spares.missing(now=0) == 0
    spares.opened("a", now=1)
    spares.opened("b", now=2)
    assert spares.missing(now=2) == 0


def test_the_freshest_spare_is_taken_and_replaced():
    spares = pool()
    for name in "ab":
        spares.opening_started()
        spares.opened(name, now=1)
    assert spares.acquire(now=2) == "b"
    assert spares.missing(now=2) == 1
    assert spares.acquire(now=2) == "a"
    assert spares.acquire(now=2) is None


def test_a_spare_that_was_idle_for_too_long_is_not_taken():
    spares = pool()
    spares.opening_started()
    spares.opened("a", now=0)
    assert spares.acquire(now=61) is None
    assert spares.expired(lambda _: True, now=61) == ["a"], "somebody must close it"


def test_worn_out_spares_are_taken_out():
    spares = pool(wanted=3)
    for name, now in (("old", 0), ("dead", 50), ("good", 50)):
        spares.opening_started()
        spares.opened(name, now=now)
    assert spares.expired(lambda spare: spare != "dead", now=61) == ["old", "dead"]
    assert spares.drain() == ["good"]


def test_after_a_failure_there_is_a_pause_that_doubles_and_a_success_ends_it():
    spares = pool()
    pauses = []
    for _ in range(4):
        spares.opening_started()
        pauses.append(spares.opening_failed(now=0))
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    assert spares.missing(now=3.9) == 0
    assert spares.missing(now=4.0) == 2
    spares.opening_started()
    spares.opened("a", now=5)
    spares.opening_started()
    assert spares.opening_failed(now=5) == 0.5


def test_being_told_to_slow_down_makes_the_pause_longer():
    spares = pool()
    spares.opening_started()
    assert spares.opening_failed(now=0, rate_limited=True) == 5.0


@given(st.integers(1, 2000), st.floats(0, 1))
def test_the_pause_is_bounded(failures, jitter):
    spares = pool(jitter=jitter)
    for _ in range(failures):
        spares.opening_started()
        pause = spares.opening_failed(now=0)
    assert 0 < pause <= LONGEST_DELAY_SECONDS * 1.5


def test_an_address_that_is_not_used_is_not_kept_warm():
    spares = pool(keep_seconds=120)
    spares.acquire(now=0)
    assert spares.missing(now=100) == 2
    spares.opening_started()
    spares.opened("a", now=100)
    assert spares.missing(now=121) == 0
    assert spares.expired(lambda _: True, now=121) == ["a"]


def test_a_connection_is_given_back_unless_there_are_enough():
    spares = pool(wanted=1)
    assert all(spares.add(str(number), now=0) for number in range(MOST_RETURNED))
    assert not spares.add("one too many", now=0)
    assert not pool(wanted=0).add("a", now=0)


def test_utterances_one_after_another_share_their_connections():
    spares, handshakes = pool(wanted=2), 0
    for now in range(100):
        taken = spares.acquire(now=now)
        for _ in range(spares.missing(now=now)):
            handshakes += 1
            spares.opening_started()
            spares.opened(str(handshakes), now=now)
        if taken is not None:
            spares.add(taken, now=now)
    assert handshakes == 3


def test_connections_that_came_back_and_are_not_needed_age_out():
    spares = pool(wanted=1)
    for number in range(5):
        spares.add(str(number), now=0)
    assert spares.acquire(now=59) == "4"
    spares.add("4", now=60)
    assert spares.expired(lambda _: True, now=61) == ["0", "1", "2", "3"]
    assert spares.missing(now=61) == 0
