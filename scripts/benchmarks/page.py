"""docs/benchmarks.md, written from the figures beside it, docs/benchmarks/*.json: every bar, and what was measured."""

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from live_calls import FEW

DOCS = Path(__file__).parent.parent.parent / "docs"
FOLDER = DOCS / "benchmarks"
PAGE = DOCS / "benchmarks.md"
PARTS = ("live-calls", "chunks", "overload", "workers", "startup", "soak", "barge-in", "words")
HEAD = """# Benchmarks

`scripts/bench publish` measures and writes this page; the figures of every single run are beside it in
[benchmarks/](benchmarks/). Ratios are taken within one run of interleaved servers, because machines differ and are
shared; figures of several rounds are medians. What is measured, and how, is in the docstrings of `scripts/benchmarks`.
A figure without a verdict was not measured, or nothing could be concluded from it. What a call costs with words is in
[speech-input.md](speech-input.md#how-it-is-measured).
"""
TIMES = "\N{MULTIPLICATION SIGN}"
Figures = dict[str, dict]


@dataclass(frozen=True)
class Bar:
    """A row of the page.

    Args:
        what: What is measured.
        bar: What it must be.
        measured: What it is, with its unit.
        met: Whether it is; None where it was not measured, or nothing could be concluded.
    """

    what: str
    bar: str
    measured: str = "not measured"
    met: bool | None = None


def read() -> Figures:
    """The figures that are kept, by part."""
    files = {name: FOLDER / f"{name}.json" for name in PARTS}
    return {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}


def held_last() -> int:
    """How many calls one core held when that was measured the last time; 0 when it never was."""
    found = read().get("live-calls")
    return 0 if found is None else found["held"]["telebridge"]


def bars(figures: Figures) -> list[Bar]:
    """All bars, with what was measured."""
    groups = (_calls, _chunks, _overload, _workers, _startup, _soak, _speech, _words)
    return [bar for group in groups for bar in group(figures)]


def written(figures: Figures) -> str:
    """The page."""
    rows = [f"| {bar.what} | {bar.bar} | {bar.measured} | {_verdict(bar)} |" for bar in bars(figures)]
    table = "\n".join(["| what | bar | measured | |", "|---|---|---|---|", *rows])
    steps = "\n\n".join(_steps(figures["live-calls"])) if "live-calls" in figures else "Not measured."
    return f"{HEAD}\n## Bars\n\n{table}\n\n## When and where\n\n{_origins(figures)}\n\n## Steps\n\n{steps}\n"


def _verdict(bar: Bar) -> str:
    return {True: "met", False: "**missed**", None: ""}[bar.met]


def _at_most(what: str, value: float | None, most: float, unit: str, *, concluded: bool = True) -> Bar:
    bar = f"≤ {most:g}{unit}"
    if value is None:
        return Bar(what, bar)
    return Bar(what, bar, f"{value:g}{unit}", value <= most if concluded else None)


def _calls(figures: Figures) -> Iterator[Bar]:
    found = figures.get("live-calls", {"rounds": [], "held": {}, "concluded": False})
    held, peer, concluded = found["held"].get("telebridge"), found["held"].get("pipecat"), found["concluded"]
    calls = found["rounds"][0]["compared_at"] if found["rounds"] else 200
    what = "calls that one core holds, all interrupting every 6 s"
    yield Bar(what, "≥ 300") if held is None else Bar(what, "≥ 300", f"{held}", held >= 300 if concluded else None)
    what, bar = "the same against pipecat's in the same run", f"≥ 15 {TIMES}"
    if held is not None and peer:
        yield Bar(what, bar, f"{held / peer:.1f} {TIMES} ({peer})", held >= 15 * peer if concluded else None)
    else:
        yield Bar(what, bar)
    ours, few = _median_step(found, "telebridge", calls), _median_step(found, "telebridge", FEW)
    silent = _median_step(found, "silent", calls)
    for name, step, most in [("interrupting", ours, 2.0), ("silent", silent, 1.35)]:
        what = f"CPU per frame against the thinnest aiohttp reader, {calls} {name} calls"
        yield _at_most(what, step.get("cost_ratio"), most, f" {TIMES}", concluded=concluded)
    for name, most in [("p50", 0.3), ("p99", 10)]:
        what = f"Rime → `media`, {name} at {calls} calls"
        yield _at_most(what, ours.get(f"chunk_ms_{name}"), most, " ms", concluded=concluded)
    yield _at_most(f"memory per call at {calls} calls", ours.get("kilobytes_per_call"), 100, " kB", concluded=concluded)
    flat = round(few["cpu_us_per_frame"] / ours["cpu_us_per_frame"], 2) if few and ours else None
    bar = _at_most(f"CPU per frame at {FEW} calls against {calls}", flat, 1.6, f" {TIMES}", concluded=concluded)
    thinnest, thinnest_few = (_median_step(found, "thinnest", each) for each in (calls, FEW))
    if flat is not None and thinnest_few:
        floor = thinnest_few["cpu_us_per_frame"] / thinnest["cpu_us_per_frame"]
        bar = replace(bar, measured=f"{bar.measured} ({floor:.2f} {TIMES} for the thinnest aiohttp reader)")
    yield bar


def _chunks(figures: Figures) -> Iterator[Bar]:
    found = figures.get("chunks", {"calls": 200, "medians": {}, "concluded": False})
    calls, medians, concluded = found["calls"], found["medians"], found["concluded"]
    what = f"{calls} calls to which nothing but chunks comes: "
    cost = _at_most(f"{what}CPU of a chunk", medians.get("cpu_us_per_chunk"), 50, " µs", concluded=concluded)
    thinnest = medians.get("thinnest_cpu_us_per_chunk")
    yield cost if thinnest is None else replace(cost, measured=f"{cost.measured} ({thinnest:g} µs for the thinnest)")
    for name, most in [("p50", 0.3), ("p99", 10)]:
        value = medians.get(f"{name}_ms")
        yield _at_most(f"{what}Rime → `media`, {name}", value, most, " ms", concluded=concluded)


def _overload(figures: Figures) -> Iterator[Bar]:
    found = figures.get("overload")
    what = "twice as many callers as one core holds: "
    if found is None:
        yield Bar(f"{what}accepted calls keep their voice, others are refused within 100 ms", "all")
        return
    met = found["bars_met"] if found["concluded"] else {}
    chunk = f"{found['chunk_ms_p99']:g} ms"
    yield Bar(f"{what}chunks of accepted calls, p99", "< 20 ms", chunk, met.get("chunk_ms_p99"))
    yield Bar(f"{what}gaps that were heard", "0", f"{found['underruns']}", met.get("underruns"))
    refused = f"{found['refused_ms_p99']:g} ms ({found['refused']} refused)"
    yield Bar(f"{what}refused, p99", "≤ 100 ms", refused, met.get("refused_ms_p99"))
    accepted = f"{found['live']} of {found['calls']}, {found['held']} held"
    yield Bar(f"{what}accepted", "≥ 75 % of those held", accepted, met.get("live"))
    yield Bar(f"{what}switches to the local voice", "0", f"{found['spoken_locally']}", met.get("spoken_locally"))


def _workers(figures: Figures) -> Iterator[Bar]:
    found = figures.get("workers")
    ratio, bar = "two workers: calls that they carry against one process", f"≥ 1.8 {TIMES}"
    if found is None:
        yield Bar(ratio, bar)
        yield Bar("two workers: calls begun twice", "0")
        return
    met = found["bars_met"] if found["concluded"] else {}
    yield Bar(ratio, bar, f"{found['ratio']:g} {TIMES}", met.get("ratio"))
    yield Bar("two workers: calls begun twice", "0", f"{found['begun_twice']}", met.get("begun_twice"))


def _startup(figures: Figures) -> Iterator[Bar]:
    found = figures.get("startup", {}).get("telebridge", {})
    yield _at_most("`serve` until it listens", found.get("listening_seconds"), 1.0, " s")
    yield _at_most("`telebridge --help`", found.get("help_seconds"), 0.3, " s")
    yield _at_most("`telebridge campaign status`", found.get("campaign_status_seconds"), 0.8, " s")
    yield _at_most("idle memory (PSS)", found.get("idle_megabytes"), 120, " MB")


def _soak(figures: Figures) -> Iterator[Bar]:
    found = figures.get("soak")
    if found is None:
        yield Bar("calls come and go and interrupt, 10 minutes: memory, descriptors and tasks", "flat")
        return
    what = f"{found['calls']} calls come and go and interrupt, {found['minutes']:g} minutes: "
    met, growth = found["bars_met"] if found["concluded"] else {}, found["growth"]
    for name, told, unit in [
        ("megabytes", "memory", " MB"),
        ("descriptors", "descriptors", ""),
        ("tasks", "tasks", ""),
    ]:
        yield Bar(f"{what}growth of {told}", "flat", f"{growth[name]:+g}{unit}", met.get(f"growth.{name}"))


def _speech(figures: Figures) -> Iterator[Bar]:
    """The page on barge-in has all of its bars; here is what a faster path must not change."""
    found = figures.get("barge-in")
    if found is None:
        return
    clean, met = found["onset_to_clear"]["clean"], found["bars_met"]
    what = "onset of speech → `clear`, clean, p50 and p95 ([barge-in.md](barge-in.md))"
    yield Bar(what, "80, 150 ms", f"{clean['p50_ms']}, {clean['p95_ms']} ms", met["onset_to_clear.clean"])
    yield Bar("words lost in a resume", "0", f"{found['noise']['words_lost']}", met["words_lost"])


def _words(figures: Figures) -> Iterator[Bar]:
    """What words cost; the page on speech input says how it is measured."""
    found = figures.get("words")
    if found is None:
        return
    met = found["bars_met"] if found["concluded"] else {}
    real = {name: each["p95_ms"] for name, each in found["real_time"].items() if f"real_time.{name}" in met}
    if real:
        slowest = max(real, key=lambda name: real[name])
        what = "end of speech → transcript beyond the recognizer's own time, p95 ([speech-input.md](speech-input.md))"
        shown = f"{real[slowest]:g} ms ({slowest}, the slowest that streams)"
        yield Bar(what, "≤ 30 ms", shown, all(met[f"real_time.{name}"] for name in real))
    over = found.get("over_prompts")
    if over is not None:
        said = over["said"]
        shown = f"{over['resumed']} of {said}, at most {over['resume_ms_max']:g} ms"
        resumed = met.get("over_prompts.resumed"), met.get("over_prompts.resume_ms_max")
        what = "back-channels after which the prompt goes on within 600 ms"
        yield Bar(what, f"{said} of {said}", shown, None if None in resumed else all(resumed))
        shown = f"{over['taken']} of {said}"
        yield Bar("interrupting words that take the floor", f"{said} of {said}", shown, met.get("over_prompts.taken"))
    yield from _early_words(found.get("over_prompts_local"), met)
    yield from _local_words(found.get("local"), found["bars_met"])


def _early_words(found: dict[str, Any] | None, met: dict[str, bool]) -> Iterator[Bar]:
    """Words over prompts with a recognizer that takes as long as `local` does."""
    if found is None:
        return
    said = found["said"]
    shown = f"{found['resumed']} of {said}, at most {found['resume_ms_max']:g} ms"
    resumed = met.get("over_prompts_local.resumed"), met.get("over_prompts_local.resume_ms_max")
    what = f"the same back-channels with a recognizer that is as slow as `local`: {found['pass_ms']:g} ms"
    yield Bar(what, f"{said} of {said}", shown, None if None in resumed else all(resumed))
    shown = f"{found['taken']} of {said}"
    yield Bar("the same interrupting words with it", f"{said} of {said}", shown, met.get("over_prompts_local.taken"))


def _local_words(found: dict[str, Any] | None, met: dict[str, bool]) -> Iterator[Bar]:
    """Phrases that people say to the provider `local`; what they are taken for is no matter of what runs beside it."""
    if found is None:
        return
    for speakers in ("ktuberling", "tuxpaint"):
        its = found[speakers]
        right = f"{its['right']:g} %, {its['right_asked']:g} % of them asked back"
        what = f"phrases of ten that `local` hears right, recordings of {speakers}"
        yield Bar(what, "≥ 90 %", right, met[f"local.{speakers}.right"])
        yield Bar("the same, taken for a wrong choice", "≤ 2 %", f"{its['wrong']:g} %", met[f"local.{speakers}.wrong"])
    shown = f"{found['others_taken']:g} %"
    yield Bar("sounds that are no phrase, taken for one by `local`", "≤ 3 %", shown, met["local.others"])


def _origins(figures: Figures) -> str:
    rows = ["| figures | measured | commit | machine | concluded |", "|---|---|---|---|---|"]
    for name, found in figures.items():
        machine = found["machine"]
        told = f"{machine['cores']} cores of {machine['cpu']}, Python {machine['python']}"
        why = "yes" if found["concluded"] else f"no: {found['why']}"
        origin = f"{found.get('date', '')} | {found.get('commit', '')}"
        rows.append(f"| [{name}](benchmarks/{name}.json) | {origin} | {told} | {why} |")
    return "\n".join(rows)


def _steps(found: dict) -> Iterator[str]:
    """A table of each server of the steps."""
    titles = {
        "thinnest": "The thinnest aiohttp reader",
        "telebridge": f"telebridge, callers {found['callers']}",
        "silent": "telebridge, silent callers",
        "pipecat": "pipecat",
    }
    for name, title in titles.items():
        calls = sorted({step["calls"] for each in found["rounds"] for step in each["steps"].get(name, ())})
        if calls:
            rows = [_step_row(_median_step(found, name, each)) for each in calls]
            columns = (
                "| calls | held | CPU per frame | core used | chunk p50, p99 | `clear` p50, p95 | memory per call |"
            )
            yield "\n".join([f"### {title}", "", columns, "|---|---|---|---|---|---|---|", *rows])


def _step_row(step: dict) -> str:
    chunk = f"{step['chunk_ms_p50']:g}, {step['chunk_ms_p99']:g} ms" if step["chunks"] else ""
    clear = f"{step['clear_ms_p50']:g}, {step['clear_ms_p95']:g} ms" if step["interruptions"] else ""
    cpu, core = f"{step['cpu_us_per_frame']:g} µs", f"{step['core_used'] * 100:.0f} %"
    memory = f"{step['kilobytes_per_call']:g} kB"
    return f"| {step['calls']:g} | {step['held']} | {cpu} | {core} | {chunk} | {clear} | {memory} |"


def _median_step(found: dict, name: str, calls: int) -> dict:
    """The medians of one number of calls over all rounds; of the valid steps, where there are any. Empty for none."""
    steps = [step for each in found["rounds"] for step in each["steps"].get(name, ()) if step["calls"] == calls]
    steps = [step for step in steps if step["valid"]] or steps
    if not steps:
        return {}
    numbers = [key for key, value in steps[0].items() if isinstance(value, int | float) and not isinstance(value, bool)]
    medians = {key: round(statistics.median(step[key] for step in steps), 2) for key in numbers}
    return {**medians, "held": _held(name, steps)}


def _held(name: str, steps: Sequence[dict]) -> str:
    if name == "thinnest":
        return ""
    return f"{sum(step['holds'] for step in steps)} of {len(steps)}"
