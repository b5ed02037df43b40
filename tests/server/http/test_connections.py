"""Which connection is closed when there are too many."""

from hypothesis import given
from hypothesis import strategies as st

from telebridge.server.http.connections import FEWEST, MOST, Strangers, most_strangers


def test_the_oldest_of_an_address_are_closed_when_it_has_too_many():
    strangers = Strangers(per_address=2, total=100)
    for n in range(4):
        assert strangers.excess("192.0.2.1") == list(range(max(0, n - 2)))
        strangers.add(n, "192.0.2.1")
        strangers.add(-1 - n, f"192.0.3.{n}")
    assert strangers.excess("192.0.2.1") == [0, 1]
    assert strangers.excess("192.0.2.9") == []


def test_the_oldest_of_all_is_closed_when_there_are_too_many():
    strangers = Strangers(per_address=2, total=3)
    assert [strangers.add(n, f"192.0.2.{n}") for n in range(3)] == [None] * 3
    assert strangers.add(3, "192.0.2.3") == 0


def test_who_is_known_does_not_count():
    strangers = Strangers(per_address=1, total=2)
    for n in range(10):
        assert strangers.add(n, "192.0.2.1") is None
        assert strangers.excess("192.0.2.1") == []
        strangers.remove(n)
        strangers.remove(n)
    assert len(strangers) == 0


def test_a_proxy_counts_in_total_only():
    strangers = Strangers(per_address=1, total=5)
    assert [strangers.add(n, "") for n in range(5)] == [None] * 5
    assert strangers.add(5, "") == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["", "a", "b", "c"]), st.booleans())))
def test_neither_bound_is_ever_exceeded(steps):
    strangers, held = Strangers(per_address=2, total=4), {}
    for connection, address, leaves in steps:
        if leaves:
            strangers.remove(connection)
            held.pop(connection, None)
            continue
        oldest = strangers.add(connection, address)
        held.pop(connection, None)
        held[connection] = address
        for each in [*([] if oldest is None else [oldest]), *strangers.excess(address)]:
            strangers.remove(each)
            held.pop(each, None)
        assert len(strangers) == len(held) <= 4
        assert all(list(held.values()).count(each) <= 2 for each in "abc")


def test_the_total_follows_the_descriptors_of_the_process():
    assert FEWEST <= most_strangers() <= MOST
