"""`telebridge init` makes a project that runs, out of the files that come with the package."""

import os
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from telebridge.app.python_flows import bridge_of, open_flows
from telebridge.bundled import BUNDLED
from telebridge.campaigns.definition.loading import load_campaign
from telebridge.cli.doctor import _flows
from telebridge.cli.init.project import FLOWS, SCENARIOS, TESTS, Kind, first_steps, project_files
from telebridge.cli.main import COMMANDS, app
from telebridge.errors import ConfigurationError
from telebridge.flows.loading import check_flow
from telebridge.settings.loading import load_settings

ROOT = Path(__file__).parents[3]


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Makes a project and goes there, as a user does."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def make(*arguments):
        done = CliRunner().invoke(app, ["init", *arguments, str(tmp_path / "project")])
        assert done.exit_code == 0, done.output
        monkeypatch.chdir(tmp_path / "project")
        return done.output

    yield make
    sys.modules.pop("front_desk", None)


@pytest.mark.parametrize("kind", Kind)
def test_a_project_has_no_mistakes_and_its_flow_answers(made, kind):
    made("--flow", kind.value)
    settings = load_settings()
    bridge = bridge_of(settings)
    assert (bridge is None) == (kind is not Kind.PYTHON)
    assert settings.default_flow in open_flows(settings, bridge).names
    assert settings.flows_dir == Path("flows")
    for file in Path("flows").glob("*.yaml"):
        assert check_flow(file) == []
        schema = file.read_text().splitlines()[0].partition("$schema=")[2]
        assert (file.parent / schema).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Kind.FRONT_DESK, Kind.PHARMACY, Kind.PYTHON])
def test_the_call_of_a_new_project_passes(made, kind):
    made("--flow", kind.value)
    done = CliRunner().invoke(app, ["test"])
    assert done.exit_code == 0, done.output
    assert done.output.endswith("1 passed\n")


def test_the_doctor_names_the_python_flows_and_what_answers(made):
    made("--flow", "python")
    found = {finding.what: finding for finding in _flows(load_settings())}
    assert found["app"].told == "front-desk in front_desk:bridge"
    assert found["default_flow"].told == "front-desk answers"


def test_the_doctor_finds_what_keeps_a_server_from_starting(made):
    made()
    [finding] = _flows(load_settings().model_copy(update={"default_flow": "frontdesk"}))
    assert (finding.state, finding.remedy) == ("fail", "did you mean 'front-desk'?")
    assert finding.told == "default_flow: flow 'frontdesk' does not exist"
    [finding] = _flows(load_settings().model_copy(update={"flows_dir": Path("nowhere")}))
    assert finding.state == "fail"


def test_the_flows_of_a_project_are_checked_without_naming_them(made):
    made()
    assert CliRunner().invoke(app, ["flow", "check"]).output == "flows/front-desk.yaml: no mistakes\n"


def test_the_flow_that_answers_is_tried_without_naming_it(made):
    made()
    tried = CliRunner().invoke(app, ["flow", "try", "--keys", "1"])
    assert "welcome          says     Thank you for calling Acme Dental." in tried.output
    wrong = CliRunner().invoke(app, ["flow", "try", "front-dsk", "--keys", "1"])
    assert str(wrong.exception) == "FLOW: there is no flow 'front-dsk' in flows; did you mean 'front-desk'?"


def test_a_number_is_not_led_to_a_flow_that_does_not_exist(made):
    made()
    done = CliRunner().invoke(app, ["number", "connect", "+15550002222", "--flow", "nope"])
    assert str(done.exception) == "--flow: flow 'nope' does not exist; known flows: front-desk"


@pytest.mark.parametrize("kind", Kind)
def test_nothing_leads_to_the_folders_of_the_source(kind):
    for file in project_files(kind):
        if not file.path.startswith("flows/flow.schema"):
            assert "config/" not in file.text.replace("caddy_config/", ""), file.path
            assert "config.python" not in file.text, file.path


def test_a_project_of_a_campaign_has_one(made):
    made("--flow", "campaign")
    campaign = load_campaign(Path("campaigns/reminders.toml"))
    assert campaign.flow in open_flows(load_settings(), None).names
    assert len(Path("campaigns/reminders.csv").read_text().splitlines()) == 201


@pytest.mark.parametrize("kind", Kind)
def test_the_image_and_the_unit_run_the_project(kind):
    texts = {file.path: file.text for file in project_files(kind)}
    build = yaml.safe_load(texts["deploy/compose/compose.yaml"])["services"]["telebridge"]["build"]
    assert os.path.normpath(Path("deploy/compose") / build) == "."  # where the Dockerfile is
    assert "WORKDIR /etc/telebridge\nCOPY . .\n" in texts["Dockerfile"]
    in_python = "WorkingDirectory=/etc/telebridge\n" in texts["deploy/systemd/telebridge.service"]
    assert in_python == (kind is Kind.PYTHON)


def test_every_text_is_kept_in_one_place():
    bundled = {path.read_bytes() for path in BUNDLED.rglob("*") if path.is_file()}
    assert len(bundled) == sum(path.is_file() for path in BUNDLED.rglob("*")), "a file is kept twice"
    assert {file.name for file in (BUNDLED / "project").glob("test_*.py")} == set(TESTS.values())


def test_the_wheel_carries_them():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"config": "telebridge/config"}


def test_every_command_to_begin_with_exists(made):
    known = {command.name for command in COMMANDS}
    for kind in Kind:
        for command, _ in first_steps(kind):
            assert command.split()[0] in ("telebridge", "pip")
            assert command.split()[1] in known | {"install"}


def test_files_that_are_there_are_kept(tmp_path):
    (tmp_path / ".gitignore").write_text("mine\n")
    done = CliRunner().invoke(app, ["init", str(tmp_path)])
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    [line] = [line for line in done.output.splitlines() if line.startswith(".gitignore")]
    assert line.endswith("was there already, and is kept")


def test_a_project_is_not_made_twice(tmp_path):
    CliRunner().invoke(app, ["init", str(tmp_path)])
    again = CliRunner().invoke(app, ["init", str(tmp_path)])
    assert isinstance(again.exception, ConfigurationError)
    assert str(again.exception) == (
        f"FOLDER: '{tmp_path / 'telebridge.toml'}' is there already: this is a project; name another folder"
    )


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(app, ["init", str(tmp_path / "file" / "project")])
    assert isinstance(done.exception, ConfigurationError)
    assert "cannot be written (Not a directory); name another folder" in str(done.exception)


def test_each_kind_has_a_test_and_a_flow():
    assert set(FLOWS) == set(TESTS) == set(SCENARIOS) == set(Kind)
