"""Noise around callers who say nothing, and coughs: how often a prompt pauses for nothing, and what is lost then."""

import asyncio
import random
from collections.abc import Callable

from interruptions.virtual_calls import Prompt, bridge
from telebridge.audio.mulaw import silence
from telebridge.call.record import CallRecord
from telebridge.simulator.account import SimulatedCall
from telebridge.simulator.caller.caller import HangUpStep, Listen, Noise, Script, Speak
from telebridge.simulator.caller.noises import background, breath, click, cough
from telebridge.simulator.media.recording import EventKind

COMPARED_BYTES = 160
SAID_AGAIN_BYTES = 720 * 8


async def silent_callers(minutes: int, prompt: Prompt) -> dict[str, object]:
    """An hour or so in which nobody speaks, the same prompt over and over."""
    each = max(1, round(minutes / 6))
    scripts = _sounds(each)
    says = int(each * 60 / (len(prompt.audio) / 8000)) + 2
    told = {}
    async with bridge(prompt, says=says) as calls:
        calls_made = await asyncio.gather(*(calls.call(script) for script in scripts.values()))
        coughed = await calls.call(
            Script((*(step for _ in range(20) for step in (Listen(3.0), Speak(cough()))), Listen(3.0), HangUpStep()))
        )
    for name, (placed, record) in zip(scripts, calls_made, strict=True):
        told[name] = _pauses(placed, record, prompt)
    minutes_heard = sum(placed.recording.duration_ms for placed, _ in calls_made) / 60_000
    return {
        "minutes": round(minutes_heard, 1),
        "false_pauses": sum(each["pauses"] for each in told.values()),
        "false_pauses_per_5_minutes": round(sum(each["pauses"] for each in told.values()) / minutes_heard * 5, 2),
        "committed": sum(each["committed"] for each in told.values()),
        "words_lost": sum(each["words_lost"] for each in told.values()),
        "by_kind": told,
        "twenty_coughs": _pauses(*coughed, prompt),
    }


def _sounds(minutes: int) -> dict[str, Script]:
    """What is around callers who say nothing, each for as long."""
    chance = random.Random(2)
    whole = Listen(minutes * 60.0)

    def now_and_then(make: Callable[[], bytes], seconds: tuple[float, float]) -> Script:
        steps: list[object] = [Noise(background("hum", -55.0))]
        at = 0.0
        while at < minutes * 60:
            pause = chance.uniform(*seconds)
            sound = make()
            steps += [Listen(pause), Speak(sound)]
            at += pause + len(sound) / 8000
        return Script((*steps, HangUpStep()))

    return {
        "hum -35 dBFS": Script((Noise(background("hum", -35.0)), whole, HangUpStep())),
        "street -30 dBFS": Script((Noise(background("street", -30.0)), whole, HangUpStep())),
        "babble -45 dBFS": Script((Noise(background("babble", -45.0)), whole, HangUpStep())),
        "music -30 dBFS": Script((Noise(background("music", -30.0)), whole, HangUpStep())),
        "clicks": now_and_then(lambda: _knock(chance), (1.0, 4.0)),
        "breathing": now_and_then(lambda: breath(chance.randint(500, 1400)), (1.0, 3.0)),
    }


def _knock(chance: random.Random) -> bytes:
    """One to four touches of the receiver, 250 ms together at the most."""
    return b"".join(click() + silence(chance.randint(10, 60)) for _ in range(chance.randint(1, 4)))


def _pauses(placed: SimulatedCall, record: CallRecord, prompt: Prompt) -> dict[str, int]:
    by_speech = [
        each
        for each in record.utterances
        if each.interruption is not None and each.interruption.cause.value == "speech"
    ]
    return {
        "pauses": len(placed.recording.of_kind(EventKind.CLEAR)),
        "committed": len(by_speech),
        "resumed": sum(len(each.pauses) for each in record.utterances),
        "words_lost": _words_lost(placed, prompt),
    }


def _words_lost(placed: SimulatedCall, prompt: Prompt) -> int:
    """How often what was heard jumped ahead in the prompt, which is said again and again."""
    heard = b"".join(stretch.audio for stretch in placed.recording.heard)
    at = position = lost = 0
    while at < len(heard):
        same = _common(heard, at, prompt.audio, position)
        at, position = at + same, position + same
        if at >= len(heard):
            break
        if position == len(prompt.audio):
            position = 0
            continue
        piece = heard[at : at + COMPARED_BYTES]
        back = prompt.audio.rfind(piece, max(0, position - SAID_AGAIN_BYTES), position + len(piece))
        if back < 0:
            lost += 1
            back = prompt.audio.find(piece)
            if back < 0:
                break
        position = back
    return lost


def _common(one: bytes, at: int, other: bytes, position: int) -> int:
    """How many bytes are the same from there on."""
    most = min(len(one) - at, len(other) - position)
    if one[at : at + most] == other[position : position + most]:
        return most
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if one[at : at + middle] == other[position : position + middle] else (low, middle)
    return low
