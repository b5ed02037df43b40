"""`telebridge flow` as a user runs it, and the line that it prints before it exits with 2."""

from pathlib import Path

from typer.testing import CliRunner

from telebridge.cli.main import app
from telebridge.errors import ConfigurationError

FRONT_DESK = str(Path(__file__).parents[2] / "config" / "flows" / "front-desk.yaml")


def flow(*arguments, typed=None):
    return CliRunner().invoke(app, ["flow", *map(str, arguments)], input=typed)


def refused(done):
    """The one line that `telebridge` prints before it exits with 2."""
    assert isinstance(done.exception, ConfigurationError), done.output
    return str(done.exception)
