"""`telebridge flow try` of a Python flow."""

import asyncio
import json
import sys
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import typer

from telebridge.app.python_flows import excerpt_of
from telebridge.call.flows.python.registry import Bridge
from telebridge.call.flows.python.rehearsal import RECORD, TRANSFER, rehearse_python
from telebridge.cli.process.printing import print_line, print_text
from telebridge.errors import ConfigurationError
from telebridge.flows.checks.mistakes import nearest
from telebridge.flows.rehearsal import HANGS_UP, RehearsalLine

OUTCOMES = (RECORD, TRANSFER)
WIDTH = 8


def try_python(
    bridge: Bridge,
    name: str | None,
    variables: dict[str, Any],
    answers: dict[str, Any],
    typed: Iterator[str],
    *,
    forever: bool,
    shown: bool,
    echo: bool,
) -> None:
    """Run a Python flow in the terminal, and print what happens.

    Args:
        bridge: The flows of the application.
        name: The flow; may be None when there is one alone.
        variables: What it is started with.
        answers: How recordings and transfers go.
        typed: What the caller presses.
        forever: Whether the caller is silent after the last of `typed`, and does not hang up.
        shown: Whether lines are printed as they come; else all is printed as JSON at the end.
        echo: Whether what is pressed is printed.
    """
    chosen = _chosen(bridge, name)
    _check(bridge, chosen, variables, answers)
    lines: list[RehearsalLine] = []

    def tell(line: RehearsalLine) -> None:
        lines.append(line)
        if shown:
            print_text(f"{line.what:<{WIDTH}} {line.text}".rstrip(), hanging=WIDTH + 1)

    def presses() -> Iterator[str]:
        for keys in chain(typed, repeat("" if forever else HANGS_UP)):
            if shown and echo:
                print_text(f"> {keys}".rstrip())
            yield keys

    failure = None
    rehearsal = rehearse_python(bridge.flows[chosen], chosen, variables, presses(), answers, tell)
    record, error = asyncio.run(rehearsal)
    if error is not None:
        failure = f"{type(error).__name__}: {error}"
        sys.stderr.write("\n".join([f"the flow fails: {failure}", *excerpt_of(error)]) + "\n")
    if shown:
        print_line("")
        for key, value in sorted(record.result.items()):
            print_text(f"  {key} = {value!r}")
    else:
        told = [{"node": line.node, "what": line.what, "text": line.text} for line in lines]
        fields = {"flow": chosen, "result": record.result, "variables": variables, "failure": failure, "lines": told}
        print_line(json.dumps(fields, default=str))
    if failure is not None:
        raise typer.Exit(1)


def _chosen(bridge: Bridge, name: str | None) -> str:
    if name is None and len(bridge.flows) == 1:
        return next(iter(bridge.flows))
    known = ", ".join(sorted(bridge.flows)) or "none"
    if name is None:
        raise ConfigurationError("FLOW", "is missing", f"the application has the flows {known}")
    if name not in bridge.flows:
        hint = nearest(name, bridge.flows) or f"the application has the flows {known}"
        raise ConfigurationError("FLOW", f"the application has no flow '{name}'", hint)
    return name


def _check(bridge: Bridge, name: str, variables: dict[str, Any], answers: dict[str, Any]) -> None:
    for needed in bridge.needs.get(name, ()):
        if needed not in variables:
            raise ConfigurationError("--set", f"flow '{name}' needs the variable '{needed}'", f"--set {needed}=…")
    for given in answers:
        if given not in OUTCOMES:
            hint = "a Python flow takes record=SECONDS and transfer=completed"
            raise ConfigurationError("--answer", f"there is no '{given}' to answer", hint)
