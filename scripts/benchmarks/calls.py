"""Two hundred calls at once: gaps, memory for each call, and processor time for each frame beside the least there is.

The server has one core and the generator the other. Both servers read the same messages in the same run; the ratio of
their costs is what counts, because machines differ and are shared.
"""

import asyncio
import os
import re
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp
from load import FRAME_SECONDS, MediaCall, pump
from machine import cpu_seconds, described, resident_bytes, server

FLOW = """
flow: bench
start: prompt
nodes:
  prompt: {say: "A prompt that is longer than the run.", then: bye}
  bye: {hang_up: null}
"""
LATE_MS = 20.0
"""A generator that is later than a frame measures itself: the run is not concluded from."""


def run(*, calls: int, seconds: float, repeats: int) -> dict[str, object]:
    """Measure; answers with the figures of every repetition and their medians."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return {"concluded": False, "why": "one core for the server and one for the generator are needed"}
    os.sched_setaffinity(0, {cores[1]})
    try:
        runs = [_one(calls, seconds, core=cores[0]) for _ in range(repeats)]
    finally:
        os.sched_setaffinity(0, set(cores))
    lagged = [each for each in runs if each["generator_late_ms_p99"] > LATE_MS]
    medians = {name: statistics.median(each[name] for each in runs) for name in runs[0]}
    bars = {
        "underruns": medians["underruns"] == 0,
        "kilobytes_per_call": medians["kilobytes_per_call"] <= 150,
        "cost_ratio": medians["cost_ratio"] <= 2.5,
    }
    return {
        "calls": calls,
        "seconds": seconds,
        "machine": described(),
        "concluded": not lagged,
        "why": f"the generator lagged in {len(lagged)} of {repeats} runs" if lagged else "",
        "medians": medians,
        "bars_met": bars,
        "runs": runs,
    }


def _one(calls: int, seconds: float, *, core: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bench.yaml").write_text(FLOW)
        with server("thinnest", core=core) as (pid, port):
            thin = asyncio.run(_load(pid, port, calls, seconds, webhook=False))
        with server("bridge", folder, str(seconds + 5), core=core) as (pid, port):
            ours = asyncio.run(_load(pid, port, calls, seconds, webhook=True))
    return {
        "cpu_us_per_frame": round(ours["cpu_us_per_frame"], 1),
        "thinnest_cpu_us_per_frame": round(thin["cpu_us_per_frame"], 1),
        "cost_ratio": round(ours["cpu_us_per_frame"] / thin["cpu_us_per_frame"], 2),
        "kilobytes_per_call": round(ours["kilobytes_per_call"], 1),
        "underruns": ours["underruns"],
        "calls_heard": ours["calls_heard"],
        "audio_seconds_per_call": round(ours["audio_seconds_per_call"], 2),
        "server_core_used": round(ours["core_used"], 3),
        "generator_late_ms_p99": round(max(ours["late_ms_p99"], thin["late_ms_p99"]), 2),
    }


async def _load(pid: int, port: int, calls: int, seconds: float, *, webhook: bool) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as session:
        resting = await _warmed_up(session, pid, port, webhook=webhook)
        lines = []
        for index in range(calls):
            path, sid = await _path(session, port, f"{index:032x}", webhook=webhook)
            _, line = await loop.create_connection(lambda path=path, sid=sid: MediaCall(path, sid), "127.0.0.1", port)
            if not await line.upgraded:
                raise RuntimeError(f"call {index} was refused")
            lines.append(line)
    for line in lines:
        line.start()
    began, cpu = time.perf_counter(), cpu_seconds(pid)
    late = await pump(lines, seconds)
    elapsed, used = time.perf_counter() - began, cpu_seconds(pid) - cpu
    grown = resident_bytes(pid) - resting
    for line in lines:
        line.stop()
    await asyncio.sleep(0.2)
    frames = calls * int(seconds / FRAME_SECONDS)
    return {
        "cpu_us_per_frame": used / frames * 1e6,
        "core_used": used / elapsed,
        "kilobytes_per_call": grown / calls / 1000,
        "underruns": sum(line.heard.underruns for line in lines),
        "calls_heard": sum(line.heard.first_audio_at is not None for line in lines),
        "audio_seconds_per_call": statistics.mean(line.heard.audio_bytes for line in lines) / 8000,
        "late_ms_p99": statistics.quantiles(late, n=100)[98],
    }


async def _warmed_up(session: aiohttp.ClientSession, pid: int, port: int, *, webhook: bool) -> int:
    """One call first, so that what a process loads once is not counted for each call."""
    path, sid = await _path(session, port, "f" * 32, webhook=webhook)
    _, line = await asyncio.get_running_loop().create_connection(lambda: MediaCall(path, sid), "127.0.0.1", port)
    await line.upgraded
    line.start()
    await pump([line], 1.0)
    line.stop()
    await asyncio.sleep(0.2)
    return resident_bytes(pid)


async def _path(session: aiohttp.ClientSession, port: int, number: str, *, webhook: bool) -> tuple[str, str]:
    """Where a call's stream goes, as the webhook answers it."""
    sid = f"CA{number}"
    if not webhook:
        return f"/twilio/media/{sid}", sid
    form = {"CallSid": sid, "From": "+15550001111", "To": "+15550002222", "Direction": "inbound"}
    async with session.post(f"http://127.0.0.1:{port}/twilio/voice", data=form) as answer:
        document = await answer.text()
    return re.search(r"/twilio/media/[^\"]+", document).group(), sid
