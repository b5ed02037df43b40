"""Measures every bar of docs/benchmarks.md, keeps the figures in docs/benchmarks/*.json, and writes the page."""

import json
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import chunks
import live_calls
import overload
import page
import soak
import startup
import words
import workers
from live.bench import CHUNK_MS, Bench, OneCore, opened

PARTS = ("calls", "chunks", "overload", "workers", "startup")
"""What is measured when nothing else is asked for; `words` takes five minutes more, and `soak` ten."""
SECONDS, SILENT_SECONDS = 6.0, 15.0
"""One turn of each caller, and one prompt."""
STARTS = 3
UTTERANCES = 40
CHUNK_CALLS, CHUNK_SECONDS = 200, 3.0


@dataclass(frozen=True)
class Scope:
    """What to measure.

    Args:
        parts: `calls`, `chunks`, `overload`, `workers`, `startup`, `words`, `soak`.
        steps: Numbers of calls, in rising order.
        rounds: How many rounds of calls.
        begin_at: The number of calls that the first round begins at; 0 for those held the last time.
        pipecat: A Python that has pipecat; empty to leave it out.
        minutes: How long the soak is.
    """

    parts: Collection[str]
    steps: tuple[int, ...]
    rounds: int
    begin_at: int
    pipecat: str
    minutes: float


def run(scope: Scope) -> dict[str, object]:
    """Measure, and write the figures and the page; return the bars."""
    if {"calls", "overload", "workers"} & set(scope.parts):
        try:
            with opened() as bench:
                _live(scope, bench)
        except OneCore:
            return live_calls.ONE_CORE
    if "chunks" in scope.parts:
        _keep(
            "chunks",
            chunks.run(calls=CHUNK_CALLS, seconds=CHUNK_SECONDS, chunk_ms=CHUNK_MS, rounds=scope.rounds, cached=False),
        )
    if "startup" in scope.parts:
        _keep("startup", startup.run(rounds=STARTS, against=""))
    if "words" in scope.parts:
        _keep("words", words.run(utterances=UTTERANCES))
    if "soak" in scope.parts:
        _keep("soak", soak.run(minutes=scope.minutes, calls=0))
    figures = page.read()
    page.PAGE.write_text(page.written(figures))
    return {
        "page": str(page.PAGE),
        "concluded": all(each["concluded"] for each in figures.values()),
        "bars_met": {bar.what: bar.met for bar in page.bars(figures) if bar.met is not None},
    }


def _live(scope: Scope, bench: Bench) -> None:
    held = page.held_last()
    if "calls" in scope.parts:
        plan = live_calls.Plan(
            scope.steps,
            SECONDS,
            pipecat=scope.pipecat,
            begin_at=scope.begin_at or held,
            silent_seconds=SILENT_SECONDS,
        )
        found = live_calls.measured(plan, bench, rounds=scope.rounds)
        _keep("live-calls", found)
        held = found["held"]["telebridge"]
    held = held or scope.steps[0]
    if "overload" in scope.parts:
        _keep("overload", overload.measured(bench, held=held, seconds=SECONDS))
    if "workers" in scope.parts:
        _keep("workers", workers.measured(bench, calls=min(held, workers.CALLS), seconds=SILENT_SECONDS))


def _keep(name: str, found: dict[str, object]) -> None:
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    origin = {"date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "commit": commit.stdout.strip()}
    page.FOLDER.mkdir(exist_ok=True)
    (page.FOLDER / f"{name}.json").write_text(json.dumps({**origin, **found}, indent=1) + "\n")
