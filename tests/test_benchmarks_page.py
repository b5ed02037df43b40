"""docs/benchmarks.md is what `scripts/bench publish` writes from the figures beside it, and has every bar."""

import sys
from pathlib import Path

import pytest

FOLDER = str(Path(__file__).parent.parent / "scripts" / "benchmarks")
sys.path.insert(0, FOLDER)
try:
    import page
finally:
    sys.path.remove(FOLDER)

FIGURES = page.read()
BARS = [
    "calls that one core holds",
    "against pipecat's",
    "against the thinnest aiohttp reader",
    "CPU of a chunk",
    "Rime → `media`, p50",
    "Rime → `media`, p99",
    "memory per call",
    "CPU per frame at 25 calls",
    "twice as many callers as one core holds",
    "two workers: calls that they carry",
    "two workers: calls begun twice",
    "`serve` until it listens",
    "`telebridge --help`",
    "`telebridge campaign status`",
    "idle memory",
    "calls come and go and interrupt",
    "onset of speech → `clear`",
]


def test_the_page_is_written_from_the_figures_that_are_kept():
    assert page.written(FIGURES) == page.PAGE.read_text(), "scripts/bench publish --parts '' writes it"


@pytest.mark.parametrize("figures", [FIGURES, {"barge-in": FIGURES["barge-in"]}], ids=["kept", "none"])
def test_the_page_has_every_bar_also_one_that_was_not_measured(figures):
    rows = page.bars(figures)
    assert [bar for bar in BARS if not any(bar in row.what for row in rows)] == []
    assert all(row.met is None for row in rows if row.measured == "not measured")


STEP = {
    "calls": 200,
    "valid": True,
    "holds": True,
    "frames": 1000,
    "chunks": 100,
    "interruptions": 9,
    "cpu_us_per_frame": 40.0,
    "core_used": 0.4,
    "chunk_ms_p50": 0.2,
    "chunk_ms_p99": 9.0,
    "clear_ms_p50": 50.0,
    "clear_ms_p95": 90.0,
    "kilobytes_per_call": 90.0,
    "cost_ratio": 1.3,
}
MACHINE = {"cores": 2, "cpu": "a CPU", "python": "3.11"}
ROUND = {
    "compared_at": 200,
    "steps": {
        "telebridge": [STEP, STEP | {"calls": 25, "cpu_us_per_frame": 60.0}],
        "silent": [STEP],
        "pipecat": [STEP | {"calls": 16}],
    },
}
CHUNKS = {
    "machine": MACHINE,
    "concluded": True,
    "calls": 200,
    "medians": {"cpu_us_per_chunk": 49.0, "thinnest_cpu_us_per_chunk": 30.0, "p50_ms": 0.2, "p99_ms": 12.0},
}
CALLS = {"machine": MACHINE, "callers": "speak", "concluded": True, "held": {"telebridge": 300, "pipecat": 16}}


def verdicts(**differences):
    rounds = [ROUND, ROUND, ROUND]
    figures = {"live-calls": {**CALLS, "why": "", "rounds": rounds, **differences}}
    assert "| 200 | 3 of 3 | 40 µs | 40 % |" in page.written(figures)
    return {row.what: row.met for row in page.bars(figures) if row.measured != "not measured"}


def test_a_bar_is_met_by_the_medians_of_all_rounds():
    met = verdicts()
    assert len(met) == 8
    assert set(met.values()) == {True}
    assert not verdicts(held={"telebridge": 230, "pipecat": 16})["the same against pipecat's in the same run"]


def test_the_cost_of_a_chunk_stands_beside_that_of_the_thinnest_program():
    cost, *delays = [row for row in page.bars({"chunks": CHUNKS}) if "nothing but chunks" in row.what]
    assert (cost.measured, cost.met) == ("49 µs (30 µs for the thinnest)", True)
    assert [row.met for row in delays] == [True, False]


def test_nothing_is_concluded_from_a_run_that_concludes_nothing():
    assert set(verdicts(concluded=False).values()) == {None}
