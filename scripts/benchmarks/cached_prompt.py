"""A prompt that was spoken before, with Rime unreachable: from the key that leads to its node to its first audio.

The prompts are rendered against a speech server that is then stopped; the bridge that is measured cannot reach it, and
has no other voice. The time is from when the local Twilio sends the key until it has the first message of the prompt.
"""

import asyncio
import os
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from machine import bridge_settings, command, described, running, watch_loop

from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.setup.options import SimulatorOptions

FLOW = """
flow: bench
start: first
nodes:
  first: {menu: "Press one to go on.", choices: {1: second}}
  second: {menu: "This is the second question. Press one to go on.", choices: {1: third}}
  third: {menu: "And this is the third. Press one to go back to the first.", choices: {1: first}}
"""
SCRIPT = "wait; silence 300ms; press 1; wait; silence 300ms; press 1; wait; silence 300ms; press 1; wait; hang up"
BAR_MS = 20.0
LATE_MS = 20.0


def run(*, calls: int) -> dict[str, object]:
    """Measure; answers with the time of every prompt and the quantiles."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bench.yaml").write_text(FLOW)
        settings = _settings(folder)
        with running("speech-server", "--port", settings["TELEBRIDGE_RIME__URL"].rpartition(":")[2]):
            subprocess.run(
                command("prompts", "render"), env={**os.environ, **settings}, check=True, capture_output=True
            )
        with running("serve", "--port", "0", **settings) as (_, url):
            times, late = asyncio.run(_calls(url, calls))
    p95 = statistics.quantiles(times, n=20)[18]
    return {
        "calls": calls,
        "prompts": len(times),
        "machine": described(),
        "concluded": statistics.quantiles(late, n=100)[98] <= LATE_MS,
        "why": "",
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(p95, 1),
        "max_ms": round(max(times), 1),
        "bars_met": {"p95_ms": p95 <= BAR_MS},
    }


def _settings(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return {
        **bridge_settings(folder),
        "TELEBRIDGE_RIME__URL": f"ws://127.0.0.1:{port}",
        "TELEBRIDGE_RIME__LOCAL_FALLBACK": "false",
        "RIME_API_KEY": "bench",
    }


async def _calls(url, calls):
    simulator = Simulator(SimulatorOptions())
    times, late = [], []
    watch = asyncio.create_task(watch_loop(late))
    try:
        for _ in range(calls):
            pressed = []

            def note(event, pressed=pressed):
                if event.kind is EventKind.KEY:
                    pressed.append(time.perf_counter())
                elif event.kind is EventKind.MEDIA and pressed:
                    times.append((time.perf_counter() - pressed.pop()) * 1000)

            placed = simulator.place_inbound_call(
                f"{url}/twilio/voice", parse_script(SCRIPT), status_callback=f"{url}/twilio/status", watch=note
            )
            async with asyncio.timeout(60):
                await placed.finished
    finally:
        watch.cancel()
        await simulator.aclose()
    return times, late
