"""Calls that come and go for minutes, whose callers interrupt: what the process holds must not grow.

There are always as many calls, half of those that one core holds; each lasts 30 seconds. Memory (PSS), descriptors and
tasks of the event loop are read every 10 seconds. A straight line through the samples says how much they grew within
the time; the first fifth is left out, in which caches and the allocator fill.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import page
from live import servers
from live.bench import LATE_MS, ONE_CORE, OneCore, generated, opened
from machine import described

CALLS_WITHOUT_FIGURE = 100
LASTS_SECONDS = 30.0
SAMPLE_SECONDS = 10.0
SHORTEST_SAMPLE_SECONDS = 2.0
FILLS_SHARE = 0.2


@dataclass(frozen=True)
class Allowance:
    """How much a figure may grow within the time: a share of its mean, and so much more."""

    share: float
    more: float


ALLOWANCES = {"megabytes": Allowance(0.02, 2.0), "descriptors": Allowance(0.02, 2.0), "tasks": Allowance(0.02, 5.0)}
SPARES = 16
LEFT = {"descriptors": SPARES + 4, "tasks": SPARES + 4}
"""How many more there may be after the last call than after the first: connections to Rime that are kept for the next
call (`telebridge.rime.pool.MOST_RETURNED`), each a socket and a task, and a few."""


def run(*, minutes: float, calls: int) -> dict[str, object]:
    """Measure; return the growth of each figure and every sample.

    Args:
        minutes: How long.
        calls: How many calls at once; 0 for half of those held, as docs/benchmarks says.
    """
    calls, machine = calls or _half_held(), described()
    every = max(SHORTEST_SAMPLE_SECONDS, min(SAMPLE_SECONDS, minutes * 60 / 20))
    try:
        with opened() as bench, servers.bridge(bench.server_core, bench.rime) as server:
            load = bench.load(server, calls, seconds=minutes * 60, silent=False)
            churn = {"load": load, "lasts_seconds": LASTS_SECONDS, "sample_seconds": every}
            found = generated("live.churn", churn)
    except OneCore:
        return ONE_CORE
    lagged = found["generator_late_ms_p99"] > LATE_MS
    growth = {name: grown(found["samples"], name) for name in ALLOWANCES}
    return {
        "machine": machine,
        "minutes": minutes,
        "concluded": not lagged,
        "why": "the generator lagged" if lagged else "",
        "growth": growth,
        **found,
        "bars_met": judged(found, growth),
    }


def judged(found: dict[str, object], growth: dict[str, float]) -> dict[str, bool]:
    """Whether each figure is flat, and back where it was after the last call."""
    met = {}
    for name, allowed in ALLOWANCES.items():
        values = [sample[name] for sample in found["samples"]]
        if None not in values:  # a telebridge that does not tell its tasks
            met[f"growth.{name}"] = growth[name] <= allowed.share * statistics.mean(values) + allowed.more
    for name, more in LEFT.items():
        if found["before"][name] is not None:
            met[f"after.{name}"] = found["after"][name] <= found["before"][name] + more
    return met


def grown(samples: Sequence[dict[str, float]], name: str) -> float:
    """How much a straight line through the samples rises from the first that counts to the last."""
    counted = samples[int(len(samples) * FILLS_SHARE) :]
    values = [sample[name] for sample in counted]
    if len(counted) < 2 or None in values:
        return 0.0
    times = [sample["at_seconds"] for sample in counted]
    return round(statistics.linear_regression(times, values).slope * (times[-1] - times[0]), 2)


def _half_held() -> int:
    held = page.held_last()
    return max(1, held // 2) if held else CALLS_WITHOUT_FIGURE
