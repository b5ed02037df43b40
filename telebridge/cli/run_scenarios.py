"""`telebridge test`: run scenario files, without pytest."""

import json
from pathlib import Path
from typing import Annotated

import typer

from telebridge.cli.options import JsonOption
from telebridge.cli.process.printing import print_line
from telebridge.errors import ConfigurationError
from telebridge.testing.scenarios.loading import find_scenarios
from telebridge.testing.scenarios.results import ScenarioResult, ScenarioRunOptions, junit_xml, run_file
from telebridge.testing.vocabulary import SUFFIX

FAILED, CANNOT_RUN = 1, 2
OUTCOME_WORDS = {"passed": "ok", "failed": "FAILED", "error": "ERROR"}


def run_scenarios(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files, or folders that hold them.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the results as JUnit's XML to this file.")] = None,
    kept: Annotated[
        Path | None, typer.Option("--dir", help="Keep the audio and the picture of failed calls in this folder.")
    ] = None,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: Annotated[
        Path | None, typer.Option("--config", help="A settings file to begin with; by default none is read.")
    ] = None,
) -> None:
    """Run the calls of scenario files (`*.call.yaml`) on virtual time, with no account and no network.

    Exits with 0 when all passed, with 1 when a call went otherwise, and with 2 when a file cannot be run.
    """
    files = list(find_scenarios(paths or [Path()]))
    if not files:
        raise ConfigurationError("test", f"there is no file '*{SUFFIX}' here", "name a folder, or write one")
    options = ScenarioRunOptions(Path.cwd(), None if config is None else config.resolve(), kept)
    results = []
    for file in files:
        for result in run_file(file, options):
            results.append(result)
            if not json_:
                _tell(result)
    if json_:
        print_line(json.dumps([result.as_json() for result in results]))
    else:
        print_line(_summary(results))
    if junit is not None:
        _write(junit, junit_xml(results))
    outcomes = {result.outcome for result in results}
    if outcomes != {"passed"}:
        raise typer.Exit(CANNOT_RUN if "error" in outcomes else FAILED)


def _tell(result: ScenarioResult) -> None:
    seconds = f"{result.call_seconds:.1f} s of a call in {result.took_seconds:.1f} s" if result.call_seconds else ""
    print_line(f"{OUTCOME_WORDS[result.outcome]:<6} {result.path}  {result.title}  {seconds}".rstrip())
    if result.outcome != "passed":
        for part in (result.problem, result.timeline, *result.files):
            if part:
                print_line(part)
        print_line("")


def _summary(results: list[ScenarioResult]) -> str:
    counts = {word: sum(result.outcome == word for result in results) for word in OUTCOME_WORDS}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError("--junit", f"{file} cannot be written ({error.strerror})") from error
