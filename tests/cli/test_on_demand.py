"""A command that is imported on demand is the command itself: its options, its arguments, its group."""

import sys

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from telebridge.cli.on_demand import CommandOnDemand

SOURCE = '''
import typer

group = typer.Typer(help="A group.", no_args_is_help=True)


@group.command()
def inner(word: str = "one") -> None:
    """Inner."""
    print(f"inner {word}")


@group.command()
def other() -> None:
    """Other."""


def alone(count: int, loud: bool = False) -> None:
    """Alone, and more."""
    print(f"alone {count + 1} {loud}")
'''


@pytest.fixture
def invoked(tmp_path, monkeypatch):
    (tmp_path / "commands_on_demand.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)

    class Commands(TyperGroup):
        def __init__(self, **given):
            named = {"alone": "alone", "many": "group", "lost": "missing"}
            commands = [CommandOnDemand(name, f"commands_on_demand:{one}", name) for name, one in named.items()]
            super().__init__(**{**given, "commands": commands})

    app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    app.callback(cls=Commands)(lambda: None)
    yield lambda *arguments: CliRunner().invoke(app, arguments)
    sys.modules.pop("commands_on_demand", None)


def test_nothing_is_imported_for_the_list(invoked):
    assert "alone" in invoked("--help").output
    assert "commands_on_demand" not in sys.modules


def test_a_function_takes_its_arguments_and_options(invoked):
    assert invoked("alone", "4", "--loud").output == "alone 5 True\n"
    assert invoked("alone", "four").exit_code == 2


def test_a_group_finds_its_commands_below_it(invoked):
    assert invoked("many", "inner", "--word", "two").output == "inner two\n"
    assert "Other." in invoked("many", "--help").output


def test_a_command_that_is_not_where_it_was_said_to_be_is_our_fault_and_told_as_such(invoked):
    assert isinstance(invoked("lost").exception, AttributeError)
