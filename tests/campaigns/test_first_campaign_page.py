"""The page that walks through a campaign shows what the commands print."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from telebridge.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs" / "first-campaign.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PRINTED = [part.partition("\n") for kind, text in BLOCKS if not kind for part in text.split("$ ")[1:]]
SHOWN = {command: shown for command, _, shown in PRINTED}
LIST, REJECTS = (text for kind, text in BLOCKS if kind == "csv")
[COLUMNS] = (text for kind, text in BLOCKS if kind == "toml")
DIFFERS = re.compile(r"^(?:\d+ may be called|everybody has been called|calls/s|about )|\([0-9a-f]{8}\)")
"""Lines that tell of the moment, or of an id."""


def flat(text):
    return " ".join(text.split())


def test_every_command_and_option_exists():
    assert len(SHOWN) >= 10
    for command in SHOWN:
        words = command.replace("telebridge ", "", 1).split()
        named = words[: 2 if words[0] == "campaign" else 1]
        done = CliRunner().invoke(app, [*named, "--help"], env={"COLUMNS": "200"})
        assert done.exit_code == 0, command
        assert [word for word in words if word.startswith("--") and word not in done.stdout] == []


@pytest.mark.slow
def test_the_page_shows_what_is_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC1")

    def run(command):
        done = CliRunner().invoke(app, command.split()[1:])
        assert done.exit_code == 0, done.output
        return flat(done.output)

    run("telebridge init . --flow campaign")
    flow = tmp_path / "flows" / "reminder.yaml"
    flow.write_text(flow.read_text().replace("Acme Dental", "Tooth and Co"))
    people, file = tmp_path / "patients.csv", tmp_path / "patients.toml"
    people.write_text(LIST)
    for command, shown in SHOWN.items():
        if "import" in command:
            assert (tmp_path / "patients.rejects.csv").read_text().splitlines() == REJECTS.splitlines()
            people.write_text(LIST.replace(" mum", ""))
        if not re.search(r"campaign (init|preflight|create|import) ", command):
            continue
        printed = run(command)
        told = [flat(line) for line in shown.splitlines() if line.strip() not in {"", "…"}]
        assert [line for line in told if line not in printed and not DIFFERS.search(line)] == []
        if "init" in command:
            file.write_text(file.read_text().partition("[columns]\n")[0] + COLUMNS)
