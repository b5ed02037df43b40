"""`telebridge flow`: what can be done with a flow file without a call.

`check` finds mistakes, `draw` makes a picture, `try` runs it in the terminal, `fields` and `schema` print the format.
"""

import json
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from telebridge.app.python_flows import bridge_of
from telebridge.call.flows.catalogue import flow_files, flows_in
from telebridge.call.flows.transfers import transfer_warnings
from telebridge.cli.flow.try_flow import try_flow
from telebridge.cli.flow.voices import speech_check
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.cli.process.printing import print_line, print_text
from telebridge.errors import ConfigurationError, FlowError
from telebridge.flows.checks.mistakes import nearest
from telebridge.flows.checks.references import reference_mistakes
from telebridge.flows.drawing.graph import graph_of, mermaid
from telebridge.flows.drawing.svg import svg
from telebridge.flows.loading import check_flow, flow_warnings, load_flow, located
from telebridge.flows.model import parts
from telebridge.flows.nodes.subflows import GotoNode, SubflowNode
from telebridge.flows.schema import flow_schema, markdown_table, meaning, rows
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings


def schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .json file.", show_default="to the terminal")
    ] = None,
) -> None:
    """Print the JSON Schema of flow files: editors complete and check by it.

    For editors with the YAML language server, begin a flow file with
    `# yaml-language-server: $schema=../../docs/flow.schema.json`.
    """
    text = json.dumps(flow_schema(), indent=2, ensure_ascii=False)
    if output is None:
        print_line(text)
        return
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError("--output", f"{output} cannot be written ({error.strerror})") from error
    print_text(f"{output}: the JSON Schema of flow files")


def fields(
    part: Annotated[
        str | None, typer.Argument(help="A verb such as menu, or a part such as no_input.", show_default="all")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, as docs/flows.md has it.")] = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Print the verbs of a flow file and their fields, with defaults and meaning."""
    known = parts()
    if part is not None and part not in known:
        hint = nearest(part, known) or f"there are {', '.join(known)}"
        raise ConfigurationError("PART", f"there is no '{part}' in flow files", hint)
    for name in known if part is None else [part]:
        if markdown:
            print_line(markdown_table(name))
        else:
            Console(highlight=False).print(_table(name))


def _table(part: str) -> Table:
    table = Table(
        title=f"[bold]{part}[/]: {escape(meaning(part))}", title_justify="left", box=None, padding=(0, 2, 0, 0)
    )
    for heading in ("field", "default", "meaning"):
        table.add_column(heading, header_style="dim")
    for row in rows(part):
        table.add_row(row.field, escape(row.default), escape(row.description))
    table.add_row()
    return table


class PictureFormat(StrEnum):
    """The format of a flow's picture."""

    MERMAID = "mermaid"
    SVG = "svg"


SUFFIXES = {".svg": PictureFormat.SVG, ".mmd": PictureFormat.MERMAID, ".mermaid": PictureFormat.MERMAID}
DRAWN = {PictureFormat.MERMAID: mermaid, PictureFormat.SVG: svg}


def draw(
    file: Annotated[Path, typer.Argument(help="A flow file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .svg or .mmd file.", show_default="to the terminal")
    ] = None,
    format_: Annotated[
        PictureFormat | None,
        typer.Option("--format", help="What to draw.", show_default="by the file's name, else mermaid"),
    ] = None,
) -> None:
    """Draw a flow: its nodes, and what leads from one to the next.

    SVG opens in a browser; Mermaid text is shown as a picture by GitHub, GitLab and many editors.
    """
    chosen = format_ or _by_suffix(output)
    picture = DRAWN[chosen](graph_of(load_flow(file)))
    if output is None:
        print_line(picture.removesuffix("\n"))
        return
    try:
        output.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError("--output", f"{output} cannot be written ({error.strerror})") from error
    print_text(f"{output}: {chosen} of {file}")


def _by_suffix(output: Path | None) -> PictureFormat:
    if output is None:
        return PictureFormat.MERMAID
    if output.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(
            "--output", f"{output} does not say what to draw", "end it in .svg or .mmd, or add --format"
        )
    return SUFFIXES[output.suffix.lower()]


flow = typer.Typer(help="Check, draw and try flow files, without a call.", no_args_is_help=True)


@flow.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Flow files, or folders of them.", show_default="the flows of the settings"),
    ] = None,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Find every mistake in flow files, with line and column: unknown keys, dangling targets, unreachable nodes.

    Voices are checked over the voice of the settings. SSML in a text is a warning, because it would be read aloud.
    Exits with 2 when there is a mistake.
    """
    settings = load_settings(config)
    speech = speech_check(settings.rime.parameters())
    refused = partial(transfer_warnings, prefixes=settings.transfers.allowed)
    checked = _flow_files(files or [settings.flows_dir])
    errors = {file: check_flow(file, speech) for file in checked}
    for error in _reference_errors(checked, settings) if not any(errors.values()) else ():
        errors[Path(error.file)].append(error)
    if json_:
        print_line(json.dumps([_as_json(error) for found in errors.values() for error in found]))
        for warning in (warning for file in errors for warning in flow_warnings(file, refused)):
            print_text(f"warning: {warning}", err=True)
    else:
        for file, found in errors.items():
            for told in map(str, found) if found else [f"{file}: no mistakes"]:
                print_text(told)
            for warning in flow_warnings(file, refused):
                print_text(f"warning: {warning}")
    if any(errors.values()):
        raise typer.Exit(2)


def _reference_errors(checked: list[Path], settings: Settings) -> list[FlowError]:
    """The mistakes between the flows of these files, those beside them, and those of the settings."""
    flows = {path: load_flow(path) for path in checked}
    if not any(isinstance(node, GotoNode | SubflowNode) for one in flows.values() for node in one.nodes.values()):
        return []
    folders = dict.fromkeys((settings.flows_dir, *(path.parent for path in flows)))
    known = {one.flow: one for folder in folders for _, one in flows_in(folder)}
    known |= {one.flow: one for one in flows.values()}
    bridge = bridge_of(settings)
    python = frozenset(() if bridge is None else bridge.flows)
    return [error for path, one in flows.items() for error in located(path, reference_mistakes(one, known, python))]


flow.command()(draw)
flow.command("try")(try_flow)
flow.command()(fields)
flow.command()(schema)


def _flow_files(named: list[Path]) -> list[Path]:
    """The files named, and those in the folders named; each once."""
    found = (file for path in named for file in (flow_files(path) if path.is_dir() else [path]))
    files = list(dict.fromkeys(found))
    if not files:
        raise ConfigurationError(str(named[0]), "holds no flow files", "they end in .yaml or .yml")
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
