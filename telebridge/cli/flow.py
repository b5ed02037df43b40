"""`telebridge flow`: what can be done with a flow file without a call."""

import json
from pathlib import Path
from typing import Annotated

import typer

from telebridge.cli.flow_draw import draw
from telebridge.cli.flow_schema import fields, schema
from telebridge.cli.flow_try import try_flow
from telebridge.cli.flow_voices import speech_check
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.cli.serving import tell
from telebridge.errors import ConfigurationError, FlowError
from telebridge.flows.loading import check_flow
from telebridge.settings import load_settings

flow = typer.Typer(help="Check, draw and try flow files, without a call.", no_args_is_help=True)


@flow.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Flow files, or folders of them.")],
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Find every mistake in flow files, with line and column: unknown keys, dangling targets, unreachable nodes.

    Voices are checked over the voice of the settings. Exits with 2 when there is a mistake.
    """
    speech = speech_check(load_settings(config).rime.parameters())
    errors = {file: check_flow(file, speech) for file in _flow_files(files)}
    if json_:
        tell(json.dumps([_as_json(error) for found in errors.values() for error in found]))
    else:
        for file, found in errors.items():
            tell("\n".join(str(error) for error in found) if found else f"{file}: no mistakes")
    if any(errors.values()):
        raise typer.Exit(2)


flow.command()(draw)
flow.command("try")(try_flow)
flow.command()(fields)
flow.command()(schema)


def _flow_files(named: list[Path]) -> list[Path]:
    """The files named, and those in the folders named; each once."""
    found = (file for path in named for file in (sorted(path.glob("*.yaml")) if path.is_dir() else [path]))
    files = list(dict.fromkeys(found))
    if not files:
        raise ConfigurationError(str(named[0]), "holds no flow files", "they end in .yaml")
    return files


def _as_json(error: FlowError) -> dict[str, object]:
    return {
        "file": error.file,
        "line": error.line,
        "column": error.column,
        "node": error.node,
        "problem": error.problem,
        "hint": error.hint,
    }
