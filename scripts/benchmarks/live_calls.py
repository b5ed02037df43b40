"""Calls whose callers interrupt: how many one core carries, and what each frame, chunk and call costs.

Each call asks the webhook, opens its stream, hears one prompt of 15 seconds after another, and a person speaks over it
every 6 seconds. Rime is a process of its own that sends four times as fast as audio plays; nothing is cached. The
server has one core, Rime and the callers the other. Each step has a fresh server. The first round tries rising numbers
of calls until one does not hold; each further round begins at the last number that held and goes up or down from there.
A step holds when 99 of 100 chunks reach the call within 20 ms after they left Rime, no caller heard a gap, each
interruption was heard, and nothing else was. The thinnest aiohttp server reads the same messages in the same round; the
ratio of the costs is what counts, because machines differ and are shared. Pipecat takes part in the first round.
"""

import statistics
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial

from live import servers
from live.bench import ONE_CORE, SPEAKS_EVERY_SECONDS, Bench, OneCore, opened
from live.servers import Server

STEPS = (25, 50, 75, 100, 150, 200, 250, 300, 350, 380, 400, 420, 440, 460, 480, 500, 550, 600)
PIPECAT_STEPS = (4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 48)
COMPARED_AT = 200
FEW = 25
Step = dict[str, object]


@dataclass(frozen=True)
class Plan:
    """How to measure.

    Args:
        steps: Numbers of calls, in rising order.
        seconds: How long each step is measured.
        silent: Whether the callers say nothing.
        against: A Python that has another telebridge; empty to leave it out.
        pipecat: A Python that has pipecat; empty to leave it out.
        begin_at: The number of calls that the first round begins at.
        silent_seconds: How long silent callers are measured, too; `FEW` calls then as well, of the thinnest, too.
    """

    steps: tuple[int, ...]
    seconds: float
    silent: bool = False
    against: str = ""
    pipecat: str = ""
    begin_at: int = 0
    silent_seconds: float = 0.0

    @property
    def compared_at(self) -> int:
        """The number of calls at which costs are compared."""
        return COMPARED_AT if COMPARED_AT in self.steps else self.steps[-1]


def run(plan: Plan, *, rounds: int) -> dict[str, object]:
    """Measure; return the figures of every step of every round, and what was held."""
    try:
        with opened() as bench:
            return measured(plan, bench, rounds=rounds)
    except OneCore:
        return ONE_CORE


def measured(plan: Plan, bench: Bench, *, rounds: int) -> dict[str, object]:
    """The same with a bench that is open."""
    found, starts = [], {"telebridge": plan.begin_at, "against": plan.begin_at, "pipecat": 0}
    for _ in range(rounds):
        found.append(_round(plan if not found else replace(plan, pipecat=""), bench, starts))
        starts = {**starts, **found[-1]["held"]}
    invalid = sum(_undecided(steps) for each in found for steps in each["steps"].values())
    held = {name: [each["held"][name] for each in found if name in each["held"]] for name in found[0]["held"]}
    return {
        "machine": bench.machine,
        "callers": "silent" if plan.silent else f"speak every {SPEAKS_EVERY_SECONDS:g} s",
        "seconds": plan.seconds,
        "concluded": not invalid,
        "why": f"the generator lagged, or the server's core was not its own, in {invalid} steps" if invalid else "",
        "held": {name: statistics.median_low(each) for name, each in held.items()},
        "rounds": found,
    }


def _round(plan: Plan, bench: Bench, starts: dict[str, int]) -> dict[str, object]:
    """Each server once: the thinnest at the number that is compared, the others by steps."""
    core, rime = bench.server_core, bench.rime
    step = partial(_step, bench, seconds=plan.seconds, silent=plan.silent)
    steps = {"thinnest": [step(partial(servers.thinnest, core), plan.compared_at)]}
    ours = partial(servers.bridge, core, rime)
    steps["telebridge"] = searched(plan.steps, partial(step, ours), starts["telebridge"])
    if plan.against:
        other = partial(ours, python=plan.against)
        steps["against"] = searched(plan.steps, partial(step, other), starts["against"])
    if plan.pipecat:
        peer = partial(servers.pipecat, core, rime, plan.pipecat)
        steps["pipecat"] = searched(PIPECAT_STEPS, partial(step, peer), starts["pipecat"])
    held = {name: held_of(each) for name, each in steps.items() if name != "thinnest"}
    if plan.silent_seconds:
        done = {each["calls"] for each in steps["telebridge"]}
        steps["telebridge"] += [step(ours, calls) for calls in (FEW, plan.compared_at) if calls not in done]
        if plan.compared_at != FEW:
            steps["thinnest"].append(step(partial(servers.thinnest, core), FEW))
        silent = partial(_step, bench, seconds=plan.silent_seconds, silent=True)
        steps["silent"] = [silent(ours, plan.compared_at)]
    floor = steps["thinnest"][0]["cpu_us_per_frame"]
    for each in (each for several in steps.values() for each in several):
        each["cost_ratio"] = round(each["cpu_us_per_frame"] / floor, 2)
    return {"held": held, "compared_at": plan.compared_at, "steps": steps}


def _step(
    bench: Bench, server: Callable[[], AbstractContextManager[Server]], calls: int, *, seconds: float, silent: bool
) -> Step:
    with server() as listening:
        return bench.step(listening, calls, seconds=seconds, silent=silent)


def searched(steps: Sequence[int], step: Callable[[int], Step], begin_at: int) -> list[Step]:
    """Steps from the first that is not below `begin_at`: up to one that does not hold, or down to one that does.

    A step that is not valid is repeated once; then it counts as one that does not hold.
    """
    found: list[Step] = []

    def holds(calls: int) -> bool:
        found.append(step(calls))
        if not found[-1]["valid"]:
            found.append(step(calls))
        return bool(found[-1]["holds"])

    place = next((place for place, calls in enumerate(steps) if calls >= begin_at), len(steps) - 1)
    if holds(steps[place]):
        all(holds(calls) for calls in steps[place + 1 :])
    else:
        any(holds(calls) for calls in reversed(steps[:place]))
    return found


def held_of(steps: Sequence[Step]) -> int:
    """The most calls that held."""
    return max((step["calls"] for step in steps if step["holds"]), default=0)


def _undecided(steps: Sequence[Step]) -> int:
    """How many numbers of calls have no step that is valid."""
    return len({step["calls"] for step in steps} - {step["calls"] for step in steps if step["valid"]})
