"""Calls behind which people talk or a television plays, callers over both, and other speakers."""

import asyncio

from interruptions.background_talk import crowd, television
from interruptions.human_speech import ONSETS_TUNED_ON, SPEAKERS, Recording, speaker
from interruptions.onsets import AT_ONCE, CONDITIONS, Condition, latency
from interruptions.virtual_calls import Prompt, bridge
from telebridge.call.record import CallRecord
from telebridge.simulator.account import SimulatedCall
from telebridge.simulator.caller.caller import HangUpStep, Listen, Noise, Script
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.setup.clock import run_virtual

CROWD_DBFS = (-25.0, -30.0, -35.0, -45.0)
TELEVISION_DBFS = (-35.0, -45.0)
TELEVISION_SECONDS = 120
OVER_BACKGROUND = (
    Condition("10 dB over a crowd", snr_db=10, place="crowd"),
    Condition("10 dB over a television", snr_db=10, place="television"),
)
OTHER_SPEAKERS_P95_MS = 150


def background_talk(people: list[Recording], prompt: Prompt, count: int) -> dict[str, object]:
    """Greetings behind which people talk, prompts before a television, callers over both, and other speakers."""
    return {
        "greetings": run_virtual(_greetings(prompt, count), debug=False),
        "television": run_virtual(_televisions(prompt), debug=False),
        "over_background": {
            each.name: run_virtual(latency(each, people[::4], prompt), debug=False) for each in OVER_BACKGROUND
        },
        "other_speakers": {
            name: {
                "tuned_on": name in ONSETS_TUNED_ON,
                **run_virtual(latency(CONDITIONS[0], speaker(name, count), prompt), debug=False),
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


def background_bars(talk: dict[str, dict]) -> dict[str, bool]:
    others = [each["p95_ms"] for each in talk["other_speakers"].values() if not each["tuned_on"]]
    return {
        "greetings_in_a_crowd": all(each["committed"] == 0 for each in talk["greetings"].values()),
        "television": talk["television"]["-35 dBFS"]["committed"] <= 1,
        "missed.over_background": all(each["missed"] == 0 for each in talk["over_background"].values()),
        "onset_to_clear.other_speakers": sum(p95 <= OTHER_SPEAKERS_P95_MS for p95 in others) >= 2,
    }
