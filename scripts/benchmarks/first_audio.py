"""From the voice webhook to the first audio at the caller: the real bridge with the local voice, nothing cached.

The bridge is `telebridge serve` in a process of its own; the local Twilio calls it, one call after the other, each with
a text that was never said before.
"""

import asyncio
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import described

from telebridge.simulator.account import Simulator
from telebridge.simulator.options import AUTH_TOKEN, SimulatorOptions
from telebridge.simulator.recording import Kind
from telebridge.simulator.script_text import parse_script

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
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bench.yaml").write_text(FLOW)
        environment = {
            **os.environ,
            "TELEBRIDGE_FLOWS_DIR": folder,
            "TELEBRIDGE_DEFAULT_FLOW": "bench",
            "TELEBRIDGE_STATE_DIR": folder,
            "TELEBRIDGE_RIME__PROTOCOL": protocol,
            "TELEBRIDGE_RIME__MODEL": model,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        }
        command = [sys.executable, "-m", "telebridge", "serve", "--port", "0"]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            url = re.search(r"listens on (\S+)", process.stdout.readline()).group(1)
            firsts, late = asyncio.run(_calls(url, calls))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(15)
            process.stdout.close()
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
    watch = asyncio.create_task(_watch_loop(late))
    try:
        firsts = [await _call(simulator, url, index) for index in range(calls + WARM_UP)]
    finally:
        watch.cancel()
        await simulator.aclose()
    return firsts[WARM_UP:], late


async def _call(simulator: Simulator, url: str, index: int) -> float:
    heard: list[float] = []

    def note(event) -> None:
        if event.kind is Kind.MEDIA and not heard:
            heard.append(time.perf_counter())

    number = f"+1555{os.getpid() % 1000:03}{index:04}"
    began = time.perf_counter()
    script = parse_script("wait; hang up")
    placed = simulator.place_inbound_call(f"{url}/twilio/voice", script, from_number=number, watch=note)
    async with asyncio.timeout(20):
        await placed.finished
    return (heard[0] - began) * 1000


async def _watch_loop(late: list[float]) -> None:
    while True:
        due = asyncio.get_running_loop().time() + 0.01
        await asyncio.sleep(0.01)
        late.append(max(0.0, asyncio.get_running_loop().time() - due) * 1000)
