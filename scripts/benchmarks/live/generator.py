"""The callers of one step, a process of its own: `python -m live.generator` reads a `Load`, and prints what it saw.

Calls arrive one by one: the webhook first, then the stream. All send a frame each 20 ms, by absolute deadlines, spread
over the 20 ms. When all are there and a while has gone by, they are measured; then each hangs up, and the server is
told so as Twilio tells it.
"""

import asyncio
import gc
import json
import random
import re
import socket
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import msgspec
import uvloop

from live.processes import cpu_seconds, family, proportional_bytes, waited_seconds
from live.talker import FRAME_SECONDS, Figures, Speech, Talker
from telebridge.twilio.request_signature import webhook_signature

SLOTS = 20
WARM_UP_SECONDS = 2.5
STREAM = re.compile(r"(/twilio/media/[^\"]+)")


class Load(msgspec.Struct):
    """What is to be done.

    Args:
        pid: The server's process; those that it started count, too.
        url: Where it listens.
        calls: How many calls.
        seconds: How long they are measured.
        settle_seconds: How long it takes from the last arrival until they are.
        arrivals_a_second: How many calls begin in a second.
        webhook: Whether a webhook tells where the stream is; if not, it is under `/twilio/media`.
        auth_token: Signs the webhooks.
        speeches: File of what the callers say; empty when they are silent.
        every_seconds: How long it takes until a caller speaks again.
        paced: Whether the server sends audio as fast as it is played, and thus never has much of it ahead.
    """

    pid: int
    url: str
    calls: int
    seconds: float
    settle_seconds: float
    arrivals_a_second: float
    webhook: bool
    auth_token: str
    speeches: str
    every_seconds: float
    paced: bool = False


class Callers:
    """All calls of a server."""

    def __init__(self, load: Load, session: aiohttp.ClientSession) -> None:
        self.figures = Figures()
        self.talkers: list[Talker] = []
        self.late_ms: list[float] = []
        self.refused_ms: list[float] = []
        self.begun_ms: list[float] = []
        self._load, self._session = load, session
        self._speeches = _speeches(load.speeches)
        self._slots: list[list[Talker]] = [[] for _ in range(SLOTS)]
        self._chance = random.Random(load.calls)
        host, _, port = load.url.removeprefix("http://").partition(":")
        self._address = host, int(port)
        self._slot, self._began = 0, time.perf_counter()
        self._tick()

    async def begin(self, index: int) -> None:
        """A call comes in; a refused one is noted."""
        sid, asked_at = f"CA{index:032x}", time.perf_counter()
        path = await self._path(sid)
        if path is None:
            self.refused_ms.append((time.perf_counter() - asked_at) * 1000)
            return
        talker = await self._connected(path, sid)
        if not await talker.upgraded:
            self.refused_ms.append((time.perf_counter() - asked_at) * 1000)
            return
        self.begun_ms.append((time.perf_counter() - asked_at) * 1000)
        talker.start()
        self.talkers.append(talker)
        self._slots[index * 7 % SLOTS].append(talker)

    async def end(self, talkers: Sequence[Talker]) -> None:
        """These callers hang up, and Twilio reports that their calls have ended."""
        for talker in talkers:
            talker.stop()
        gone = set(talkers)
        self.talkers = [each for each in self.talkers if each not in gone]
        self._slots = [[each for each in slot if each not in gone] for slot in self._slots]
        if self._load.webhook:
            forms = [{"CallSid": talker.call_sid, "CallStatus": "completed"} for talker in talkers]
            await asyncio.gather(*(self._post("/twilio/status", form) for form in forms))

    async def _path(self, sid: str) -> str | None:
        if not self._load.webhook:
            return f"/twilio/media/{sid}"
        form = {"CallSid": sid, "From": "+15550001111", "To": "+15550002222", "Direction": "inbound"}
        found = STREAM.search(await self._post("/twilio/voice", form))
        return None if found is None else found[1]

    async def _post(self, path: str, form: dict[str, str]) -> str:
        url = f"{self._load.url}{path}"
        signature = webhook_signature(self._load.auth_token, url, form)
        async with self._session.post(url, data=form, headers={"X-Twilio-Signature": signature}) as answer:
            return await answer.text()

    async def _connected(self, path: str, sid: str) -> Talker:
        loop = asyncio.get_running_loop()
        line = socket.socket()
        line.setblocking(False)  # noqa: FBT003 - the method's only argument
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(line, self._address)
        host = f"{self._address[0]}:{self._address[1]}"
        signature = webhook_signature(self._load.auth_token, f"ws://{host}{path}", {})
        talker = Talker(
            line,
            path,
            sid,
            {"Host": host, "X-Twilio-Signature": signature},
            speeches=self._speeches[len(self.talkers) % 7 :] if self._speeches else (),
            first_seconds=0.5 + (self._chance.uniform(0, self._load.every_seconds) if self.talkers else 0.0),
            every_seconds=self._load.every_seconds,
            figures=self.figures,
        )
        if self._load.paced:
            talker.ahead_seconds = 0.0
        await loop.create_connection(lambda: talker, sock=line)
        return talker

    def _tick(self) -> None:
        """Send a frame of each call that is due."""
        now = time.perf_counter()
        measured, late = self.figures.measured, self.late_ms
        while (due := self._began + self._slot * FRAME_SECONDS / SLOTS) <= now:
            if measured:
                late.append((now - due) * 1000)
            for talker in self._slots[self._slot % SLOTS]:
                if not talker.closed:
                    talker.send_frame(now)
            self._slot += 1
            now = time.perf_counter()
        asyncio.get_running_loop().call_later(0.001, self._tick)


async def run(load: Load) -> dict[str, object]:
    """All of one step."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        callers = Callers(load, session)
        resting = await _warmed_up(callers, load.pid)
        await arrive(callers, load)
        await asyncio.sleep(load.settle_seconds)
        gc.collect()
        gc.freeze()
        gc.disable()
        measured = await _measure(callers, load)
        measured["kilobytes_per_call"] = round((_memory(load.pid) - resting) / max(1, len(callers.talkers)) / 1000, 1)
        await callers.end(callers.talkers)
    return measured


async def _warmed_up(callers: Callers, pid: int) -> int:
    """One call first, so that what a process loads once is not counted for each call. Returns the memory afterwards."""
    await callers.begin((1 << 64) - 1)
    await asyncio.sleep(WARM_UP_SECONDS)
    await callers.end(callers.talkers)
    await asyncio.sleep(0.2)
    callers.begun_ms.clear()
    return _memory(pid)


def _memory(pid: int) -> int:
    return sum(proportional_bytes(each) for each in family(pid))


async def arrive(callers: Callers, load: Load) -> None:
    """The calls begin one after the other; returns when all have begun or were refused."""
    began, beginning = time.perf_counter(), set()
    for index in range(load.calls):
        if (wait := began + index / load.arrivals_a_second - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        beginning.add(asyncio.create_task(callers.begin(index)))
    await asyncio.gather(*beginning)


async def _measure(callers: Callers, load: Load) -> dict[str, object]:
    figures, live, pids = callers.figures, len(callers.talkers), family(load.pid)
    began, cpu, waited = time.perf_counter(), [cpu_seconds(pid) for pid in pids], waited_seconds(load.pid)
    own = time.process_time()
    figures.measured = True
    await asyncio.sleep(load.seconds)
    figures.measured = False
    elapsed = time.perf_counter() - began
    each_used = [cpu_seconds(pid) - before for pid, before in zip(pids, cpu, strict=True)]
    used = sum(each_used)
    return {
        "calls": load.calls,
        "live": live,
        "refused": len(callers.refused_ms),
        "refused_ms_p99": percentile(callers.refused_ms, 99),
        "begun_ms_p99": percentile(callers.begun_ms, 99),
        "cpu_us_per_frame": round(used / max(1, figures.frames) * 1e6, 1),
        "core_used": round(used / elapsed, 3),
        "busiest_core_used": round(max(each_used) / elapsed, 3),
        "core_waited_for": max(0.0, round((waited_seconds(load.pid) - waited) / elapsed, 3)),
        "frames": figures.frames,
        "chunks": figures.chunks,
        "chunk_ms_p50": percentile(figures.chunk_ms, 50),
        "chunk_ms_p99": percentile(figures.chunk_ms, 99),
        "first_chunk_ms_p99": percentile(figures.first_chunk_ms, 99),
        "interruptions": len(figures.clear_ms),
        "clear_ms_p50": percentile(figures.clear_ms, 50),
        "clear_ms_p95": percentile(figures.clear_ms, 95),
        "underruns": figures.underruns,
        "missed": figures.missed,
        "false": figures.false,
        "closed": figures.closed,
        "unread": figures.unread,
        "generator_late_ms_p99": percentile(callers.late_ms, 99),
        "generator_core_used": round((time.process_time() - own) / elapsed, 3),
    }


def percentile(values: Sequence[float], part: int) -> float:
    """This percentile, in hundredths; 0 where there is nothing."""
    if len(values) < 2:
        return round(values[0], 2) if values else 0.0
    return round(statistics.quantiles(values, n=100)[part - 1], 2)


def _speeches(file: str) -> list[Speech]:
    if not file:
        return []
    return [
        Speech(tuple(payload.encode() for payload in each["payloads"]), each["onset"], each["before_end"])
        for each in json.loads(Path(file).read_text())
    ]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(uvloop.run(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Load)))) + "\n")
