"""Keys, the next utterance and some of the voices in real time, against `telebridge serve` with its local voice."""

import asyncio
import random
import statistics

from machine import watch_loop, whole_bridge

from interruptions.human_speech import Recording
from interruptions.onsets import LINE_NOISE_DB, latency_of, p95
from interruptions.virtual_calls import PROMPT
from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.caller import FRAME_MS, HangUpStep, Listen, Noise, Press, Script, Speak, WaitForPrompt
from telebridge.simulator.caller.noises import background
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.setup.options import SimulatorOptions

REAL_AT_ONCE = 4
DRAIN_SECONDS = "5"
"""The simulator is gone before it told the end of the last calls, which would live on for a minute."""

REAL_TIME_FLOW = f"""
flow: bench
start: prompt
nodes:
  prompt: {{say: "{PROMPT}", then: next}}
  next: {{say: "What can I do for you on this fine day?", barge_in: none, then: bye}}
  bye: {{hang_up: null}}
"""


def real_time(people: list[Recording], count: int) -> dict[str, object]:
    with whole_bridge(REAL_TIME_FLOW, TELEBRIDGE_SERVER__DRAIN_SECONDS=DRAIN_SECONDS) as url:
        spoke, pressed, late = asyncio.run(_real_calls(url, people, count))
    return {
        "calls": 2 * count,
        "at_once": REAL_AT_ONCE,
        "onset_to_clear_p50_ms": round(statistics.median(spoke)),
        "onset_to_clear_p95_ms": round(p95(spoke)),
        "key_to_clear_p50_ms": round(statistics.median([key for key, _ in pressed]), 2),
        "key_to_clear_p95_ms": round(p95([key for key, _ in pressed]), 2),
        "next_utterance_p50_ms": round(statistics.median([after for _, after in pressed]), 1),
        "next_utterance_p95_ms": round(p95([after for _, after in pressed]), 1),
        "generator_late_ms_p99": round(statistics.quantiles(late, n=100)[98], 2),
    }


async def _real_calls(
    url: str, people: list[Recording], count: int
) -> tuple[list[float], list[tuple[float, float]], list[float]]:
    simulator = Simulator(SimulatorOptions())
    chance, late = random.Random(3), []
    watch = asyncio.create_task(watch_loop(late))
    spoke, pressed = [], []
    try:
        for start in range(0, count, REAL_AT_ONCE):
            batch = people[start : min(start + REAL_AT_ONCE, count)]
            spoke += await asyncio.gather(*(_speaks(simulator, url, person, chance.uniform(1, 3)) for person in batch))
            pressed += await asyncio.gather(*(_presses(simulator, url, chance.uniform(1, 3)) for _ in batch))
    finally:
        watch.cancel()
        await simulator.aclose()
    return [each for each in spoke if each is not None], pressed, late


async def _speaks(simulator: Simulator, url: str, person: Recording, after: float) -> float | None:
    line = Noise(background("hum", LINE_NOISE_DB))
    script = Script((line, WaitForPrompt(round(after * 1000)), Speak(person.mulaw(0)), HangUpStep()))
    placed = simulator.place_inbound_call(f"{url}/twilio/voice", script)
    await placed.finished
    return latency_of(placed, person)


async def _presses(simulator: Simulator, url: str, after: float) -> tuple[float, float]:
    """A key's way to the clear, and from there to the next utterance."""
    script = Script((WaitForPrompt(round(after * 1000)), Press("1"), Listen(0.5), HangUpStep()))
    placed = simulator.place_inbound_call(f"{url}/twilio/voice", script)
    await placed.finished
    [key] = placed.recording.of_kind(EventKind.KEY)
    clear = placed.recording.of_kind(EventKind.CLEAR)[0]
    media = next(each for each in placed.recording.of_kind(EventKind.MEDIA) if each.at_ms > clear.at_ms)
    return clear.at_ms - (key.at_ms + FRAME_MS), media.at_ms - clear.at_ms  # a key is sent when its frame has passed
