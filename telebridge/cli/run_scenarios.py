"""`telebridge test`: run scenario files, without pytest."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from telebridge.cli.options import JsonOption
from telebridge.cli.process.printing import print_line, print_text
from telebridge.errors import ConfigurationError
from telebridge.testing.bench.real_time import TwimlApplication, wait_for_program
from telebridge.testing.scenarios.loading import find_scenarios
from telebridge.testing.scenarios.results import (
    LISTENING,
    ScenarioResult,
    ScenarioRunOptions,
    junit_xml,
    listen,
    run_file,
)
from telebridge.testing.scenarios.schema import scenario_schema
from telebridge.testing.vocabulary import SUFFIX

FAILED, CANNOT_RUN = 1, 2
SchemaOption = Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of scenario files, and stop.")]
OUTCOME_WORDS = {"passed": "ok", "failed": "FAILED", "error": "ERROR"}


def run_scenarios(  # noqa: PLR0913 - each is an option of the command
    paths: Annotated[list[Path] | None, typer.Argument(help="Files, or folders that hold them.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the results as JUnit's XML to this file.")] = None,
    kept: Annotated[
        Path | None, typer.Option("--dir", help="Keep the audio and the picture of failed calls in this folder.")
    ] = None,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: Annotated[
        Path | None, typer.Option("--config", help="A settings file to begin with; by default none is read.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="The voice webhook of a program that answers in TwiML; without files it is called once."),
    ] = None,
    public_url: Annotated[
        str | None, typer.Option(help="The address under which that program believes to be reached.")
    ] = None,
    api_port: Annotated[int, typer.Option(help="The port of the local Twilio's REST API for that program.")] = 0,
    rime_port: Annotated[
        int | None, typer.Option(help="The port of a local Rime for that program.", show_default="no Rime")
    ] = None,
    wait: Annotated[float, typer.Option(help="Wait at most so many seconds until that program listens.", min=0)] = 0.0,
    schema: SchemaOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Run the calls of scenario files (`*.call.yaml`) on virtual time, with no account and no network.

    With --url they call a program of any kind, on real time. Exits with 0 when all passed, with 1 when a call went
    otherwise, and with 2 when a file cannot be run.
    """
    if schema:
        print_line(json.dumps(scenario_schema(), indent=2, ensure_ascii=False))
        return
    program = None if url is None else _program(url, public_url, api_port, rime_port)
    if program is not None and wait:
        wait_for_program(program.url, wait)
    options = ScenarioRunOptions(Path.cwd(), None if config is None else config.resolve(), kept, program)
    results = []
    for result in _run(paths or [], options):
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


def _program(url: str, public_url: str | None, api_port: int, rime_port: int | None) -> TwimlApplication:
    if not url.startswith(("http://", "https://")):
        raise ConfigurationError("--url", f"'{url}' is no address of the web", "such as http://127.0.0.1:5000/voice")
    return TwimlApplication(url, public_url=public_url, api_port=api_port, rime_port=rime_port)


def _run(paths: list[Path], options: ScenarioRunOptions) -> Iterator[ScenarioResult]:
    """Run the calls of all files; without files, one call to the program."""
    if options.program is not None and not paths:
        yield listen(options.program, options)
        return
    files = list(find_scenarios(paths or [Path()]))
    if not files:
        where = ", ".join(f"'{path}'" for path in paths) or "this folder"
        hint = f"`telebridge flow try FILE --save NAME{SUFFIX}` writes one"
        raise ConfigurationError("test", f"there is no file '*{SUFFIX}' in {where}", hint)
    for file in files:
        yield from run_file(file, options)


def _tell(result: ScenarioResult) -> None:
    seconds = f"{result.call_seconds:.1f} s of a call in {result.took_seconds:.1f} s" if result.call_seconds else ""
    print_text(f"{OUTCOME_WORDS[result.outcome]:<6} {result.path}  {result.title}  {seconds}".rstrip())
    if result.outcome != "passed" or result.title == LISTENING:
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
