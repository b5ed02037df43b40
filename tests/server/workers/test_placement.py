"""Which worker a new call is given to."""

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from telebridge.server.workers.placement import SILENT_SECONDS, UNSEEN_SECONDS, Placement, WorkerLoad

NOW = 1000.0
COUNTS = st.lists(st.one_of(st.integers(0, 400), st.just(math.inf)), min_size=1, max_size=8)


def said(*calls, at=NOW):
    return [WorkerLoad(each, at) for each in calls]


@given(COUNTS, st.data())
def test_nobody_has_fewer_calls_than_whoever_gets_one(counts, data):
    here = data.draw(st.integers(0, len(counts) - 1))
    chosen = Placement(here).choose(said(*counts), now=NOW)
    assert counts[chosen] == min(counts)
    if counts[here] == min(counts):
        assert chosen == here, "it stays where its webhook arrived"


def test_calls_that_come_at_once_are_spread_though_nobody_has_said_so_yet():
    placement, placed = Placement(0), []
    for _ in range(100):
        worker = placement.choose(said(3, 0), now=NOW)
        placement.placed(worker, now=NOW)
        placed.append(worker)
    assert placed[:4] == [1, 1, 1, 0], "the fewest first; then each in turn, this one first"
    assert (placed.count(0) + 3, placed.count(1)) == (52, 51)


def test_a_call_counts_twice_only_for_a_moment():
    placement = Placement(0)
    for _ in range(10):
        placement.placed(1, now=NOW)
    assert placement.choose(said(5, 0), now=NOW) == 0
    later = NOW + UNSEEN_SECONDS
    assert placement.choose(said(5, 0, at=later), now=later) == 1


def test_a_worker_that_says_nothing_gets_no_call():
    placement = Placement(0)
    loads = [WorkerLoad(9, NOW), WorkerLoad(0, NOW - SILENT_SECONDS), WorkerLoad(0, -math.inf)]
    assert placement.choose(loads, now=NOW) == 0
    loads[1] = WorkerLoad(0, NOW - SILENT_SECONDS + 0.1)
    assert placement.choose(loads, now=NOW) == 1


def test_where_nobody_has_room_it_is_refused_where_it_arrived():
    assert Placement(1).choose(said(math.inf, math.inf, math.inf), now=NOW) == 1


def test_calls_of_any_length_stay_even_whoever_accepts_them():
    """Every worker accepts webhooks, one of them most; what they say is up to 0.1 s old."""
    chance = random.Random(1)
    placements = [Placement(worker) for worker in range(4)]
    ends, boards, uneven = [[], [], [], []], said(0, 0, 0, 0, at=0.0), []
    for step in range(8000):
        now = step / 50
        ends = [[end for end in each if end > now] for each in ends]
        if step % 5 == 0:
            boards = said(*(len(each) for each in ends), at=now)
        accepted_by = chance.choice((0, 0, 0, 0, 1, 2, 3))
        worker = placements[accepted_by].choose(boards, now=now)
        placements[accepted_by].placed(worker, now=now)
        ends[worker].append(now + chance.expovariate(1 / 20))
        if now > 60:
            counts = [len(each) for each in ends]
            uneven.append(max(counts) / (sum(counts) / 4))
    assert max(uneven) < 1.06, "1,000 calls on four workers: nobody has 6 % more than its quarter"
