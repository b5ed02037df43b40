"""Callers who interrupt a prompt: from the onset of their speech to the clear, and what was heard until then."""

import asyncio
import itertools
import random
import re
import statistics
from dataclasses import dataclass

from interruptions.background_talk import crowd, television
from interruptions.human_speech import Recording
from interruptions.virtual_calls import Calls, Prompt, bridge
from telebridge.simulator.account import SimulatedCall
from telebridge.simulator.caller.caller import HangUpStep, Listen, Noise, Script, Speak, WaitForPrompt
from telebridge.simulator.caller.noises import background
from telebridge.simulator.media.recording import EventKind

AT_ONCE = 8
PLACES = ("hum", "street", "babble")
LINE_NOISE_DB = -65.0


@dataclass(frozen=True)
class Condition:
    """How somebody speaks: so much quieter, in a noise so much below their voice, in one place or in each in turn."""

    name: str
    quieter_db: float = 0.0
    snr_db: float | None = None
    place: str = ""


CONDITIONS = (
    Condition("clean"),
    Condition("20 dB", snr_db=20),
    Condition("10 dB", snr_db=10),
    Condition("5 dB", snr_db=5),
    Condition("quiet", quieter_db=-20),
)


async def latency(condition: Condition, people: list[Recording], prompt: Prompt) -> dict[str, object]:
    chance = random.Random(1)
    cases = [
        (person, chance.randint(0, 159), chance.uniform(2.0, 4.0), place)
        for person, place in zip(people, itertools.cycle(PLACES), strict=False)
    ]
    async with bridge(prompt, says=1) as calls:
        results = []
        for start in range(0, len(cases), AT_ONCE):
            batch = cases[start : start + AT_ONCE]
            results += await asyncio.gather(*(_interrupt(calls, condition, *case, prompt) for case in batch))
    return _summary(results)


async def _interrupt(
    calls: Calls, condition: Condition, person: Recording, shift: int, after: float, place: str, prompt: Prompt
) -> dict[str, float | str | bool | None]:
    """One call: somebody speaks over the prompt, at no particular sample of a frame."""
    voice = b"\xff" * shift + person.mulaw(condition.quieter_db)
    if condition.snr_db is None:
        noise = background("hum", LINE_NOISE_DB)
    else:
        noise = _noise_of(condition.place or place, person.dbfs(condition.quieter_db) - condition.snr_db, shift)
    script = Script((Noise(noise), WaitForPrompt(round(after * 1000)), Speak(voice), Listen(0.5), HangUpStep()))
    placed, record = await calls.call(script)
    onset_ms = spoke_at(placed) + (person.onset + shift) / 8
    clears = [event.at_ms for event in placed.recording.of_kind(EventKind.CLEAR)]
    after_onset = [at for at in clears if at > onset_ms]
    cut = record.utterances[0].interruption if record.utterances else None
    truth = _heard_ms(placed, prompt)
    told = cut.heard_ms if cut is not None and cut.cause.value == "speech" else None
    expected = " ".join(word.text for word in prompt.words if word.end_ms <= truth)
    return {
        "place": "" if condition.snr_db is None else place,
        "latency_ms": after_onset[0] - onset_ms if after_onset else None,
        "early": len(clears) - len(after_onset),
        "committed": told is not None,
        "heard_error_ms": None if told is None else abs(told - truth),
        "words_exact": None if told is None else cut.exact and _words(cut.heard_text) == _words(expected),
    }


def _noise_of(place: str, dbfs: float, seed: int) -> bytes:
    match place:
        case "crowd":
            return crowd(seed, 12, dbfs)
        case "television":
            return television(seed, 12, dbfs)
        case _:
            return background(place, dbfs)


def spoke_at(placed: SimulatedCall) -> float:
    [event] = [each for each in placed.recording.of_kind(EventKind.CALLER) if each.detail.startswith("Speak")]
    return event.at_ms


def latency_of(placed: SimulatedCall, person: Recording) -> float | None:
    """From the onset to the clear; None when none came."""
    onset_ms = spoke_at(placed) + person.onset / 8
    return next(
        (each.at_ms - onset_ms for each in placed.recording.of_kind(EventKind.CLEAR) if each.at_ms > onset_ms), None
    )


def _heard_ms(placed: SimulatedCall, prompt: Prompt) -> float:
    """How far into the prompt the caller truly got."""
    reached = 0
    for stretch in placed.recording.heard:
        start = prompt.audio.find(stretch.audio[:200])
        if start >= 0:
            reached = max(reached, start + len(stretch.audio))
    return reached / 8


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _summary(results: list[dict]) -> dict[str, object]:
    heard = [each["latency_ms"] for each in results if each["latency_ms"] is not None and not each["early"]]
    errors = [each["heard_error_ms"] for each in results if each["heard_error_ms"] is not None]
    exact = [each["words_exact"] for each in results if each["words_exact"] is not None]
    interrupted = [each for each in results if not each["early"]]
    places = sorted({each["place"] for each in results if each["place"]})
    return {
        "calls": len(results),
        "p50_ms": round(statistics.median(heard)),
        "p95_ms": round(p95(heard)),
        "missed": sum(each["latency_ms"] is None for each in interrupted),
        "paused_before_the_onset": len(results) - len(interrupted),
        "committed": sum(each["committed"] for each in results),
        "heard_ms_error_p95": round(p95(errors), 1),
        "words_exact_share": round(sum(exact) / len(exact), 3),
        "p95_ms_by_place": {
            place: round(
                p95([each["latency_ms"] for each in interrupted if each["place"] == place and each["latency_ms"]])
            )
            for place in places
        },
    }


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[18]
