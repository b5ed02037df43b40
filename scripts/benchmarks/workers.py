"""Two workers on two cores against one: how many times the calls, and whether a call is begun twice.

There is no third core for the callers and Rime, so the calls are not counted until a core is full. One process has a
number of calls, two workers have twice as many, and the CPU time of each worker is counted, whatever else ran on its
core: when the busiest worker needs no more of its core than the one process, two workers carry twice the calls. With
the same number for both, each worker would have half of the calls, and each call would cost more: a process that wakes
for fewer frames at once needs more for each, as the thinnest server does, too.
"""

from live import servers
from live.bench import LATE_MS, ONE_CORE, Bench, OneCore, opened

CALLS = 100
BAR = 1.8
BUSIEST, FIRST = "busiest_core_used", "first_prompts"


def run(*, calls: int, seconds: float) -> dict[str, object]:
    """Measure; return the figures of both, and the ratio.

    Args:
        calls: How many calls one process has; two workers have twice as many.
        seconds: How long both are measured.
    """
    try:
        with opened() as bench:
            return measured(bench, calls=calls, seconds=seconds)
    except OneCore:
        return ONE_CORE


def measured(bench: Bench, *, calls: int, seconds: float) -> dict[str, object]:
    """The same with a bench that is open."""
    one = _step(bench, calls, seconds, ())
    two = _step(bench, 2 * calls, seconds, (bench.server_core, bench.own_core))
    lagged = max(one["generator_late_ms_p99"], two["generator_late_ms_p99"]) > LATE_MS
    ratio = round(2 * one[BUSIEST] / two[BUSIEST], 2)
    twice = two[FIRST] - two["live"] - (one[FIRST] - one["live"])  # one process begins none twice
    return {
        "machine": bench.machine,
        "concluded": not lagged,
        "why": "the generator lagged" if lagged else "",
        "ratio": ratio,
        "begun_twice": twice,
        "one": one,
        "two": two,
        "bars_met": {"ratio": ratio >= BAR, "begun_twice": twice == 0, "refused": two["refused"] == 0},
    }


def _step(bench: Bench, calls: int, seconds: float, workers: tuple[int, ...]) -> dict[str, object]:
    before = bench.rime.first_prompts()
    with servers.bridge(bench.server_core, bench.rime, workers=workers) as server:
        step = bench.step(server, calls, seconds=seconds, silent=True)
    return {**step, FIRST: bench.rime.first_prompts() - before}
