"""The list of all commands says of each what the command says of itself, and importing it imports none of them."""

import inspect
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from telebridge.cli.campaign.campaign import ON_DEMAND
from telebridge.cli.main import COMMANDS, app


@pytest.mark.parametrize("listed", [*COMMANDS, *ON_DEMAND], ids=lambda listed: listed.name)
def test_a_command_is_listed_with_the_first_paragraph_of_its_own_help(listed):
    command = listed.imported()
    assert inspect.cleandoc(command.help).partition("\n\n")[0] == listed.help
    assert command.name == listed.name


@pytest.mark.parametrize("listed", COMMANDS, ids=lambda listed: listed.name)
def test_a_command_that_is_named_helps_with_its_own_words_and_not_those_of_the_list(listed):
    shown = CliRunner().invoke(app, [listed.name, "--help"]).output
    assert f"{listed.name} [" in shown
    assert any(option in shown for option in ("--config", "--port", "COMMAND [ARGS]"))


def test_a_command_that_is_misspelt_is_told_with_the_nearest():
    done = CliRunner().invoke(app, ["flwo"])
    assert done.exit_code == 2
    assert "Did you mean 'flow'" in done.output


def test_the_program_without_words_is_its_help():
    assert CliRunner().invoke(app, []).output.split() == CliRunner().invoke(app, ["--help"]).output.split()


def test_listing_the_commands_imports_nothing_that_only_some_of_them_need():
    code = (
        "import sys; from telebridge.cli.main import app; app(['--help'], standalone_mode=False); "
        "print(sorted({'aiohttp', 'sqlalchemy', 'numpy', 'pydantic', 'telebridge.cli.call'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
