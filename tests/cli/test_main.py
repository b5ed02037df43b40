"""The program: its list of commands, which imports none of them, and its errors of one line."""

import inspect
import subprocess
import sys
from importlib.metadata import version

import pytest
from support.programs import failed, telebridge
from typer.testing import CliRunner

from telebridge.cli.campaign.campaign import ON_DEMAND
from telebridge.cli.main import COMMANDS, app

NAMES = [
    "demo",
    "init",
    "serve",
    "phone",
    "say",
    "call",
    "flow",
    "prompts",
    "number",
    "speech-server",
    "simulator",
    "doctor",
]


@pytest.mark.parametrize("listed", [*COMMANDS, *ON_DEMAND], ids=lambda listed: listed.name)
def test_a_command_is_listed_with_the_first_paragraph_of_its_own_help(listed):
    command = listed.imported()
    assert inspect.cleandoc(command.help).partition("\n\n")[0] == listed.help
    assert command.name == listed.name


@pytest.mark.parametrize("listed", COMMANDS, ids=lambda listed: listed.name)
def test_a_command_that_is_named_helps_with_its_own_words_and_not_those_of_the_list(listed):
    shown = CliRunner().invoke(app, [listed.name, "--help"]).output
    assert f"{listed.name} [" in shown
    assert any(option in shown for option in ("--config", "--port", "--flow", "COMMAND [ARGS]"))


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_that_of_the_package(option):
    done = CliRunner().invoke(app, [option])
    assert (done.exit_code, done.output) == (0, f"telebridge {version('telebridge')}\n")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("telebridge ser", {"serve"}),
        ("telebridge campaign pre", {"preflight"}),
        ("telebridge flow try --se", {"--set"}),
        ("telebridge init --flow ph", {"pharmacy"}),
    ],
)
def test_a_shell_completes_commands_and_options(typed, offered):
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1), "_TELEBRIDGE_COMPLETE": "complete_bash"}
    done = CliRunner().invoke(app, [], prog_name="telebridge", env=words)
    assert set(done.output.split()) == offered


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


def test_help_names_every_command_and_where_to_begin():
    done = telebridge("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in NAMES)
    assert "telebridge demo" in done.stdout


@pytest.mark.parametrize("command", NAMES)
def test_every_command_explains_itself(command):
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    assert len(done.output.splitlines()) > 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["say", " "], "telebridge: TEXT: is empty; what shall be said?"),
        (["say", "x", "--model", "mist9"], "telebridge: rime.model: input should be 'arcana'"),
        (["say", "x", "--config", "none.toml"], "telebridge: none.toml: cannot be read (No such file or directory)"),
        (["say", "x", "-o", "/nonexistent/x.wav"], "telebridge: --output: /nonexistent/x.wav cannot be written"),
        (["demo", "-o", "/nonexistent"], "telebridge: --output: /nonexistent is no folder"),
        (["demo", "--script", "dance"], "telebridge: script part 'dance': is not understood; there are wait"),
        (
            ["demo", "--flow", "front-dsk"],
            "telebridge: --flow: flow 'front-dsk' does not exist; did you mean 'front-desk'?",
        ),
        (
            ["serve", "--app", "nothing"],
            "telebridge: --app: 'nothing' is not MODULE:BRIDGE; for example --app reminders:bridge",
        ),
        (["serve", "--app", "no.such:bridge"], "telebridge: --app: module 'no.such' cannot be imported"),
        (["serve", "--app", "json:dumps"], "telebridge: --app: 'json:dumps' is no telebridge.Bridge"),
        (["call", "+15551230000", "--from", "+15551230001"], "telebridge: public_url: is not set"),
        (["flow", "check", "docs"], "telebridge: docs: holds no flow files; they end in .yaml or .yml"),
    ],
)
def test_wrong_use_is_one_line_that_says_what_to_do(tmp_path, arguments, told):
    code, line = failed(telebridge(*arguments, TELEBRIDGE_STATE_DIR=str(tmp_path)))
    assert code == 2
    assert line.startswith(told)


def test_a_misspelt_setting_is_told_with_the_nearest(tmp_path):
    (tmp_path / "settings.toml").write_text("[server]\nprot = 1\n")
    code, line = failed(telebridge("serve", "--config", str(tmp_path / "settings.toml")))
    assert code == 2
    assert line.endswith("settings.toml: server.prot: is no setting; did you mean 'server.port'?")
    code, line = failed(telebridge("serve", TELEBRIDGE_SEVER__PORT="1"))
    assert (code, line) == (
        2,
        "telebridge: TELEBRIDGE_SEVER__PORT: is no setting; did you mean 'TELEBRIDGE_SERVER__PORT'?",
    )
