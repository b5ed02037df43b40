"""`telebridge init`: a project in a folder of its own, which runs as it is."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from telebridge.cli.init.project import SETTINGS, Kind, first_steps, project_files, write
from telebridge.cli.process.printing import print_line, print_text
from telebridge.errors import ConfigurationError

WIDTH = 40


def init(
    folder: Annotated[Path, typer.Argument(help="Where the project goes; it is made if it is not there.")] = Path(),
    flow: Annotated[Kind, typer.Option(help="What it begins with.")] = Kind.FRONT_DESK,
) -> None:
    """Make a project in FOLDER that runs as it is: settings, a flow, a test, and what a server needs.

    Files that are there already are kept. A folder that holds telebridge.toml is a project, and is left alone.
    """
    if (folder / SETTINGS).exists():
        problem = f"'{folder / SETTINGS}' is there already: this is a project"
        raise ConfigurationError("FOLDER", problem, "name another folder")
    try:
        for file, is_new in write(project_files(flow), folder):
            meaning = file.meaning if is_new else "was there already, and is kept"
            print_text(f"{file.path:<{WIDTH}}{meaning}", hanging=WIDTH)
    except OSError as error:
        problem = f"'{error.filename}' cannot be written ({error.strerror})"
        raise ConfigurationError("FOLDER", problem, "name another folder") from error
    print_line("\nNext:\n")
    if folder != Path():
        print_text(f"  cd {shlex.quote(str(folder))}")
    for command, does in first_steps(flow):
        lines = [f"  {command:<{WIDTH}}# {does}"] if len(command) < WIDTH else [f"  # {does}:", f"  {command}"]
        print_line("\n".join(lines))
