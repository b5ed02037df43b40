"""How fast and how surely callers interrupt: people's recorded voices and an hour of noise through the whole bridge.

Onsets, noise and what was heard run on the virtual clock, where a figure is media time and an hour takes a minute; the
bridge's own work, below a millisecond, is not in it. Keys, the next utterance and a sample of the voices run in real
time against `telebridge serve` with its local voice.
"""

import asyncio
import itertools
import random
import re
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from background_talk import crowd, television
from human_speech import ONSETS_TUNED_ON, SPEAKERS, Recording, recordings, speaker
from machine import described, watch_loop, whole_bridge
from rich.console import Console
from virtual_calls import PROMPT, Calls, Prompt, bridge, spoken

from telebridge.audio.mulaw import silence
from telebridge.call.record import CallRecord
from telebridge.simulator.account import SimulatedCall, Simulator
from telebridge.simulator.caller.caller import (
    FRAME_MS,
    CallerStep,
    HangUpStep,
    Listen,
    Loudspeaker,
    Noise,
    Press,
    Script,
    Speak,
    WaitForPrompt,
)
from telebridge.simulator.caller.noises import (
    background,
    breath,
    click,
    cough,
)
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.setup.clock import run_virtual
from telebridge.simulator.setup.options import SimulatorOptions

AT_ONCE = 8
PLACES = ("hum", "street", "babble")
LINE_NOISE_DB = -65.0
ECHO_DB = (-6.0, -12.0, -18.0, -24.0, -30.0)
ECHO_MS = (20, 60, 120, 200, 300)
HEARD_MS = 40.0
LATE_MS = 20.0
REAL_AT_ONCE = 4
COMPARED_BYTES = 160
SAID_AGAIN_BYTES = 720 * 8

REAL_TIME_FLOW = f"""
flow: bench
start: prompt
nodes:
  prompt: {{say: "{PROMPT}", then: next}}
  next: {{say: "What can I do for you on this fine day?", barge_in: none, then: bye}}
  bye: {{hang_up: null}}
"""


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
CROWD_DBFS = (-25.0, -30.0, -35.0, -45.0)
TELEVISION_DBFS = (-35.0, -45.0)
TELEVISION_SECONDS = 120
OVER_BACKGROUND = (
    Condition("10 dB over a crowd", snr_db=10, place="crowd"),
    Condition("10 dB over a television", snr_db=10, place="television"),
)
OTHER_SPEAKERS_P95_MS = 150
BARS_MS = {"clean": (80, 150), "20 dB": (80, 150), "10 dB": (None, 200), "quiet": (None, 750)}


def run(*, speakers: int, minutes: int, real_calls: int) -> dict[str, object]:
    """Measure; answers with every figure and whether it meets its bar."""
    people = recordings(speakers)
    with Console(stderr=True).status("speaking the prompt") as status:
        prompt = asyncio.run(spoken())
        latency = {}
        for condition in CONDITIONS:
            status.update(f"{len(people)} people interrupt: {condition.name}")
            latency[condition.name] = run_virtual(_latency(condition, people, prompt), debug=False)
        status.update(f"{minutes} minutes of noise")
        noise = run_virtual(_noise(minutes, prompt), debug=False)
        status.update("callers on a loudspeaker")
        echo = run_virtual(_echoes(people, prompt), debug=False)
        status.update(f"{2 * real_calls} calls in real time")
        real = _real_time(people, real_calls)
    talk = background_talk(people, prompt, speakers // 2)
    bars = {**_bars(latency, noise, echo, real), **_talk_bars(talk)}
    return {
        "machine": described(),
        "speakers": len(people),
        "concluded": real["generator_late_ms_p99"] <= LATE_MS,
        "why": "" if real["generator_late_ms_p99"] <= LATE_MS else "the generator lagged",
        "onset_to_clear": latency,
        "noise": noise,
        "echo": echo,
        "real_time": real,
        "background_talk": talk,
        "bars_met": bars,
    }


def run_background(*, speakers: int) -> dict[str, object]:
    """Measure background talk and other speakers alone, all of it on the virtual clock."""
    prompt = asyncio.run(spoken())
    talk = background_talk(recordings(speakers), prompt, speakers // 2)
    return {"machine": described(), "concluded": True, "background_talk": talk, "bars_met": _talk_bars(talk)}


# Onsets.


async def _latency(condition: Condition, people: list[Recording], prompt: Prompt) -> dict[str, object]:
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
    onset_ms = _spoke_at(placed) + (person.onset + shift) / 8
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


def _spoke_at(placed: SimulatedCall) -> float:
    [event] = [each for each in placed.recording.of_kind(EventKind.CALLER) if each.detail.startswith("Speak")]
    return event.at_ms


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
        "p95_ms": round(_p95(heard)),
        "missed": sum(each["latency_ms"] is None for each in interrupted),
        "paused_before_the_onset": len(results) - len(interrupted),
        "committed": sum(each["committed"] for each in results),
        "heard_ms_error_p95": round(_p95(errors), 1),
        "words_exact_share": round(sum(exact) / len(exact), 3),
        "p95_ms_by_place": {
            place: round(
                _p95([each["latency_ms"] for each in interrupted if each["place"] == place and each["latency_ms"]])
            )
            for place in places
        },
    }


# People and televisions in the background, and other speakers.


def background_talk(people: list[Recording], prompt: Prompt, count: int) -> dict[str, object]:
    """Greetings behind which people talk, prompts before a television, callers over both, and other speakers."""
    return {
        "greetings": run_virtual(_greetings(prompt, count), debug=False),
        "television": run_virtual(_televisions(prompt), debug=False),
        "over_background": {
            each.name: run_virtual(_latency(each, people[::4], prompt), debug=False) for each in OVER_BACKGROUND
        },
        "other_speakers": {
            name: {
                "tuned_on": name in ONSETS_TUNED_ON,
                **run_virtual(_latency(CONDITIONS[0], speaker(name, count), prompt), debug=False),
            }
            for name in list(SPEAKERS)[1:]
        },
    }


async def _greetings(prompt: Prompt, count: int) -> dict[str, object]:
    told = {}
    seconds = len(prompt.audio) / 8000 + 4
    async with bridge(prompt, says=1) as calls:
        for dbfs in CROWD_DBFS:
            scripts = [
                Script((Noise(crowd(number, seconds, dbfs)), Listen(seconds), HangUpStep()))
                for number in range(max(1, count // len(CROWD_DBFS)))
            ]
            made = []
            for start in range(0, len(scripts), AT_ONCE):
                made += await asyncio.gather(*(calls.call(script) for script in scripts[start : start + AT_ONCE]))
            told[f"{dbfs:.0f} dBFS"] = _ended(made)
    return told


async def _televisions(prompt: Prompt) -> dict[str, object]:
    """Ten minutes of prompts at each level."""
    told = {}
    says = int(TELEVISION_SECONDS / (len(prompt.audio) / 8000)) + 2
    async with bridge(prompt, says=says) as calls:
        for dbfs in TELEVISION_DBFS:
            scripts = [
                Script((Noise(television(number, TELEVISION_SECONDS, dbfs)), Listen(TELEVISION_SECONDS), HangUpStep()))
                for number in range(600 // TELEVISION_SECONDS)
            ]
            told[f"{dbfs:.0f} dBFS"] = _ended(await asyncio.gather(*(calls.call(script) for script in scripts)))
    return told


def _ended(made: list[tuple[SimulatedCall, CallRecord]]) -> dict[str, object]:
    utterances = [each for _, record in made for each in record.utterances]
    cut = [each.interruption is not None and each.interruption.cause.value == "speech" for each in utterances]
    return {
        "calls": len(made),
        "minutes": round(sum(placed.recording.duration_ms for placed, _ in made) / 60_000, 1),
        "committed": sum(cut),
        "pauses": sum(len(placed.recording.of_kind(EventKind.CLEAR)) for placed, _ in made),
    }


def _talk_bars(talk: dict[str, dict]) -> dict[str, bool]:
    others = [each["p95_ms"] for each in talk["other_speakers"].values() if not each["tuned_on"]]
    return {
        "greetings_in_a_crowd": all(each["committed"] == 0 for each in talk["greetings"].values()),
        "television": talk["television"]["-35 dBFS"]["committed"] <= 1,
        "missed.over_background": all(each["missed"] == 0 for each in talk["over_background"].values()),
        "onset_to_clear.other_speakers": sum(p95 <= OTHER_SPEAKERS_P95_MS for p95 in others) >= 2,
    }


# Noise.


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


async def _noise(minutes: int, prompt: Prompt) -> dict[str, object]:
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


# Echo.


async def _echoes(people: list[Recording], prompt: Prompt) -> dict[str, object]:
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
            over += [_latency_of(placed, person) for (placed, _), person in zip(spoke, persons, strict=True)]
    told = [each for each in over if each is not None]
    return {
        "paths": f"{ECHO_DB[0]} to {ECHO_DB[-1]} dB, {ECHO_MS[0]} to {ECHO_MS[-1]} ms",
        "silent_calls": len(alone),
        "false_pauses": sum(alone),
        "interrupting_calls": len(over),
        "missed": over.count(None),
        "p50_ms": round(statistics.median(told)),
        "p95_ms": round(_p95(told)),
    }


def _on_loudspeaker(path: tuple[float, int], *steps: CallerStep) -> Script:
    return Script((Noise(background("hum", LINE_NOISE_DB)), Loudspeaker(*path), *steps))


def _latency_of(placed: SimulatedCall, person: Recording) -> float | None:
    """From the onset to the clear; None when none came."""
    onset_ms = _spoke_at(placed) + person.onset / 8
    return next(
        (each.at_ms - onset_ms for each in placed.recording.of_kind(EventKind.CLEAR) if each.at_ms > onset_ms), None
    )


# Real time.


def _real_time(people: list[Recording], count: int) -> dict[str, object]:
    with whole_bridge(REAL_TIME_FLOW) as url:
        spoke, pressed, late = asyncio.run(_real_calls(url, people, count))
    return {
        "calls": 2 * count,
        "at_once": REAL_AT_ONCE,
        "onset_to_clear_p50_ms": round(statistics.median(spoke)),
        "onset_to_clear_p95_ms": round(_p95(spoke)),
        "key_to_clear_p50_ms": round(statistics.median([key for key, _ in pressed]), 2),
        "key_to_clear_p95_ms": round(_p95([key for key, _ in pressed]), 2),
        "next_utterance_p50_ms": round(statistics.median([after for _, after in pressed]), 1),
        "next_utterance_p95_ms": round(_p95([after for _, after in pressed]), 1),
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
    return _latency_of(placed, person)


async def _presses(simulator: Simulator, url: str, after: float) -> tuple[float, float]:
    """A key's way to the clear, and from there to the next utterance."""
    script = Script((WaitForPrompt(round(after * 1000)), Press("1"), Listen(0.5), HangUpStep()))
    placed = simulator.place_inbound_call(f"{url}/twilio/voice", script)
    await placed.finished
    [key] = placed.recording.of_kind(EventKind.KEY)
    clear = placed.recording.of_kind(EventKind.CLEAR)[0]
    media = next(each for each in placed.recording.of_kind(EventKind.MEDIA) if each.at_ms > clear.at_ms)
    return clear.at_ms - (key.at_ms + FRAME_MS), media.at_ms - clear.at_ms  # a key is sent when its frame has passed


# What it comes to.


def _bars(latency: dict[str, dict], noise: dict, echo: dict, real: dict) -> dict[str, bool]:
    bars = {}
    for name, (p50, p95) in BARS_MS.items():
        told = latency[name]
        bars[f"onset_to_clear.{name}"] = (p50 is None or told["p50_ms"] <= p50) and told["p95_ms"] <= p95
        bars[f"missed.{name}"] = told["missed"] <= 0.01 * told["calls"]
    cuts = [latency[name] for name in ("clean", "20 dB", "10 dB")]
    return {
        **bars,
        "heard_ms": all(each["heard_ms_error_p95"] <= HEARD_MS for each in cuts),
        "words_exact": all(each["words_exact_share"] >= 0.95 for each in cuts),
        "false_pauses": noise["false_pauses_per_5_minutes"] <= 1,
        "transients_committed": noise["by_kind"]["clicks"]["committed"] == 0,
        "words_lost": noise["words_lost"] == noise["twenty_coughs"]["words_lost"] == 0,
        "echo_interrupts_nothing": echo["false_pauses"] == 0,
        "callers_over_echo_interrupt": echo["missed"] == 0,
        "key_to_clear": real["key_to_clear_p95_ms"] <= 5,
        "next_utterance": real["next_utterance_p95_ms"] <= 60,
        "onset_to_clear.real_time": real["onset_to_clear_p95_ms"] <= 150,
    }


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[18]
