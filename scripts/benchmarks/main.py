"""Measures telebridge on this machine. Every figure is a median of one run; ratios are taken within one run."""

import json
import sys
from typing import Annotated

import calls as calls_bench
import first_audio as first_audio_bench
import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("first-audio")
def first_audio(
    calls: Annotated[int, typer.Option(min=5, help="How many calls, one after the other.")] = 40,
    protocol: Annotated[str, typer.Option(help="ws, ws2 or ws3.")] = "ws3",
    model: Annotated[str, typer.Option(help="Which of Rime's models is asked for.")] = "arcana",
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """From the voice webhook to the first audio at the caller, with the local voice and nothing cached."""
    _report(first_audio_bench.run(calls=calls, protocol=protocol, model=model), as_json=json_)


@app.command()
def calls(
    calls: Annotated[int, typer.Option(min=1, help="How many calls at once.")] = 200,
    seconds: Annotated[float, typer.Option(min=2, help="How long each run lasts.")] = 10.0,
    repeats: Annotated[int, typer.Option(min=1, help="How many runs.")] = 3,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Many calls at once, a prompt playing in each: gaps, memory, and cost beside the thinnest aiohttp server."""
    _report(calls_bench.run(calls=calls, seconds=seconds, repeats=repeats), as_json=json_)


def _report(result: dict[str, object], *, as_json: bool) -> None:
    """Print, and exit with 1 when a bar is missed or nothing can be concluded."""
    if as_json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        _print_table(result)
    met = result.get("bars_met", {})
    if not result["concluded"] or not all(met.values()):
        raise typer.Exit(1)


def _print_table(result: dict[str, object]) -> None:
    figures = {name: value for name, value in result.items() if not isinstance(value, dict | list)}
    figures |= result.get("medians", {}) | result.get("machine", {})
    table = Table("figure", "value", "bar")
    met = result.get("bars_met", {})
    for name, value in figures.items():
        table.add_row(name, str(value), {True: "met", False: "missed", None: ""}[met.get(name)])
    Console().print(table)


if __name__ == "__main__":
    app()
