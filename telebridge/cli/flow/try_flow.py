"""`telebridge flow try`: run a flow in the terminal and type what a caller would press."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from telebridge.app.python_flows import bridge_of, load_bridge
from telebridge.call.flows.catalogue import FLOW_FILES, flows_in
from telebridge.call.flows.python.registry import Bridge
from telebridge.cli.flow.try_python import try_python
from telebridge.cli.options import AppOption, ConfigOption, JsonOption, instant_of
from telebridge.cli.process.printing import print_line, print_text
from telebridge.errors import ConfigurationError
from telebridge.flows.checking import BUILT_IN
from telebridge.flows.checks.mistakes import nearest
from telebridge.flows.inspection import variables_set_by
from telebridge.flows.loading import load_flow
from telebridge.flows.model import Flow
from telebridge.flows.nodes.hours import HoursNode
from telebridge.flows.nodes.surroundings import FlowSurroundings
from telebridge.flows.rehearsal import HANGS_UP, SAYS, Rehearsal, RehearsalLine, answers_in
from telebridge.settings.loading import load_settings
from telebridge.testing.scenarios.drafting import ScenarioDraft, draft_of_walk
from telebridge.testing.vocabulary import SUFFIX

NUMBERS = {"from": "+15550100001", "to": "+15550100002"}
"""The numbers of the call by default; they belong to nobody."""

PROMPT = "> "
TRUTH = {"true": True, "false": False}


def try_flow(  # noqa: PLR0913 - its options
    flow: Annotated[
        str | None,
        typer.Argument(help="A flow file; or a Python flow, which may be left out when the application has one."),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A variable of the call; may be repeated.")
    ] = None,
    keys: Annotated[
        str | None,
        typer.Option(help="What the caller presses: w waits for the next question, ww is a silence, ! hangs up."),
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE=JSON",
            help="What a request or a function answers at a node, how many seconds are recorded there, 'completed' for "
            "a transfer or a queue, 'left' or 'full' for a queue, or 'failed'; may be repeated. Without it requests "
            "fail and nobody takes transfers. In a Python flow record=SECONDS and transfer=completed.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="The date and time of the call, such as 2026-12-24T10:00, in the flow's zone.", show_default="now"
        ),
    ] = None,
    app: AppOption = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the walk as a scenario file, for `telebridge test`.")
    ] = None,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Walk through a flow: read what would be said, and type what a caller would press.

    Enter alone is a silence, ! hangs up, "say uh, billing" are words. With --keys nothing is asked; after the last key
    the caller is silent. Exits with 1 when the caller would hear the apology.
    """
    asking = keys is None and not json_ and sys.stdin.isatty()
    answers = _typed(asking=asking) if keys is None else iter(answers_in(keys))
    bridge = _python_flows(flow, app, config)
    if bridge is not None:
        if save is not None:
            raise ConfigurationError("--save", "writes walks through flow files only", "name a flow file")
        variables: dict[str, Any] = {**NUMBERS, **dict(_named(set_ or []))}
        outcomes = dict(_outcomes(answer or []))
        forever, echo = keys is not None, not asking
        try_python(bridge, flow, variables, outcomes, answers, forever=forever, shown=not json_, echo=echo)
        return
    path = _file_of(flow, config)
    file = load_flow(path)
    known = _answers(file, answer or [])
    surroundings = _surroundings(path, file, at, config)
    words = _hears_words(keys, config)
    rehearsal = Rehearsal(file, {**NUMBERS, **_variables(file, set_ or [])}, known, surroundings, words=words)
    walk: list[RehearsalLine | str] = []
    lines = list(_run(rehearsal, answers, walk, forever=keys is not None, shown=not json_, echo=not asking))
    if save is not None:
        draft = _draft(file, surroundings, given=at is not None)
        _save(save, path, draft_of_walk(draft, file, walk, known), quiet=json_)
    if json_:
        print_line(json.dumps(_as_json(rehearsal, lines), default=str))
    else:
        print_line("")
        print_text(f"path: {' → '.join(rehearsal.path)}")
        for name, value in sorted(rehearsal.variables.items()):
            print_text(f"  {name} = {value!r}")
    if rehearsal.failure is not None:
        raise typer.Exit(1)


def _hears_words(keys: str | None, config: Path | None) -> bool:
    """Whether questions are asked as where words are heard: by the settings, or because the answers are words."""
    if keys is not None and any(answer.lower().startswith(SAYS) for answer in answers_in(keys)):
        return True
    with suppress(ConfigurationError):  # a file is tried without settings, too
        return bool(load_settings(config).recognition.provider)
    return False


def _surroundings(path: Path, flow: Flow, at: str | None, config: Path | None) -> FlowSurroundings:
    """The time that is tried, and the other flows: those beside the file, and those of the settings."""
    now = datetime.now(UTC) if at is None else instant_of("--at", at, ZoneInfo(flow.zone or "UTC"))

    def find(name: str) -> Flow | None:
        folders = (path.parent, load_settings(config).flows_dir)
        return next((one for folder in folders for _, one in flows_in(folder) if one.flow == name), None)

    return FlowSurroundings(lambda: now, find_flow=lru_cache(find))


def _python_flows(flow: str | None, app: str | None, config: Path | None) -> Bridge | None:
    """The application whose flow is meant: that of `--app`, or of the settings when no file is named."""
    if app is not None:
        return load_bridge(app)
    if flow is not None and (flow.endswith(FLOW_FILES) or Path(flow).exists()):
        return None
    return bridge_of(load_settings(config))


def _file_of(flow: str | None, config: Path | None) -> Path:
    """The file of a flow: by its path or its name, or the one that the settings let answer.

    Raises:
        ConfigurationError: No file has a flow of that name.
    """
    settings = load_settings(config)
    name = flow or settings.default_flow
    if name.endswith(FLOW_FILES) or Path(name).is_file():
        return Path(name)
    of_that_name = settings.flows_dir / f"{name}.yaml"
    if of_that_name.is_file():
        return of_that_name  # it may have mistakes, which are told
    known = {one.flow: file for file, one in flows_in(settings.flows_dir)}
    if name not in known:
        hint = nearest(name, known) or f"name a file, or one of the flows: {', '.join(known) or 'none'}"
        raise ConfigurationError("FLOW", f"there is no flow '{name}' in {settings.flows_dir}", hint)
    return known[name]


def _run(
    rehearsal: Rehearsal,
    answers: Iterator[str],
    walk: list[RehearsalLine | str],
    *,
    forever: bool,
    shown: bool,
    echo: bool,
) -> Iterator[RehearsalLine]:
    """Run to the end of the call; the caller hangs up when the input ends, or is silent after the last of the keys."""
    lines = rehearsal.start()
    while True:
        if shown:
            for line in lines:
                print_text(_shown(line), hanging=26)
        walk += lines
        yield from lines
        if rehearsal.over:
            return
        answer = next(answers, "" if forever else HANGS_UP)
        if shown and echo:
            print_text(f"{PROMPT}{answer}".rstrip())
        walk.append(answer)
        lines = rehearsal.answer(answer)


def _draft(flow: Flow, surroundings: FlowSurroundings, *, given: bool) -> ScenarioDraft:
    """An empty scenario, at the time of the walk where it was given or the flow has opening hours."""
    draft = ScenarioDraft("", caller=NUMBERS["from"], to=NUMBERS["to"])
    opens = any(isinstance(node, HoursNode) for node in flow.nodes.values())
    if surroundings.wallclock is not None and (given or opens):
        draft.at = surroundings.wallclock().astimezone(ZoneInfo(flow.zone or "UTC")).isoformat(timespec="seconds")
    return draft


def _save(save: Path, flow: Path, draft: ScenarioDraft, *, quiet: bool) -> None:
    """Write a walk through a flow as a scenario file."""
    name = save if save.name.endswith(SUFFIX) else save.with_name(save.name + SUFFIX)
    draft.call = os.path.relpath(flow.resolve(), name.parent.resolve())
    try:
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_text(draft.text(), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError("--save", f"{name} cannot be written ({error.strerror})") from error
    if not quiet:
        print_text(f"wrote {name}; `telebridge test {name}` plays it")


def _shown(line: RehearsalLine) -> str:
    return f"{line.node:<16} {line.what:<8} {line.text}".rstrip()


def _typed(*, asking: bool) -> Iterator[str]:
    """The answers on standard input, line by line until there are no more."""
    while True:
        if asking:
            sys.stdout.write(PROMPT)
            sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            return
        try:
            answers = answers_in(line)
        except ConfigurationError as error:
            print_text(str(error), err=True)
            continue
        yield from answers


def _variables(flow: Flow, given: list[str]) -> Mapping[str, Any]:
    """The variables of the command line.

    Raises:
        ConfigurationError: One is not NAME=VALUE, or the flow uses none of that name.
    """
    known = BUILT_IN.union(flow.variables, flow.needs, *(variables_set_by(node) for node in flow.nodes.values()))
    variables: dict[str, Any] = {}
    for name, value in _named(given):
        if name not in known:
            raise ConfigurationError(
                "--set", f"the flow has no variable '{name}'", nearest(name, known) or "name it under 'variables'"
            )
        variables[name] = _of_same_type(flow.variables.get(name), value)
    return variables


def _named(given: list[str]) -> Iterator[tuple[str, str]]:
    for each in given:
        name, equals, value = each.partition("=")
        if not equals:
            raise ConfigurationError("--set", f"'{each}' is not NAME=VALUE", "for example --set name=Jane")
        yield name, value


def _answers(flow: Flow, given: list[str]) -> dict[str, object]:
    answers = dict(_outcomes(given))
    for node in answers:
        if node not in flow.nodes:
            raise ConfigurationError("--answer", f"the flow has no node '{node}'", nearest(node, flow.nodes))
    return answers


def _outcomes(given: list[str]) -> Iterator[tuple[str, Any]]:
    for each in given:
        name, equals, value = each.partition("=")
        if not equals:
            raise ConfigurationError(
                "--answer", f"'{each}' is not NODE=JSON", """for example --answer 'find={"id": 7}'"""
            )
        try:
            yield name, json.loads(value)
        except ValueError:
            yield name, value


def _of_same_type(default: object, value: str) -> object:
    """The value in the type of the flow's own: a number, true or false where that is one, and text otherwise."""
    if isinstance(default, bool):
        return TRUTH.get(value.lower(), value)
    if isinstance(default, int | float):
        try:
            return type(default)(value)
        except ValueError:
            return value
    return value


def _as_json(rehearsal: Rehearsal, lines: list[RehearsalLine]) -> dict[str, object]:
    return {
        "path": rehearsal.path,
        "variables": dict(rehearsal.variables),
        "failure": rehearsal.failure,
        "lines": [{"node": line.node, "what": line.what, "text": line.text} for line in lines],
    }
