"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", help="Settings file.", show_default="telebridge.toml or config/telebridge.toml, if there is one"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
AppOption = Annotated[
    str | None,
    typer.Option(
        "--app", metavar="MODULE:BRIDGE", help="Python flows: a Bridge object in a module, or in a file (x.py:bridge)."
    ),
]
