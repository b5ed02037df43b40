"""Calls whose callers interrupt: how many one core carries, and what each frame, chunk and call costs.

Each call asks the webhook, opens its stream, hears one prompt of 15 seconds after another, and a person speaks over it
every 6 seconds. Rime is a process of its own that sends four times as fast as audio plays; nothing is cached. The
server has one core, Rime and the callers the other. The number of calls rises by steps, each on a fresh server, until
one does not hold. A step holds when 99 of 100 chunks reach the call within 20 ms after they left Rime, no caller heard
a gap, each interruption was heard, and nothing else was. The thinnest aiohttp server reads the same messages in the
same round; the ratio of the costs is what counts, because machines differ and are shared.
"""

import asyncio
import base64
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from fake_rime import MAGIC, STAMP
from interruptions.human_speech import Recording, recordings
from load import FRAME_SECONDS, SLOTS, MediaCall
from machine import HERE, bridge_settings, cpu_seconds, described, resident_bytes, running, server

PROMPT = (
    "Thank you for calling the town library, where every reader is welcome on every day of the week from nine in the "
    "morning until eight in the evening and where all that you have borrowed can be kept for as long as nobody else "
    "has asked"
)
"""225 characters without a full stop, which is one synthesis of 15 seconds."""
PROMPTS = 200
"""More than any call hears: a flow whose silent caller goes round for ever is refused."""
NODES = "".join(f'  p{each}: {{say: "{PROMPT}.", then: p{each + 1}}}\n' for each in range(PROMPTS))
FLOW = f"flow: bench\nstart: p0\nnodes:\n{NODES}  p{PROMPTS}: {{hang_up: null}}\n"
STEPS = (25, 50, 75, 100, 150, 200, 250, 300, 400, 500, 600)
COMPARED_AT = 200
SPEAKS_EVERY_SECONDS = 6.0
SPEECH_FRAMES = 70
MISSED_AFTER_SECONDS = 1.0
ECHOED_SECONDS = 1.0
"""A clear so long after the end of speech is still its effect: a pause may become an interruption."""
ARRIVALS_A_SECOND = 25.0
CHUNK_BAR_MS = 20.0
LATE_MS = 20.0
"""A generator that is later than a frame measures itself: the step is not concluded from."""
SILENCE = base64.b64encode(b"\xff" * 160)


@dataclass
class Figures:
    """What all calls of a step saw while it was measured."""

    measured: bool = False
    chunk_ms: list[float] = field(default_factory=list)
    clear_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    underruns: int = 0
    missed: int = 0
    false: int = 0
    frames: int = 0
    closed: int = 0


@dataclass(frozen=True)
class Speech:
    """Somebody's speech as payloads of frames; `onset` is the frame in which they begin."""

    payloads: tuple[bytes, ...]
    onset: int


class Talker(MediaCall):
    """A caller who speaks every few seconds, and what they hear."""

    def __init__(self, path: str, call_sid: str, speeches: Sequence[Speech], first_seconds: float, figures: Figures):
        super().__init__(path, call_sid)
        self._speeches = speeches
        self._next_at = int(first_seconds / FRAME_SECONDS)
        self._figures = figures
        self._number = 0
        self._speech: Speech | None = None
        self._place = 0
        self._onset_at: float | None = None
        self._cleared = True
        self._effect_until = 0.0
        self._newest_stamp = 0.0
        self._sid = self.stream_sid.encode()

    def send_frame(self, now: float) -> None:
        super().send_frame(now)
        if self._onset_at is not None and now - self._onset_at > MISSED_AFTER_SECONDS:
            self._onset_at = None
            self._figures.missed += self._figures.measured
        self._figures.frames += self._figures.measured

    @property
    def frame(self) -> bytes:
        """The next message."""
        payload = self._next_payload()
        self._number += 1
        content = (
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d","timestamp":"%d",'
            b'"payload":"%b"},"streamSid":"%b"}'
            % (self._number + 1, self._number, self._number * 20 - 20, payload, self._sid)
        )
        return b"\x81\xfe" + len(content).to_bytes(2, "big") + bytes(4) + content

    @frame.setter
    def frame(self, _: bytes) -> None:
        """The parent's message is of silence only."""

    def _next_payload(self) -> bytes:
        if self._speech is None:
            if self._number < self._next_at or not self._speeches:
                return SILENCE
            self._speech = self._speeches[self._next_at % len(self._speeches)]
            self._place = 0
            self._next_at += int(SPEAKS_EVERY_SECONDS / FRAME_SECONDS)
        payload, speech, now = self._speech.payloads[self._place], self._speech, time.perf_counter()
        if self._place == speech.onset and self.heard.plays_until > now + 0.1 and not self._cleared:
            self._onset_at = now
        self._effect_until = now + ECHOED_SECONDS
        self._place += 1
        if self._place == len(speech.payloads):
            self._speech = None
        return payload

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 1 and payload.startswith(b'{"event":"clear"'):
            self._clear(time.perf_counter())
        else:
            super()._take(opcode, payload)

    def _clear(self, now: float) -> None:
        figures = self._figures
        if self._onset_at is not None:
            if figures.measured:
                figures.clear_ms.append((now - self._onset_at) * 1000)
            self._onset_at = None
        elif now > self._effect_until:
            figures.false += figures.measured
        self._cleared = True
        self.heard.plays_until = now
        self._marks = [(now, name) for _, name in self._marks]

    def _play(self, audio: bytes, now: float) -> None:
        at, figures = audio.find(MAGIC), self._figures
        if at >= 0 and len(audio) - at >= STAMP.size:
            _, left_at, number = STAMP.unpack_from(audio, at)
            if left_at > self._newest_stamp:
                self._newest_stamp = left_at
                if figures.measured:
                    figures.chunk_ms.append((now - left_at) * 1000)
                if number and not self._cleared and now > self.heard.plays_until:
                    figures.underruns += figures.measured
        self._cleared = False
        self.heard.audio_bytes += len(audio)
        self.heard.plays_until = max(self.heard.plays_until, now) + len(audio) / 8000

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._figures.closed += self._figures.measured


def run(*, most: int, seconds: float, rounds: int, silent: bool) -> dict[str, object]:
    """Measure; return the figures of every step of every round, and what was held."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return {"concluded": False, "why": "one core for the server and one for the callers are needed"}
    speeches = [] if silent else [_speech(each) for each in recordings(40)]
    os.sched_setaffinity(0, {cores[1]})
    try:
        found = [_round(most, seconds, speeches, core=cores[0]) for _ in range(rounds)]
    finally:
        os.sched_setaffinity(0, set(cores))
    held = [each["held"] for each in found]
    lagged = sum(not step["concluded"] for each in found for step in each["steps"])
    return {
        "machine": described(),
        "callers": "silent" if silent else f"speak every {SPEAKS_EVERY_SECONDS:g} s",
        "seconds": seconds,
        "concluded": not lagged,
        "why": f"the generator lagged in {lagged} steps" if lagged else "",
        "held": statistics.median_low(held),
        "held_in_each_round": held,
        "rounds": found,
    }


def _round(most: int, seconds: float, speeches: Sequence[Speech], *, core: int) -> dict[str, object]:
    compared = min(COMPARED_AT, most)
    with server("thinnest", core=core) as (pid, port):
        thinnest = asyncio.run(_load(pid, f"http://127.0.0.1:{port}", compared, seconds, speeches, webhook=False))
    steps: list[dict[str, object]] = []
    held = 0
    for calls in (step for step in STEPS if step <= most):
        with _bridge(core) as (pid, url):
            step = asyncio.run(_load(pid, url, calls, seconds, speeches, webhook=True))
        step["cost_ratio"] = round(step["cpu_us_per_frame"] / thinnest["cpu_us_per_frame"], 2)
        steps.append(step)
        sys.stderr.write(f"{calls} calls: {'held' if step['holds'] else 'not held'} {json.dumps(step)}\n")
        if not step["holds"]:
            break
        held = calls
    return {"held": held, f"thinnest_cpu_us_per_frame_at_{compared}": thinnest["cpu_us_per_frame"], "steps": steps}


@contextmanager
def _bridge(core: int) -> Iterator[tuple[int, str]]:
    """`telebridge serve` on one core, with a Rime on ours; gives its process id and address."""
    with tempfile.TemporaryDirectory() as folder, _rime() as port:
        (Path(folder) / "bench.yaml").write_text(FLOW)
        settings = bridge_settings(folder) | {
            "TWILIO_AUTH_TOKEN": "",
            "RIME_API_KEY": "bench",
            "TELEBRIDGE_RIME__URL": f"ws://127.0.0.1:{port}",
            "TELEBRIDGE_PROMPTS__ENABLED": "false",
        }
        with running("serve", "--port", "0", **settings) as (process, url):
            for task in Path(f"/proc/{process.pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), {core})
            yield process.pid, url


@contextmanager
def _rime() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, HERE / "fake_rime.py"], stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def _speech(recording: Recording) -> Speech:
    audio = recording.mulaw(0)[: SPEECH_FRAMES * 160]
    frames = [base64.b64encode(audio[start : start + 160]) for start in range(0, len(audio) // 160 * 160, 160)]
    return Speech(tuple(frames), recording.onset // 160)


async def _load(
    pid: int, url: str, calls: int, seconds: float, speeches: Sequence[Speech], *, webhook: bool
) -> dict[str, object]:
    figures, chance, loop = Figures(), random.Random(calls), asyncio.get_running_loop()
    address = url.removeprefix("http://").split(":")
    resting = resident_bytes(pid)
    talkers: list[Talker] = []
    pumping = asyncio.create_task(_pump(talkers, figures))
    async with aiohttp.ClientSession() as session:
        for index in range(calls):
            due = loop.time() + 1 / ARRIVALS_A_SECOND
            path, sid = await _path(session, url, f"{index:032x}", webhook=webhook)
            talker = Talker(path, sid, speeches, chance.uniform(3, 3 + SPEAKS_EVERY_SECONDS), figures)
            await asyncio.get_running_loop().create_connection(
                lambda talker=talker: talker, address[0], int(address[1])
            )
            if not await talker.upgraded:
                raise RuntimeError(f"call {index} was refused")
            talker.start()
            talkers.append(talker)
            await asyncio.sleep(max(0.0, due - loop.time()))
        await asyncio.sleep(SPEAKS_EVERY_SECONDS)
        figures.measured = True
        began, cpu = time.perf_counter(), cpu_seconds(pid)
        await asyncio.sleep(seconds)
        elapsed, used, grown = time.perf_counter() - began, cpu_seconds(pid) - cpu, resident_bytes(pid) - resting
        figures.measured = False
        pumping.cancel()
        await _hang_up(session, url, talkers, webhook=webhook)
    late = _percentile(figures.late_ms, 99)
    chunk_p99 = _percentile(figures.chunk_ms, 99)
    silent = not speeches or not webhook
    return {
        "calls": calls,
        "holds": chunk_p99 < CHUNK_BAR_MS
        and not (figures.underruns or figures.missed or figures.false or figures.closed)
        and bool(figures.chunk_ms)
        and (silent or bool(figures.clear_ms)),
        "concluded": late <= LATE_MS,
        "chunks": len(figures.chunk_ms),
        "chunk_ms_p50": round(_percentile(figures.chunk_ms, 50), 2),
        "chunk_ms_p99": round(chunk_p99, 2),
        "interruptions": len(figures.clear_ms),
        "clear_ms_p50": round(_percentile(figures.clear_ms, 50), 1),
        "clear_ms_p95": round(_percentile(figures.clear_ms, 95), 1),
        "underruns": figures.underruns,
        "missed": figures.missed,
        "false": figures.false,
        "closed": figures.closed,
        "cpu_us_per_frame": round(used / figures.frames * 1e6, 1),
        "core_used": round(used / elapsed, 3),
        "kilobytes_per_call": round(grown / calls / 1000, 1),
        "generator_late_ms_p99": round(late, 2),
    }


async def _pump(talkers: list[Talker], figures: Figures) -> None:
    """Send a frame of each call every 20 ms, the calls spread over them, until it is cancelled."""
    loop = asyncio.get_running_loop()
    begin, slot = loop.time(), 0
    while True:
        due = begin + slot * FRAME_SECONDS / SLOTS
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        if figures.measured:
            figures.late_ms.append(max(0.0, loop.time() - due) * 1000)
        now = time.perf_counter()
        for talker in talkers[slot % SLOTS :: SLOTS]:
            if not talker.heard.closed:
                talker.send_frame(now)
        slot += 1


async def _path(session: aiohttp.ClientSession, url: str, number: str, *, webhook: bool) -> tuple[str, str]:
    """Where a call's stream goes, as the webhook answers it."""
    sid = f"CA{number}"
    if not webhook:
        return f"/twilio/media/{sid}", sid
    form = {"CallSid": sid, "From": "+15550001111", "To": "+15550002222", "Direction": "inbound"}
    async with session.post(f"{url}/twilio/voice", data=form) as answer:
        document = await answer.text()
    return re.search(r"/twilio/media/[^\"]+", document).group(), sid


async def _hang_up(session: aiohttp.ClientSession, url: str, talkers: list[Talker], *, webhook: bool) -> None:
    """End the streams, and report the end of each call as Twilio does: a server waits for calls that may come back."""
    for talker in talkers:
        talker.stop()
        if webhook:
            form = {"CallSid": talker.call_sid, "CallStatus": "completed"}
            async with session.post(f"{url}/twilio/status", data=form):
                pass
    await asyncio.sleep(0.2)


def _percentile(values: Sequence[float], part: int) -> float:
    return statistics.quantiles(values, n=100)[part - 1] if len(values) > 1 else 0.0
