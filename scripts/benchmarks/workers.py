"""Two workers on two cores against one: how many times the calls, and whether a call is begun twice.

There is no third core for the callers and Rime, so the calls are not counted until a core is full. The same number of
calls is given to one process and to two workers, and the CPU time of each worker is counted, whatever else ran on its
core: when the busiest worker needs half of what one process needs, two workers carry twice the calls.
"""

from live import servers
from live.bench import LATE_MS, ONE_CORE, Bench, OneCore, opened

CALLS = 100
BAR = 1.8
BUSIEST, TEXTS = "busiest_core_used", "texts"


def run(*, calls: int, seconds: float) -> dict[str, object]:
    """Measure; return the figures of both, and the ratio.

    Args:
        calls: How many calls.
        seconds: How long both are measured.
    """
    try:
        with opened() as bench:
            return measured(bench, calls=calls, seconds=seconds)
    except OneCore:
        return ONE_CORE


def measured(bench: Bench, *, calls: int, seconds: float) -> dict[str, object]:
    """The same with a bench that is open."""
    one, two = (_step(bench, calls, seconds, workers) for workers in ((), (bench.server_core, bench.own_core)))
    lagged = max(one["generator_late_ms_p99"], two["generator_late_ms_p99"]) > LATE_MS
    ratio = round(one[BUSIEST] / two[BUSIEST], 2)
    twice = max(0, two[TEXTS] - one[TEXTS])
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
    """Silent callers, so that a call asks Rime for the same texts however long its words are."""
    before = bench.rime.texts()
    with servers.bridge(bench.server_core, bench.rime, workers=workers) as server:
        step = bench.step(server, calls, seconds=seconds, silent=True)
    return {**step, TEXTS: bench.rime.texts() - before}
