"""Callers on a loudspeaker, whose telephone sends back what it plays: silent ones, and ones who interrupt."""

import asyncio
import itertools
import random
import statistics

from interruptions.human_speech import Recording
from interruptions.onsets import AT_ONCE, LINE_NOISE_DB, latency_of, p95
from interruptions.virtual_calls import Prompt, bridge
from telebridge.simulator.caller.caller import (
    CallerStep,
    HangUpStep,
    Listen,
    Loudspeaker,
    Noise,
    Script,
    Speak,
    WaitForPrompt,
)
from telebridge.simulator.caller.noises import background
from telebridge.simulator.media.recording import EventKind

ECHO_DB = (-6.0, -12.0, -18.0, -24.0, -30.0)
ECHO_MS = (20, 60, 120, 200, 300)


async def loudspeakers(people: list[Recording], prompt: Prompt) -> dict[str, object]:
    """Callers on a loudspeaker: silent ones, and ones who interrupt."""
    paths = list(itertools.product(ECHO_DB, ECHO_MS))
    chance = random.Random(4)
    alone: list[int] = []
    over: list[float | None] = []
    async with bridge(prompt, says=1) as calls:
        for start in range(0, len(paths), AT_ONCE):
            batch = paths[start : start + AT_ONCE]
            silent = await asyncio.gather(*(calls.call(_on_loudspeaker(path, Listen(60.0))) for path in batch))
            alone += [len(placed.recording.of_kind(EventKind.CLEAR)) for placed, _ in silent]
            persons = chance.sample(people, len(batch))
            steps = [
                (WaitForPrompt(chance.randint(2000, 4000)), Speak(person.mulaw(0)), HangUpStep()) for person in persons
            ]
            spoke = await asyncio.gather(
                *(calls.call(_on_loudspeaker(path, *each)) for path, each in zip(batch, steps, strict=True))
            )
            over += [latency_of(placed, person) for (placed, _), person in zip(spoke, persons, strict=True)]
    told = [each for each in over if each is not None]
    return {
        "paths": f"{ECHO_DB[0]} to {ECHO_DB[-1]} dB, {ECHO_MS[0]} to {ECHO_MS[-1]} ms",
        "silent_calls": len(alone),
        "false_pauses": sum(alone),
        "interrupting_calls": len(over),
        "missed": over.count(None),
        "p50_ms": round(statistics.median(told)),
        "p95_ms": round(p95(told)),
    }


def _on_loudspeaker(path: tuple[float, int], *steps: CallerStep) -> Script:
    return Script((Noise(background("hum", LINE_NOISE_DB)), Loudspeaker(*path), *steps))
