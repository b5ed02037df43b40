"""From the voice webhook to the first audio at the caller: the real bridge with the local voice, nothing cached.

The bridge is `telebridge serve` in a process of its own; the local Twilio calls it, one call after the other, each with
a text that was never said before.
"""

import asyncio
import os
import statistics
import time

from machine import described, watch_loop, whole_bridge

from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.setup.options import SimulatorOptions

FLOW = """
flow: bench
start: prompt
nodes:
  prompt: {say: "Good morning, this is a call for number {{ from }}, and it was never made before.", then: bye}
  bye: {hang_up: null}
"""
BAR_MS = 60.0
LATE_MS = 20.0
WARM_UP = 3


def run(*, calls: int, protocol: str, model: str) -> dict[str, object]:
    """Measure; answers with the figures of every call and their quantiles."""
    with whole_bridge(FLOW, TELEBRIDGE_RIME__PROTOCOL=protocol, TELEBRIDGE_RIME__MODEL=model) as url:
        firsts, late = asyncio.run(_calls(url, calls))
    lagged = statistics.quantiles(late, n=100)[98] > LATE_MS
    p50 = statistics.median(firsts)
    return {
        "calls": calls,
        "protocol": protocol,
        "model": model,
        "machine": described(),
        "concluded": not lagged,
        "why": "the generator lagged" if lagged else "",
        "p50_ms": round(p50, 1),
        "p95_ms": round(statistics.quantiles(firsts, n=20)[18], 1),
        "max_ms": round(max(firsts), 1),
        "bars_met": {"p50_ms": p50 < BAR_MS},
        "runs_ms": [round(each, 1) for each in firsts],
    }


async def _calls(url: str, calls: int) -> tuple[list[float], list[float]]:
    """Milliseconds to the first audio of each call, and how late the generator's own loop was."""
    simulator = Simulator(SimulatorOptions())
    late: list[float] = []
    watch = asyncio.create_task(watch_loop(late))
    try:
        firsts = [await _call(simulator, url, index) for index in range(calls + WARM_UP)]
    finally:
        watch.cancel()
        await simulator.aclose()
    return firsts[WARM_UP:], late


async def _call(simulator: Simulator, url: str, index: int) -> float:
    heard: list[float] = []

    def note(event) -> None:
        if event.kind is EventKind.MEDIA and not heard:
            heard.append(time.perf_counter())

    number = f"+1555{os.getpid() % 1000:03}{index:04}"
    began = time.perf_counter()
    script = parse_script("wait; hang up")
    placed = simulator.place_inbound_call(
        f"{url}/twilio/voice", script, from_number=number, status_callback=f"{url}/twilio/status", watch=note
    )
    async with asyncio.timeout(20):
        await placed.finished
    return (heard[0] - began) * 1000
