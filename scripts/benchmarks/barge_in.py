"""How fast and how surely callers interrupt: people's recorded voices and an hour of noise through the whole bridge.

Onsets, noise and what was heard run on the virtual clock, where a figure is media time and an hour takes a minute; the
bridge's own work, below a millisecond, is not in it. Keys, the next utterance and a sample of the voices run in real
time against `telebridge serve` with its local voice. The scenes are in the package `interruptions`.
"""

import asyncio

from interruptions.background_scenes import background_bars, background_talk
from interruptions.human_speech import SPEAKERS, recordings, require_speakers
from interruptions.loudspeakers import loudspeakers
from interruptions.onsets import CONDITIONS, latency
from interruptions.real_time import real_time
from interruptions.silent_callers import silent_callers
from interruptions.virtual_calls import spoken
from machine import described
from rich.console import Console

from telebridge.simulator.setup.clock import run_virtual

HEARD_MS = 40.0
LATE_MS = 20.0
BARS_MS = {"clean": (80, 150), "20 dB": (80, 150), "10 dB": (None, 200), "quiet": (None, 750)}


def run(*, speakers: int, minutes: int, real_calls: int) -> dict[str, object]:
    """Measure; answers with every figure and whether it meets its bar."""
    people = recordings(speakers)
    require_speakers(*SPEAKERS)
    with Console(stderr=True).status("speaking the prompt") as status:
        prompt = asyncio.run(spoken())
        onsets = {}
        for condition in CONDITIONS:
            status.update(f"{len(people)} people interrupt: {condition.name}")
            onsets[condition.name] = run_virtual(latency(condition, people, prompt), debug=False)
        status.update(f"{minutes} minutes of noise")
        noise = run_virtual(silent_callers(minutes, prompt), debug=False)
        status.update("callers on a loudspeaker")
        echo = run_virtual(loudspeakers(people, prompt), debug=False)
        status.update(f"{2 * real_calls} calls in real time")
        real = real_time(people, real_calls)
    talk = background_talk(people, prompt, speakers // 2)
    bars = {**_bars(onsets, noise, echo, real), **background_bars(talk)}
    return {
        "machine": described(),
        "speakers": len(people),
        "concluded": real["generator_late_ms_p99"] <= LATE_MS,
        "why": "" if real["generator_late_ms_p99"] <= LATE_MS else "the generator lagged",
        "onset_to_clear": onsets,
        "noise": noise,
        "echo": echo,
        "real_time": real,
        "background_talk": talk,
        "bars_met": bars,
    }


def run_background(*, speakers: int) -> dict[str, object]:
    """Measure background talk and other speakers alone, all of it on the virtual clock."""
    require_speakers(*SPEAKERS)
    prompt = asyncio.run(spoken())
    talk = background_talk(recordings(speakers), prompt, speakers // 2)
    return {"machine": described(), "concluded": True, "background_talk": talk, "bars_met": background_bars(talk)}


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
