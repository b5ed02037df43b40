"""Options that several commands share."""

from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated

import typer

from telebridge.errors import ConfigurationError

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


def instant_of(option: str, written: str, zone: tzinfo) -> datetime:
    """Return the aware instant that an option gives; without an offset it is on the clock of a zone.

    Raises:
        ConfigurationError: It is no date and time.
    """
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        raise ConfigurationError(option, f"'{written}' is no date and time", "write it as 2026-12-24T18:00") from None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=zone)
