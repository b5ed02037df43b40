"""The way of a caller's frame without sockets: processor time from the WebSocket message to what follows from it.

The calls are whole (protocol, session, detectors, flow, playback) but for the sockets and the voice, which is a
recording that arrives at once. They run on a clock that is set by hand, one frame of every call after another, so that
the same frames have the same consequences in each run; `digest` tells whether two versions of telebridge did the same.
"""

import asyncio
import base64
import gc
import hashlib
import heapq
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from interruptions.human_speech import Recording, recordings, speaker

from telebridge.app.listening import listening_options
from telebridge.audio.mulaw import FRAME_BYTES, from_pcm
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.runner.incoming_call import IncomingCall
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.runner.ports import CallPorts
from telebridge.call.runner.runner import CallRunner
from telebridge.call.session.session import SessionOptions
from telebridge.settings.sections import BargeInSettings
from telebridge.speech.source import Audio
from telebridge.speech.utterance import Utterance

FRAME_SECONDS = 0.020
PROMPT_SECONDS = 15
SPEAKS_EVERY_SECONDS = 6.0
LINE_NOISE_RMS = 20.0  # -64 dBFS
VARIANTS = ("silent", "noise", "barge-in")
PROMPTS = 40


def run(*, calls: int, seconds: float, repeats: int) -> dict[str, object]:
    """Measure each variant; answers with the medians, in microseconds of processor time for each frame."""
    figures: dict[str, object] = {"concluded": True, "calls": calls, "seconds": seconds, "repeats": repeats}
    for variant in VARIANTS:
        runs = [_run_on_own_clock(_one(variant, calls, seconds)) for _ in range(repeats)]
        figures[variant] = {
            "us_per_frame": round(statistics.median(each["us_per_frame"] for each in runs), 2),
            "us_per_frame_least": round(min(each["us_per_frame"] for each in runs), 2),
            "clears": runs[0]["clears"],
            "digest": runs[0]["digest"],
        }
    return figures


class _OwnClock(asyncio.SelectorEventLoop):
    """An event loop whose time is set by hand."""

    now = 1000.0

    def time(self) -> float:
        return self.now


def _run_on_own_clock(main: object) -> dict[str, object]:
    with asyncio.Runner(loop_factory=_OwnClock) as runner:
        return runner.run(main)


class _PromptSource:
    """Says the same recording whatever it is asked to say; all of it is there at once."""

    def __init__(self, audio: bytes) -> None:
        self._audio = audio

    def speak(self, text: object, *, voice: object = None) -> Utterance:  # noqa: ARG002 - says one thing only
        utterance = Utterance()
        utterance.put(Audio(self._audio))
        utterance.end()
        return utterance

    async def aclose(self) -> None:
        return


class _Twilio:
    """The other end of one call's socket: plays what is sent, and returns marks when their audio was played."""

    def __init__(self, loop: _OwnClock) -> None:
        self._loop = loop
        self._plays_until = 0.0
        self._marks: list[tuple[float, int, str]] = []
        self._made = 0
        self._received: list[bytes] = []  # and not looked at yet: that takes time which is not the bridge's
        self.clears = 0
        self.sent = hashlib.sha256()

    def send(self, message: bytes) -> None:
        self._received.append(message)

    def _take(self, message: bytes) -> None:
        now = self._loop.time()
        self.sent.update(b"%.3f " % now + message)
        if message.startswith(b'{"event":"media'):
            payload = json.loads(message)["media"]["payload"]
            self._plays_until = max(self._plays_until, now) + len(payload) * 3 / 4 / 8000
        elif message.startswith(b'{"event":"mark'):
            self._made += 1
            name = json.loads(message)["mark"]["name"]
            heapq.heappush(self._marks, (max(self._plays_until, now), self._made, name))
        else:
            self.clears += 1
            self._plays_until = now
            self._marks = [(now, number, name) for _, number, name in self._marks]

    def drop_queued(self) -> None:
        return

    def close(self) -> None:
        return

    def returned(self) -> Iterator[str]:
        """The marks that come back now."""
        for message in self._received:
            self._take(message)
        self._received.clear()
        while self._marks and self._marks[0][0] <= self._loop.time():
            yield heapq.heappop(self._marks)[2]


async def _one(variant: str, calls: int, seconds: float) -> dict[str, object]:
    loop = asyncio.get_running_loop()
    prompt = b"".join(each.mulaw(0.0) for each in speaker("Spanish, Allison", 20))[: PROMPT_SECONDS * 8000]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bench.yaml").write_text(_flow())
        flows = FlowCatalogue(Path(folder))
        flows.load()
    live = LiveCalls(
        flows, CallPorts(_PromptSource(prompt)), SessionOptions(listening=listening_options(BargeInSettings()))
    )
    people = recordings(60)
    lines = []
    for number in range(calls):
        sid = f"CA{number:032x}"
        runner = live.begin(IncomingCall(sid, "bench", "+15550100", "+15550101", "inbound"))
        twilio = _Twilio(loop)
        runner.attach(twilio)
        runner.receive_text(b'{"event":"connected","protocol":"Call","version":"1.0.0"}')
        runner.receive_text(_start(sid))
        lines.append((runner, twilio, _messages(sid, _caller(variant, number, seconds, people))))
    gc.collect()
    gc.freeze()
    try:
        used = await _feed(loop, lines, int(seconds / FRAME_SECONDS))
    finally:
        gc.unfreeze()
    digest = hashlib.sha256(b"".join(twilio.sent.digest() for _, twilio, _ in lines)).hexdigest()[:16]
    return {
        "us_per_frame": used / (calls * int(seconds / FRAME_SECONDS)) * 1e6,
        "clears": sum(twilio.clears for _, twilio, _ in lines),
        "digest": digest,
    }


async def _feed(loop: _OwnClock, lines: list[tuple[CallRunner, _Twilio, list[bytes]]], frames: int) -> float:
    """Feed each call a frame every 20 ms; answers with the seconds of processor time that they took."""
    used = 0.0
    for frame in range(frames):
        loop.now += FRAME_SECONDS
        began = time.process_time()
        for runner, _, messages in lines:
            runner.receive_frame(messages[frame])
        used += time.process_time() - began
        for runner, twilio, _ in lines:
            for name in twilio.returned():
                runner.receive_text(_mark(runner.stream_sid, name))
        await asyncio.sleep(0)  # what was given to the voice is spoken
        await asyncio.sleep(0)
    return used


def _flow() -> str:
    """A flow that says more prompts than a run needs."""
    lines = ["flow: bench", "start: p0", "nodes:"]
    lines += [f'  p{number}: {{say: "Prompt number {number}.", then: p{number + 1}}}' for number in range(PROMPTS)]
    return "\n".join([*lines, f"  p{PROMPTS}: {{hang_up: null}}"]) + "\n"


def _caller(variant: str, number: int, seconds: float, people: list[Recording]) -> bytes:
    """What one caller sends: mu-law of so many seconds."""
    size = int(seconds * 8000)
    if variant == "silent":
        return b"\xff" * size
    noise = np.random.default_rng(number).normal(0, LINE_NOISE_RMS, size)
    if variant == "barge-in":
        chance = random.Random(number)
        at = chance.uniform(1.0, SPEAKS_EVERY_SECONDS)
        while at < seconds:
            voice = chance.choice(people).samples[: size - int(at * 8000)]
            noise[int(at * 8000) : int(at * 8000) + len(voice)] += voice
            at += SPEAKS_EVERY_SECONDS
    return from_pcm(np.clip(noise, -32768, 32767).astype("<i2").tobytes())


def _messages(call_sid: str, audio: bytes) -> list[bytes]:
    messages = []
    for index in range(0, len(audio), FRAME_BYTES):
        payload = base64.b64encode(audio[index : index + FRAME_BYTES]).decode()
        media = {"track": "inbound", "chunk": str(index + 1), "timestamp": str(index // 8), "payload": payload}
        message = {"event": "media", "sequenceNumber": str(index + 2), "media": media, "streamSid": "MZ" + call_sid[2:]}
        messages.append(json.dumps(message, separators=(",", ":")).encode())
    return messages


def _start(call_sid: str) -> bytes:
    start = {"streamSid": "MZ" + call_sid[2:], "accountSid": "AC" + "0" * 32, "callSid": call_sid}
    return json.dumps({"event": "start", "start": start, "streamSid": "MZ" + call_sid[2:]}).encode()


def _mark(stream_sid: str, name: str) -> bytes:
    return json.dumps({"event": "mark", "streamSid": stream_sid, "mark": {"name": name}}).encode()
