"""The units of systemd are ones that systemd understands, and the commands in them run."""

import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from support.deployment import AFTER_DRAINING, DEPLOY, ROOT, environment_file, settings_of, unit_entries
from support.programs import Serving, telebridge

from telebridge.settings.loading import load_settings

FOLDER = DEPLOY / "systemd"
UNITS = sorted(path.name for path in FOLDER.iterdir() if path.suffix in {".service", ".timer"})
PROGRAM = "/opt/telebridge/bin/telebridge"
SHIPPED = environment_file((FOLDER / "environment").read_text())


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (Debian: systemd)"
)
def test_systemd_finds_nothing_to_complain_of(tmp_path):
    program = Path(sys.executable).with_name("telebridge")  # it must exist
    for name in UNITS:
        (tmp_path / name).write_text((FOLDER / name).read_text().replace(PROGRAM, str(program)))
    command = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in UNITS)]
    verified = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert [line for line in verified.stderr.splitlines() if str(tmp_path) in line] == []
    assert verified.returncode == 0


def test_systemd_waits_longer_than_calls_may_drain():
    unit = dict(unit_entries((FOLDER / "telebridge.service").read_text()))
    settings = load_settings(ROOT / "config" / "telebridge.toml")
    assert float(unit["TimeoutStopSec"]) > settings.server.drain_seconds + AFTER_DRAINING


def test_every_variable_of_the_environment_file_is_a_setting(monkeypatch):
    settings = settings_of(monkeypatch, {name: value or "given" for name, value in SHIPPED.items()})
    assert settings.twilio.auth_token == settings.server.api_token == settings.rime.api_key == "given"
    assert settings.database.url.startswith("postgresql://")


def started(unit, folder):
    """The arguments and variables with which systemd starts the program of a unit, below another root."""
    entries = unit_entries((FOLDER / unit).read_text())
    given = [value for key, value in entries if key == "Environment"]
    [command] = [value for key, value in entries if key == "ExecStart"]
    words = shlex.split(re.sub(r"/(etc|var)/", rf"{folder}/\1/", command))
    assert words[0] == PROGRAM
    variables = dict(
        value.replace("/var/", f"{folder}/var/").replace("/etc/", f"{folder}/etc/").split("=", 1) for value in given
    )
    filled = {name: value or "0123456789abcdef" for name, value in SHIPPED.items() if "DATABASE" not in name}
    return words[1:], {**filled, **variables}


@pytest.fixture
def machine(tmp_path):
    """A root that has what the page tells to make."""
    shutil.copytree(ROOT / "config", tmp_path / "etc" / "telebridge", ignore=shutil.ignore_patterns("deploy"))
    for folder in ("var/lib/telebridge", "var/backups/telebridge"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


@pytest.mark.slow
def test_the_command_of_the_service_serves_and_ends(machine):
    arguments, variables = started("telebridge.service", machine)
    with Serving(*arguments, **variables, TELEBRIDGE_SERVER__PORT="0") as serving:
        assert "https://bridge.example.com/twilio/voice" in serving.line
        assert urllib.request.urlopen(f"{serving.url}/readyz", timeout=5).status == 200
    assert (machine / "var" / "lib" / "telebridge" / "telebridge.db").exists()


@pytest.mark.slow
def test_the_command_of_the_backup_makes_one(machine):
    arguments, variables = started("telebridge-backup.service", machine)
    telebridge("campaign", "list", **variables).check_returncode()
    telebridge(*arguments, **variables).check_returncode()
    [made] = (machine / "var" / "backups" / "telebridge").iterdir()
    assert made.read_bytes().startswith(b"SQLite format 3")
