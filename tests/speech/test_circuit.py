"""A service that could not be reached is asked again after a while, by one caller at a time."""

from telebridge.speech.failover import LONGEST_DELAY_SECONDS, Circuit


def circuit(jitter=0.0):
    return Circuit(lambda: jitter)


def test_what_never_failed_is_asked():
    assert circuit().ready(now=0.0)


def test_what_failed_is_asked_again_after_a_delay_that_doubles():
    service = circuit()
    assert [service.failed(now=100.0) for _ in range(3)] == [2.0, 4.0, 8.0]
    assert not service.ready(now=107.9)
    assert service.ready(now=108.0)


def test_the_delay_is_bounded_and_stretched_by_chance():
    service = circuit(jitter=1.0)
    assert service.failed(now=0.0) == 3.0
    for _ in range(50):
        last = service.failed(now=0.0)
    assert last == 1.5 * LONGEST_DELAY_SECONDS


def test_one_caller_finds_out_while_others_pass_by():
    service = circuit()
    service.failed(now=0.0)
    assert service.ready(now=2.0)
    service.asked(now=2.0)
    assert not service.ready(now=2.0)
    assert service.ready(now=4.0), "a caller who hung up finds out nothing"


def test_a_success_forgets_all_failures():
    service = circuit()
    service.failed(now=0.0)
    service.failed(now=0.0)
    service.worked()
    assert service.ready(now=0.1)
    assert service.failed(now=1.0) == 2.0
