"""Calls whose callers interrupt: how many one core carries, and what each frame, chunk and call costs.

Each call asks the webhook, opens its stream, hears one prompt of 15 seconds after another, and a person speaks over it
every 6 seconds. Rime is a process of its own that sends four times as fast as audio plays; nothing is cached. The
server has one core, Rime and the callers the other. The number of calls rises by steps, each on a fresh server, until
one does not hold. A step holds when 99 of 100 chunks reach the call within 20 ms after they left Rime, no caller heard
a gap, each interruption was heard, and nothing else was. The thinnest aiohttp server reads the same messages in the
same round; the ratio of the costs is what counts, because machines differ and are shared.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from interruptions.human_speech import Recording, recordings
from live import servers
from live.servers import Server
from machine import described

STEPS = (25, 50, 75, 100, 150, 200, 250, 300, 350, 400, 450, 500, 600)
PIPECAT_STEPS = (4, 8, 12, 16, 20, 24, 32)
COMPARED_AT = 200
SPEAKS_EVERY_SECONDS = 6.0
SPEECH_FRAMES = 70
FRAME_BYTES = 160
ARRIVALS_A_SECOND = 25.0
VOICE_SECONDS = 15
CHUNK_MS = 200
CHUNK_BAR_MS = 20.0
LATE_MS = 10.0
WAITED_SHARE = 0.05
"""A step that does not hold is not concluded from when the generator was later than this in one slot of a hundred, or
the server could not run for this part of the time because something else ran on its core. Both only ever harm a server:
a step that holds in spite of them counts."""


@dataclass(frozen=True)
class Plan:
    """How to measure.

    Args:
        steps: Numbers of calls, in rising order.
        seconds: How long each step is measured.
        silent: Whether the callers say nothing.
        against: A Python that has another telebridge; empty to leave it out.
        pipecat: A Python that has pipecat; empty to leave it out.
    """

    steps: tuple[int, ...]
    seconds: float
    silent: bool
    against: str
    pipecat: str


@dataclass(frozen=True)
class Bench:
    """What all steps share: the two cores, and the files that the generator and Rime read."""

    plan: Plan
    core: int
    speeches: str
    rime_url: str

    def step(self, server: Server, calls: int) -> dict[str, object]:
        """Measure so many calls of a server."""
        load = {
            "pid": server.pid,
            "url": server.url,
            "calls": calls,
            "seconds": self.plan.seconds,
            "settle_seconds": SPEAKS_EVERY_SECONDS,
            "arrivals_a_second": ARRIVALS_A_SECOND,
            "webhook": server.webhook,
            "auth_token": server.auth_token,
            "speeches": self.speeches,
            "every_seconds": SPEAKS_EVERY_SECONDS,
        }
        done = subprocess.run(
            servers.module("live.generator"),
            env=servers.environment(),
            input=json.dumps(load).encode(),
            stdout=subprocess.PIPE,
            check=True,
        )
        step = json.loads(done.stdout)
        step["holds"] = self._holds(step, first_only=server.name == "pipecat")
        undisturbed = step["core_waited_for"] <= WAITED_SHARE or server.name == "thinnest"
        step["valid"] = step["holds"] or (step["generator_late_ms_p99"] <= LATE_MS and undisturbed)
        sys.stderr.write(f"{server.name} {json.dumps(step)}\n")
        return step

    def _holds(self, step: dict[str, object], *, first_only: bool) -> bool:
        wrong = ("refused", "underruns", "missed", "false", "closed")
        late = step["first_chunk_ms_p99" if first_only else "chunk_ms_p99"]
        heard = self.plan.silent or step["interruptions"] > 0
        return bool(late < CHUNK_BAR_MS and step["chunks"] and heard and not any(step[name] for name in wrong))


def run(plan: Plan, *, rounds: int) -> dict[str, object]:
    """Measure; return the figures of every step of every round, and what was held."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return {"concluded": False, "why": "one core for the server and one for the callers are needed"}
    os.sched_setaffinity(0, {cores[1]})
    try:
        with _bench(plan, cores[0]) as bench:
            found = [_round(bench) for _ in range(rounds)]
    finally:
        os.sched_setaffinity(0, set(cores))
    invalid = sum(not step["valid"] for each in found for server in each["steps"].values() for step in server)
    held = {name: [each["held"][name] for each in found] for name in found[0]["held"]}
    return {
        "machine": described(),
        "callers": "silent" if plan.silent else f"speak every {SPEAKS_EVERY_SECONDS:g} s",
        "seconds": plan.seconds,
        "concluded": not invalid,
        "why": f"the generator lagged, or the server's core was not its own, in {invalid} steps" if invalid else "",
        "held": {name: statistics.median_low(each) for name, each in held.items()},
        "rounds": found,
    }


def _round(bench: Bench) -> dict[str, object]:
    """Each server once: the thinnest at one number of calls, the others by steps."""
    plan, core, rime = bench.plan, bench.core, bench.rime_url
    compared = COMPARED_AT if COMPARED_AT in plan.steps else plan.steps[-1]
    with servers.thinnest(core) as server:
        thinnest = bench.step(server, compared)
    steps = {"telebridge": list(_rising(bench, plan.steps, lambda: servers.bridge(core, rime)))}
    if plan.against:
        steps["against"] = list(_rising(bench, plan.steps, lambda: servers.bridge(core, rime, python=plan.against)))
    if plan.pipecat:
        steps["pipecat"] = list(_rising(bench, PIPECAT_STEPS, lambda: servers.pipecat(core, rime, plan.pipecat)))
    for step in (step for each in steps.values() for step in each):
        step["cost_ratio"] = round(step["cpu_us_per_frame"] / thinnest["cpu_us_per_frame"], 2)
    held = {name: max((step["calls"] for step in each if step["holds"]), default=0) for name, each in steps.items()}
    return {"held": held, "compared_at": compared, "steps": {"thinnest": [thinnest], **steps}}


def _rising(
    bench: Bench, steps: Sequence[int], opened: Callable[[], AbstractContextManager[Server]]
) -> Iterator[dict[str, object]]:
    """Steps down to the first that does not hold, each on a fresh server."""
    for calls in steps:
        with opened() as server:
            step = bench.step(server, calls)
        yield step
        if step["valid"] and not step["holds"]:
            return


@contextmanager
def _bench(plan: Plan, core: int) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        voice, speeches = Path(folder) / "voice.ulaw", Path(folder) / "speeches.json"
        people = recordings(80)
        voice.write_bytes(_voice(people[1::2]))
        if not plan.silent:
            speeches.write_text(json.dumps([_speech(each) for each in people[::2]]))
        with servers.rime(voice, chunk_ms=CHUNK_MS) as url:
            yield Bench(plan, core, "" if plan.silent else str(speeches), url)


def _voice(people: Sequence[Recording]) -> bytes:
    """What prompts sound like: people who say one thing after another."""
    audio = b"".join(each.mulaw(0) for each in people)
    return audio[: VOICE_SECONDS * 8000]


def _speech(recording: Recording) -> dict[str, object]:
    audio = recording.mulaw(0)[: SPEECH_FRAMES * FRAME_BYTES]
    frames = [audio[start : start + FRAME_BYTES] for start in range(0, len(audio) - FRAME_BYTES + 1, FRAME_BYTES)]
    return {
        "payloads": [b64encode(frame).decode() for frame in frames],
        "onset": recording.onset // FRAME_BYTES,
        "before_end": (FRAME_BYTES - recording.onset % FRAME_BYTES) / 8000,
    }
