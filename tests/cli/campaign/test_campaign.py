"""The campaign commands as their users meet them; nobody is dialled."""

import csv
from pathlib import Path

import pytest
from support.campaign_commands import FILE, told
from support.campaigns import plan
from support.programs import failed, telebridge

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.importing.importing import ImportProgress
from telebridge.cli.campaign.create import _tell_import

pytestmark = pytest.mark.slow

COMMANDS = (
    "create", "import", "list", "start", "pause", "resume", "retry", "cancel", "status", "report",
    "preflight", "work", "demo",
)  # fmt: skip


def test_help_names_every_command():
    done = telebridge("campaign", "--help")
    assert all(command in done.stdout for command in COMMANDS)


@pytest.mark.timeout(300)
def test_a_campaign_goes_from_its_file_to_its_report(campaign, tmp_path):
    made = told(campaign("create", "spring.toml", "--contacts", "people.csv", "--json"))
    assert (made["name"], made["status"]) == ("spring", "draft")
    imported = {name: made["import"][name] for name in ("rows", "added", "duplicates", "rejected")}
    assert imported == {"rows": 5, "added": 3, "duplicates": 1, "rejected": 1}
    with (tmp_path / "people.rejects.csv").open(newline="") as file:
        assert [row["line"] for row in csv.DictReader(file)] == ["5"]
    again = told(campaign("import", "spring", "--contacts", "people.csv", "--json"))
    assert (again["import"]["rows"], again["import"]["added"], again["import"]["duplicates"]) == (5, 0, 4)
    addition = ("do-not-call", "add", "+12125550114", "--campaign", "spring", "--json")
    assert told(campaign(*addition)) == {"added": 1, "there": 0}
    assert told(campaign("do-not-call", "list", "--json"))[0]["campaign"] == made["id"]
    assert told(campaign("do-not-call", "remove", *addition[2:])) == {"removed": 1}
    assert told(campaign("start", "spring", "--json"))["status"] == "running"
    stands = told(campaign("status", made["id"][:8], "--json"))
    assert (stands["total"], stands["contacts"]) == (3, {"ready": 3})
    assert told(campaign("pause", "spring", "--json"))["status"] == "paused"
    assert told(campaign("resume", "spring", "--json"))["status"] == "running"
    assert told(campaign("retry", "spring", "--outcome", "refused, bad_number", "--json"))["retried"] == 0
    code, line = failed(campaign("retry", "spring", "--outcome", "answered"))
    assert (code, line.partition(":")[0]) == (1, "telebridge")
    done = campaign("report", "spring", "-o", str(tmp_path / "report.csv"))
    assert done.stdout.strip().endswith("3 contacts: 3 waiting")
    with (tmp_path / "report.csv").open(newline="") as file:
        assert [(row["phone"], row["name"]) for row in csv.DictReader(file)] == [
            ("+12125550111", "Ada"),
            ("+12125550112", "Ben"),
            ("+12125550114", "Dan"),
        ]
    code, line = failed(campaign("cancel", "spring", "--end-calls"))
    assert (code, line.partition(";")[0]) == (2, "telebridge: twilio.auth_token: is not set")
    assert told(campaign("status", "spring", "--json"))["status"] != "cancelled"
    assert told(campaign("cancel", "spring", "--json"))["status"] == "cancelled"
    code, line = failed(campaign("start", "spring"))
    assert (code, line) == (1, "telebridge: campaign 'spring': is cancelled and cannot start")


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("status", "nobody"), 2, "there is no campaign 'nobody'; there are none yet"),
        (("create", "missing.toml"), 2, "missing.toml: cannot be read"),
        (("do-not-call", "add", "12"), 2, "is too short for a number of US"),
        (("work",), 2, "is not set"),
        (("do-not-call", "add", "+12125550111", "--campaign", "nobody"), 2, "there is no campaign 'nobody'"),
        (("do-not-call", "import", "-", "--register", "us-fl", "--campaign", "x"), 2, "a register holds for every"),
    ],
)
def test_what_is_wrong_is_one_line(campaign, arguments, code, line):
    status, said = failed(campaign(*arguments))
    assert status == code
    assert line in said


@pytest.mark.parametrize(("command", "contacts"), [("create", ()), ("preflight", ("--contacts", "people.csv"))])
def test_an_end_that_has_passed_is_told_before_anything_is_made(campaign, tmp_path, command, contacts):
    (tmp_path / "spring.toml").write_text(f"{FILE}end_at = 2020-01-02T09:00:00Z\n")
    code, line = failed(campaign(command, "spring.toml", *contacts))
    assert code == 2
    assert "end_at: 2020-01-02T09:00:00+00:00 has passed" in line


def test_a_flow_that_does_not_exist_is_told_before_anything_is_made(campaign, tmp_path):
    (tmp_path / "spring.toml").write_text(FILE.replace("reminder", "remainder"))
    code, line = failed(campaign("create", "spring.toml"))
    assert code == 2
    assert "flow: there is no flow 'remainder'" in line


def test_an_import_into_a_campaign_that_is_done_says_how_its_new_contacts_are_called(capsys):
    done = Campaign("c1", plan(), CampaignStatus.DONE)
    _tell_import(done, Path("people.csv"), None, ImportProgress(1, rows=1, added=1), json_=False)
    assert "it was done: `telebridge campaign start spring` calls those who came" in capsys.readouterr().out
