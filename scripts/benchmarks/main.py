"""Measures telebridge on this machine. Every figure is a median of one run; ratios are taken within one run."""

import json
import sys
from collections.abc import Iterator
from typing import Annotated

import barge_in as barge_in_bench
import cached_prompt as cached_prompt_bench
import campaign_import as campaign_import_bench
import campaign_store as campaign_store_bench
import chunks as chunks_bench
import continuity as continuity_bench
import first_audio as first_audio_bench
import inbound_frames as inbound_frames_bench
import live_calls as live_calls_bench
import overload as overload_bench
import publish as publish_bench
import soak as soak_bench
import startup as startup_bench
import typer
import words as words_bench
import workers as workers_bench
from rich.console import Console
from rich.table import Table

from telebridge.errors import TelebridgeError
from telebridge.logs import configure_logs

configure_logs(level="error")
app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
VERDICTS = {True: "met", False: "missed", None: ""}
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AgainstOption = Annotated[str, typer.Option(metavar="PYTHON", help="A Python with another telebridge, to compare.")]


@app.command("first-audio")
def first_audio(
    calls: Annotated[int, typer.Option(min=5, help="How many calls, one after the other.")] = 40,
    protocol: Annotated[str, typer.Option(help="ws, ws2 or ws3.")] = "ws3",
    model: Annotated[str, typer.Option(help="Which of Rime's models is asked for.")] = "arcana",
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """From the voice webhook to the first audio at the caller, with the local voice and nothing cached."""
    _report(first_audio_bench.run(calls=calls, protocol=protocol, model=model), as_json=json_)


@app.command("live-calls")
def live_calls(
    steps: Annotated[str, typer.Option("--calls", help="Numbers of calls to try, such as 50,100,200.")] = "",
    seconds: Annotated[
        float, typer.Option(help="How long each step is measured; best in whole rounds: of 6 s, of 15 if silent.")
    ] = 0.0,
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds.")] = 3,
    silent: Annotated[bool, typer.Option("--silent", help="The callers say nothing.")] = False,  # noqa: FBT002 - a flag of the command line
    against: AgainstOption = "",
    pipecat: Annotated[str, typer.Option(metavar="PYTHON", help="A Python with pipecat, to compare.")] = "",
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Callers who interrupt, by steps up to the most that one core holds, beside the thinnest aiohttp server."""
    numbers = tuple(int(each) for each in steps.split(",") if each) or live_calls_bench.STEPS
    plan = live_calls_bench.Plan(
        numbers, seconds or (15.0 if silent else 12.0), silent=silent, against=against, pipecat=pipecat
    )
    _report(live_calls_bench.run(plan, rounds=rounds), as_json=json_)


@app.command()
def chunks(
    calls: Annotated[int, typer.Option(min=1, help="How many calls at once.")] = 200,
    seconds: Annotated[float, typer.Option(min=1, help="How long each round lasts.")] = 3.0,
    chunk_ms: Annotated[int, typer.Option(min=20, help="How much audio a chunk of Rime has.")] = 200,
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds.")] = 3,
    cached: Annotated[bool, typer.Option("--cached", help="Clips are made of the prompts.")] = False,  # noqa: FBT002 - a flag of the command line
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """From a chunk of Rime to the message at Twilio: processor time, delay, and memory for each call."""
    result = chunks_bench.run(calls=calls, seconds=seconds, chunk_ms=chunk_ms, rounds=rounds, cached=cached)
    _report(result, as_json=json_)


@app.command()
def overload(
    held: Annotated[int, typer.Option(min=1, help="How many calls one core holds, as live-calls says.")] = 300,
    seconds: Annotated[float, typer.Option(help="How long it is measured.")] = 12.0,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Twice as many callers as one core can hold: what those hear who were accepted, how soon the rest is refused."""
    _report(overload_bench.run(held=held, seconds=seconds), as_json=json_)


@app.command()
def workers(
    calls: Annotated[int, typer.Option(min=2, help="How many calls.")] = 100,
    seconds: Annotated[float, typer.Option(help="How long both are measured.")] = 12.0,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Two workers on two cores against one: how many times the calls, and calls that are begun twice."""
    _report(workers_bench.run(calls=calls, seconds=seconds), as_json=json_)


@app.command()
def soak(
    minutes: Annotated[float, typer.Option(min=1, help="How long.")] = 10.0,
    calls: Annotated[int, typer.Option(help="How many calls at once; half of those held when not given.")] = 0,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Calls come and go, and their callers interrupt: memory, descriptors and tasks must not grow."""
    _report(soak_bench.run(minutes=minutes, calls=calls), as_json=json_)


@app.command()
def startup(
    rounds: Annotated[int, typer.Option(min=1, help="How often each program is started.")] = 5,
    against: AgainstOption = "",
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """How soon serve listens and commands answer, and the memory of a bridge that does nothing."""
    _report(startup_bench.run(rounds=rounds, against=against), as_json=json_)


@app.command()
def publish(
    parts: Annotated[
        str, typer.Option(help="Which of calls, chunks, overload, workers, startup, words and soak.")
    ] = ",".join(publish_bench.PARTS),
    steps: Annotated[str, typer.Option("--calls", help="Numbers of calls to try, such as 200,300.")] = "",
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds of calls.")] = 3,
    begin_at: Annotated[int, typer.Option(help="The first number of calls; those held the last time by default.")] = 0,
    pipecat: Annotated[str, typer.Option(metavar="PYTHON", help="A Python with pipecat, to compare.")] = "",
    minutes: Annotated[float, typer.Option(help="How long the soak is.")] = 10.0,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Measure every bar, and write docs/benchmarks.md and the figures beside it; without parts, the page alone."""
    numbers = tuple(int(each) for each in steps.split(",") if each) or live_calls_bench.STEPS
    chosen = [each.strip() for each in parts.split(",") if each.strip()]
    if unknown := set(chosen) - {*publish_bench.PARTS, "words", "soak"}:
        raise typer.BadParameter(f"there is no part {unknown.pop()!r}")
    scope = publish_bench.Scope(chosen, numbers, rounds, begin_at, pipecat, minutes)
    _report(publish_bench.run(scope), as_json=json_)


@app.command("barge-in")
def barge_in(
    speakers: Annotated[int, typer.Option(min=20, help="How many recordings of people.")] = 200,
    minutes: Annotated[int, typer.Option(min=6, help="How many minutes of noise, on the virtual clock.")] = 60,
    real_calls: Annotated[int, typer.Option(min=20, help="How many calls of each kind in real time.")] = 40,
    background: Annotated[bool, typer.Option("--background", help="Only background talk and other speakers.")] = False,  # noqa: FBT002 - a flag of the command line
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """People, and an hour of noise, over a prompt: how fast it stops, how often for nothing, and what was heard."""
    if background:
        _report(barge_in_bench.run_background(speakers=speakers), as_json=json_)
        return
    _report(barge_in_bench.run(speakers=speakers, minutes=minutes, real_calls=real_calls), as_json=json_)


@app.command("cached-prompt")
def cached_prompt(
    calls: Annotated[int, typer.Option(min=2, help="How many calls, each of four prompts.")] = 10,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """From the key that leads to a prompt to its first audio, with Rime unreachable and the prompt kept."""
    _report(cached_prompt_bench.run(calls=calls), as_json=json_)


@app.command()
def continuity(
    rounds: Annotated[int, typer.Option(min=1, help="How many times the process is killed, on each database.")] = 10,
    calls: Annotated[int, typer.Option(min=1, help="How many calls it carries each time.")] = 5,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """The process dies in the middle of prompts: how soon, and where, its calls go on elsewhere."""
    _report(continuity_bench.run(rounds=rounds, calls=calls), as_json=json_)


@app.command()
def words(
    utterances: Annotated[int, typer.Option(min=10, help="How many utterances for each provider.")] = 40,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """What the bridge adds to a recognizer's own time, for each provider."""
    _report(words_bench.run(utterances=utterances), as_json=json_)


@app.command("inbound-frames")
def inbound_frames(
    calls: Annotated[int, typer.Option(min=1, help="How many calls at once.")] = 200,
    seconds: Annotated[float, typer.Option(min=2, help="How long each run lasts, on a clock set by hand.")] = 20.0,
    repeats: Annotated[int, typer.Option(min=1, help="How many runs.")] = 3,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Processor time of a caller's frame from the message to the decision, without sockets."""
    _report(inbound_frames_bench.run(calls=calls, seconds=seconds, repeats=repeats), as_json=json_)


@app.command("campaign-import")
def campaign_import(
    rows: Annotated[int, typer.Option(min=1000, help="How many contacts.")] = 200_000,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """An import of many contacts: rows a second with their zones, and the memory that it takes."""
    _report(campaign_import_bench.run(rows=rows), as_json=json_)


@app.command("campaign-store")
def campaign_store(
    rows: Annotated[int, typer.Option(min=1000, help="How many contacts.")] = 1_000_000,
    claims: Annotated[int, typer.Option(min=20, help="How many claims of 20 contacts.")] = 500,
    pauses: Annotated[int, typer.Option(min=1, help="How often the campaign is paused while it dials.")] = 10,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """A campaign of a million people on SQLite and PostgreSQL: import, claims, a look at it, and a pause."""
    _report(campaign_store_bench.run(rows=rows, claims=claims, pauses=pauses), as_json=json_)


def _report(result: dict[str, object], *, as_json: bool) -> None:
    """Print, and exit with 1 when a bar is missed or nothing can be concluded."""
    passed = result["concluded"] and all(result.get("bars_met", {}).values())
    if as_json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        _print_table(result)
    if not passed:
        raise typer.Exit(1)


def _print_table(result: dict[str, object]) -> None:
    met = result.get("bars_met", {})
    table = Table("figure", "value", "bar")
    for name, value in _figures({key: value for key, value in result.items() if key != "bars_met"}):
        bar = name if name in met else name.removeprefix("medians.")
        table.add_row(name, str(value), VERDICTS[met.pop(bar, None)])
    for name, verdict in met.items():
        table.add_row(name, "", VERDICTS[verdict])
    Console().print(table)


def _figures(result: dict[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """Every figure by its dotted name; lists of single runs are left to --json."""
    for name, value in result.items():
        if isinstance(value, dict):
            yield from _figures(value, f"{before}{name}.")
        elif not isinstance(value, list):
            yield f"{before}{name}", value


if __name__ == "__main__":
    try:
        app()
    except TelebridgeError as error:  # what is missing, in one line
        sys.stderr.write(f"scripts/bench: {error}\n")
        sys.exit(2)
