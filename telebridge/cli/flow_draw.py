"""`telebridge flow draw`: a flow as a picture."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from telebridge.cli.serving import tell
from telebridge.errors import ConfigurationError
from telebridge.flows.drawing.graph import graph_of, mermaid
from telebridge.flows.drawing.svg import svg
from telebridge.flows.loading import load_flow


class Format(StrEnum):
    """How a flow is drawn."""

    MERMAID = "mermaid"
    SVG = "svg"


SUFFIXES = {".svg": Format.SVG, ".mmd": Format.MERMAID, ".mermaid": Format.MERMAID}
DRAWN = {Format.MERMAID: mermaid, Format.SVG: svg}


def draw(
    file: Annotated[Path, typer.Argument(help="A flow file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .svg or .mmd file.", show_default="to the terminal")
    ] = None,
    format_: Annotated[
        Format | None, typer.Option("--format", help="What to draw.", show_default="by the file's name, else mermaid")
    ] = None,
) -> None:
    """Draw a flow: its nodes, and what leads from one to the next.

    SVG opens in a browser; Mermaid text is shown as a picture by GitHub, GitLab and many editors.
    """
    chosen = format_ or _by_suffix(output)
    picture = DRAWN[chosen](graph_of(load_flow(file)))
    if output is None:
        tell(picture.removesuffix("\n"))
        return
    try:
        output.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError("--output", f"{output} cannot be written ({error.strerror})") from error
    tell(f"{output}: {chosen} of {file}")


def _by_suffix(output: Path | None) -> Format:
    if output is None:
        return Format.MERMAID
    if output.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(
            "--output", f"{output} says not what to draw", "end it in .svg or .mmd, or add --format"
        )
    return SUFFIXES[output.suffix.lower()]
