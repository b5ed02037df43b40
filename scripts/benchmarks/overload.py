"""Twice as many callers as one core can hold: who was accepted hears nothing of it, the rest are refused at once."""

from live import servers
from live.bench import ARRIVALS_A_SECOND, CHUNK_BAR_MS, LATE_MS, ONE_CORE, Bench, OneCore, opened, spoken_locally

REFUSED_MS = 100.0
KEPT_SHARE = 0.75
"""A server that refuses nearly everybody would meet the other bars: so many of those it can hold it must accept."""


def run(*, held: int, seconds: float) -> dict[str, object]:
    """Measure; return the figures of the one step.

    Args:
        held: How many calls one core holds, as `live-calls` says.
        seconds: How long the step is measured.
    """
    try:
        with opened() as bench:
            return measured(bench, held=held, seconds=seconds)
    except OneCore:
        return ONE_CORE


def measured(bench: Bench, *, held: int, seconds: float) -> dict[str, object]:
    """The same with a bench that is open."""
    # The local voice stands by, as it does on a machine that has it: a bridge may only not need it.
    with servers.bridge(bench.server_core, bench.rime) as server:
        step = bench.step(server, 2 * held, seconds=seconds)
        local = spoken_locally(server)
    lagged = step["generator_late_ms_p99"] > LATE_MS
    return {
        "machine": bench.machine,
        "held": held,
        "arrivals_a_second": ARRIVALS_A_SECOND,
        "concluded": not lagged,
        "why": "the generator lagged" if lagged else "",
        **step,
        "spoken_locally": local,
        "bars_met": judged(step, held, local),
    }


def judged(step: dict[str, object], held: int, local: int) -> dict[str, bool]:
    """Whether each bar is met."""
    return {
        "chunk_ms_p99": 0 < step["chunk_ms_p99"] < CHUNK_BAR_MS,
        "underruns": step["underruns"] == 0,
        "closed": step["closed"] == 0,
        "refused_ms_p99": step["refused_ms_p99"] <= REFUSED_MS,
        "live": step["live"] >= KEPT_SHARE * held,
        "spoken_locally": local == 0,
    }
