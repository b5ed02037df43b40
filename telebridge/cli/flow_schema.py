"""`telebridge flow schema` and `telebridge flow fields`: what a flow file can say, for editors and for people."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from telebridge.cli.serving import tell
from telebridge.errors import ConfigurationError
from telebridge.flows.checking import nearest
from telebridge.flows.model import parts
from telebridge.flows.schema import flow_schema, markdown_table, meaning, rows


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
        tell(text)
        return
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError("--output", f"{output} cannot be written ({error.strerror})") from error
    tell(f"{output}: the JSON Schema of flow files")


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
            tell(markdown_table(name))
        else:
            Console(highlight=False).print(_table(name))


def _table(part: str) -> Table:
    table = Table(
        title=f"[bold]{part}[/]: {escape(meaning(part))}", title_justify="left", box=None, padding=(0, 2, 0, 0)
    )
    for heading in ("field", "default", "meaning"):
        table.add_column(heading, header_style="dim")
    for row in rows(part):
        table.add_row(row.field, escape(row.default), escape(row.note))
    table.add_row()
    return table
