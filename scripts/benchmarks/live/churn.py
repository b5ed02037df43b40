"""Calls that come and go, a process of its own: `python -m live.churn` reads a `Churn`, and prints samples.

There are always as many calls. The oldest hangs up whenever a new one has begun.
"""

import asyncio
import json
import re
import sys
import time

import aiohttp
import msgspec
import uvloop

from live.generator import WARM_UP_SECONDS, Callers, Load, arrive, percentile
from live.processes import cpu_seconds, descriptors, family, proportional_bytes

TASKS = re.compile(r"^telebridge_tasks (\S+)$", re.MULTILINE)
COUNTED = ("frames", "chunks", "underruns", "missed", "false", "closed")


class Churn(msgspec.Struct):
    """What is to be done.

    Args:
        load: The calls; they are measured for `load.seconds`.
        lasts_seconds: How long a call lasts.
        sample_seconds: How long it takes from one sample to the next.
    """

    load: Load
    lasts_seconds: float
    sample_seconds: float


async def run(churn: Churn) -> dict[str, object]:
    """All of it: a sample of the server that has had one call, samples under load, and one after the last call."""
    load, samples = churn.load, []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        callers = Callers(load, session)
        await callers.begin((1 << 64) - 1)
        await asyncio.sleep(WARM_UP_SECONDS)
        await callers.end(callers.talkers)
        await asyncio.sleep(load.settle_seconds)
        before = await _server(load, session)
        await arrive(callers, load)
        renewing = asyncio.create_task(_renew(callers, churn))
        await asyncio.sleep(load.settle_seconds)
        callers.figures.measured = True
        began = time.perf_counter()
        while (now := time.perf_counter() - began) < load.seconds and not renewing.done():
            await asyncio.sleep((len(samples) + 1) * churn.sample_seconds - now)
            samples.append({"at_seconds": round(time.perf_counter() - began, 1), **await _server(load, session)})
        callers.figures.measured = False
        renewing.cancel()
        await callers.end(callers.talkers)
    await asyncio.sleep(load.settle_seconds)
    async with aiohttp.ClientSession() as session:
        after = await _server(load, session)
    return {
        "calls": load.calls,
        "calls_in_all": len(callers.begun_ms),
        "refused": len(callers.refused_ms),
        "interruptions": len(callers.figures.clear_ms),
        "clear_ms_p95": percentile(callers.figures.clear_ms, 95),
        "chunk_ms_p99": percentile(callers.figures.chunk_ms, 99),
        "generator_late_ms_p99": percentile(callers.late_ms, 99),
        **{name: getattr(callers.figures, name) for name in COUNTED},
        "before": before,
        "samples": samples,
        "after": after,
    }


async def _renew(callers: Callers, churn: Churn) -> None:
    """Begin a call and end the oldest, again and again at absolute times."""
    every = churn.lasts_seconds / churn.load.calls
    began, index = time.perf_counter(), churn.load.calls
    while True:
        await asyncio.sleep(max(0.0, began + (index - churn.load.calls + 1) * every - time.perf_counter()))
        await callers.begin(index)
        await callers.end(callers.talkers[:1])
        index += 1


async def _server(load: Load, session: aiohttp.ClientSession) -> dict[str, float | None]:
    pids = family(load.pid)
    async with session.get(f"{load.url}/metrics") as answer:
        tasks = TASKS.search(await answer.text())
    return {
        "megabytes": round(sum(proportional_bytes(pid) for pid in pids) / 1e6, 2),
        "descriptors": sum(descriptors(pid) for pid in pids),
        "tasks": None if tasks is None else int(float(tasks[1])),
        "cpu_seconds": round(sum(cpu_seconds(pid) for pid in pids), 2),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(uvloop.run(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Churn)))) + "\n")
