"""What so many calls at once ask for, from 1 to 100,000: the arithmetic and the simulation of docs/scaling.md.

`python scripts/scaling.py` prints both tables; a test holds the page to them. The simulation has processes that take
`CALLS_A_PROCESS` calls and refuse more, callers who arrive at random, calls of random length, and a balancer.
"""

import heapq
import math
import random
import sys
from collections.abc import Callable, Iterator

CALLS_A_PROCESS = 480
"""The default of `server.max_calls`."""
FILLED_SHARE = 0.7
"""How full processes are planned to be: room for a machine that is lost, and for chance."""
CALL_SECONDS = 180.0
SPEAKING_SHARE = 0.6
"""How much of a call is speech that was not cached."""
FASTER_THAN_PLAYED = 4
CHANGES_A_CALL = 20
"""Rows written for a call: its beginning, its end, and a checkpoint for each step of its flow."""
TRANSACTIONS_A_SECOND = 20
"""Of one process at the most: changes gather for 50 ms."""
CONNECTIONS_A_PROCESS = 15
INBOUND_BYTES_A_SECOND, OUTBOUND_BYTES_A_SECOND = 50 * (216 + 140 + 60), 10_667 + 5 * 160
"""On the wire, of one call while it speaks: 50 messages with 160 bytes in base64, JSON and headers; 8000 bytes a second
in base64, in chunks of 200 ms."""
SIZES = (1, 10, 100, 1_000, 10_000, 100_000)
BALANCERS = ("random", "better of two", "fewest calls")
SIMULATED = ((2, 0.7), (2, 0.85), (10, 0.7), (10, 0.85), (100, 0.85), (100, 0.95))
MEAN_LENGTHS = 6
"""How long is simulated, in mean lengths of a call; the first third is not counted."""


def needs(calls: int) -> dict[str, str]:
    """What so many calls at once ask for."""
    processes = math.ceil(calls / (CALLS_A_PROCESS * FILLED_SHARE))
    begun = calls / CALL_SECONDS
    streams = calls * SPEAKING_SHARE / FASTER_THAN_PLAYED
    rows = math.ceil(begun * CHANGES_A_CALL)
    return {
        "calls at once": f"{calls:,}",
        "calls begun a second": f"{begun:,.2g}" if begun < 10 else f"{begun:,.0f}",
        "processes, one a core": f"{processes:,}",
        "Twilio → bridge": _bits(calls * INBOUND_BYTES_A_SECOND),
        "bridge → Twilio": _bits(calls * SPEAKING_SHARE * OUTBOUND_BYTES_A_SECOND),
        "messages in a second": f"{calls * 50:,}",
        "Rime streams": f"{max(1, math.ceil(streams)):,}",
        "rows written a second": f"{rows:,}",
        "transactions a second, at most": f"{min(processes * TRANSACTIONS_A_SECOND, rows):,}",
        "database connections, at most": f"{processes * CONNECTIONS_A_PROCESS:,}",
    }


def refused_share(processes: int, filled: float, balancer: str, *, seed: int = 1) -> float:
    """The share of callers who are refused, though another process may have room."""
    chance = random.Random(seed)
    choose = _chosen_by(balancer, chance)
    each = round(CALLS_A_PROCESS * filled)
    live = [each] * processes
    ends = [(chance.expovariate(1 / CALL_SECONDS), process) for process in range(processes) for _ in range(each)]
    heapq.heapify(ends)
    mean_gap = CALL_SECONDS / (processes * CALLS_A_PROCESS * filled)
    now, arrived, refused = 0.0, 0, 0
    while now < MEAN_LENGTHS * CALL_SECONDS:
        now += chance.expovariate(1 / mean_gap)
        while ends and ends[0][0] <= now:
            live[heapq.heappop(ends)[1]] -= 1
        counts = now > MEAN_LENGTHS * CALL_SECONDS / 3
        arrived += counts
        process = choose(live)
        if live[process] >= CALLS_A_PROCESS:
            refused += counts
        else:
            live[process] += 1
            heapq.heappush(ends, (now + chance.expovariate(1 / CALL_SECONDS), process))
    return refused / arrived


def _chosen_by(balancer: str, chance: random.Random) -> Callable[[list[int]], int]:
    if balancer == "random":
        return lambda live: int(chance.random() * len(live))
    if balancer == "better of two":
        return lambda live: min(
            int(chance.random() * len(live)), int(chance.random() * len(live)), key=live.__getitem__
        )
    return lambda live: min(range(len(live)), key=live.__getitem__)


def _bits(bytes_a_second: float) -> str:
    for unit in ("kbit/s", "Mbit/s"):
        bytes_a_second /= 1000
        if bytes_a_second * 8 < 1000:
            return f"{bytes_a_second * 8:.3g} {unit}"
    return f"{bytes_a_second * 8 / 1000:.3g} Gbit/s"


def arithmetic() -> Iterator[str]:
    """The table of what each number of calls asks for."""
    columns = [needs(calls) for calls in SIZES]
    for place, name in enumerate(columns[0]):
        yield f"| {name} | " + " | ".join(column[name] for column in columns) + " |"
        if place == 0:
            yield "|---" * (len(SIZES) + 1) + "|"


def simulation() -> Iterator[str]:
    """The table of refused callers by balancer."""
    yield "| processes | filled to | " + " | ".join(BALANCERS) + " |"
    yield "|---" * (len(BALANCERS) + 2) + "|"
    for processes, filled in SIMULATED:
        shares = [f"{refused_share(processes, filled, balancer) * 100:.2f} %" for balancer in BALANCERS]
        yield f"| {processes} | {filled:.0%} | " + " | ".join(shares) + " |"


if __name__ == "__main__":
    sys.stdout.write("\n".join([*arithmetic(), "", *simulation()]) + "\n")
