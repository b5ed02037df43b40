"""The campaign commands as their users meet them; nobody is dialled."""

import csv
import json
from pathlib import Path

import pytest
from support.campaigns import plan
from support.programs import failed, telebridge

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.importing.importing import ImportProgress
from telebridge.cli.campaign.campaign import _tell_import

pytestmark = pytest.mark.slow

CSV = "phone,name\n+12125550111,Ada\n(212) 555-0112,Ben\n+12125550111,Ada again\n123,Cleo\n+12125550114,Dan\n"
FILE = """
name = "spring"
flow = "reminder"
kind = "informational"
from = "+12125550100"
price_per_call = 0.01
price_per_minute = 0.02
"""
COMMANDS = (
    "create", "import", "list", "start", "pause", "resume", "cancel", "status", "report", "preflight", "work", "demo",
)  # fmt: skip


@pytest.fixture
def campaign(tmp_path):
    """Runs a campaign command in a folder of its own."""
    (tmp_path / "spring.toml").write_text(FILE)
    (tmp_path / "people.csv").write_text(CSV)

    def run(*arguments):
        paths = [str(tmp_path / word) if word in ("spring.toml", "people.csv") else word for word in arguments]
        return telebridge("campaign", *paths, TELEBRIDGE_STATE_DIR=str(tmp_path / "var"), TWILIO_ACCOUNT_SID="AC1")

    return run


def told(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


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
    barred = ("do-not-call", "add", "+12125550114", "--campaign", "spring", "--json")
    assert told(campaign(*barred)) == {"added": 1, "there": 0}
    assert told(campaign("do-not-call", "list", "--json"))[0]["campaign"] == made["id"]
    assert told(campaign("do-not-call", "remove", *barred[2:])) == {"removed": 1}
    assert told(campaign("start", "spring", "--json"))["status"] == "running"
    stands = told(campaign("status", made["id"][:8], "--json"))
    assert (stands["total"], stands["contacts"]) == (3, {"ready": 3})
    assert told(campaign("pause", "spring", "--json"))["status"] == "paused"
    assert told(campaign("resume", "spring", "--json"))["status"] == "running"
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


def test_a_preflight_says_who_is_skipped_and_why_and_writes_nothing(campaign, tmp_path):
    checked = told(campaign("preflight", "spring.toml", "--contacts", "people.csv", "--json"))
    assert (checked["rows"], checked["callable"]) == (5, 3)
    assert checked["skipped"]["duplicate"] == 1
    assert list(checked["skipped"]["rejected"].values()) == [1]
    assert checked["cost"] > 0
    assert not (tmp_path / "var" / "telebridge.db").exists()
    assert not (tmp_path / "people.rejects.csv").exists()


@pytest.mark.timeout(200)
def test_the_do_not_call_list_is_kept_and_a_preflight_knows_it(campaign):
    assert told(campaign("do-not-call", "add", "212-555-0111", "+12125550199", "--json")) == {"added": 2, "there": 0}
    [first, _] = told(campaign("do-not-call", "list", "--json"))
    assert (first["phone"], first["source"]) == ("+12125550111", "command")
    checked = told(campaign("preflight", "spring.toml", "--contacts", "people.csv", "--json"))
    assert checked["skipped"]["do_not_call"] == 1
    assert told(campaign("do-not-call", "remove", "+12125550199", "--json")) == {"removed": 1}
    assert campaign("do-not-call", "remove", "+12125550199").returncode == 1


@pytest.mark.timeout(200)
def test_telemarketing_starts_only_after_a_register_was_compared(campaign, tmp_path):
    telemarketing = FILE.replace("informational", "telemarketing") + "require_consent = false\n"
    (tmp_path / "spring.toml").write_text(telemarketing)
    told(campaign("create", "spring.toml", "--contacts", "people.csv", "--json"))
    code, line = failed(campaign("start", "spring"))
    assert (code, "no do-not-call register" in line) == (1, True)
    register = tmp_path / "register.txt"
    for content in ("", "212555011\n5550112\n", "2125550114\nnonsense\n"):
        register.write_text(content)
        code, line = failed(campaign("do-not-call", "import", str(register), "--register", "us-national"))
        assert (code, "register.txt" in line) == (2, True)
    assert told(campaign("do-not-call", "list", "--json")) == []
    assert failed(campaign("start", "spring"))[0] == 1
    register.write_text("212,5550114\n212,5550199\n")
    code, line = failed(campaign("do-not-call", "import", str(register), "--register", "anything"))
    assert (code, "'anything' is no register" in line) == (2, True)
    imported = told(campaign("do-not-call", "import", str(register), "--register", "us-national", "--json"))
    assert imported == {"added": 2, "there": 0, "unreadable": 0, "register": "us-national"}
    assert told(campaign("start", "spring", "--json"))["status"] == "running"


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
