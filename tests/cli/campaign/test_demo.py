"""`campaign demo`: its scripted callees, and the command as its users start it."""

import csv
import json
import subprocess
import sys
from collections import Counter

import pytest
from support.programs import environment

from telebridge.cli.campaign.demo import CONTACTS, MOST_PEOPLE, SCRIPTS, ScriptedCallees
from telebridge.simulator.caller.caller import Pickup

NUMBERS = [f"+1212555{n:04d}" for n in range(len(SCRIPTS))]


def test_a_number_follows_its_scripts_call_after_call():
    callees = ScriptedCallees()
    callees.assign(NUMBERS)
    busy_at_first = NUMBERS[14]
    pickups = [callees[busy_at_first].pickup for _ in range(3)]
    assert pickups == [Pickup.BUSY, Pickup.ANSWER, Pickup.ANSWER]
    assert callees.calls[busy_at_first] == 3


def test_so_many_are_called_by_default_as_the_example_has():
    with CONTACTS.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == MOST_PEOPLE


def test_every_behaviour_is_in_the_scripts_of_twenty():
    callees = ScriptedCallees()
    callees.assign(NUMBERS)
    scripts = [callees[number] for number in NUMBERS]
    assert len(callees) == 20
    assert {script.pickup for script in scripts} == set(Pickup)
    assert sum(script.answered_by == "machine" for script in scripts) == 1


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_every_one_who_is_called_is_in_the_report(tmp_path):
    report = tmp_path / "report.csv"
    done = subprocess.run(
        [sys.executable, "-m", "telebridge", "campaign", "demo", "--people", "40", "--json", "-o", str(report)],
        cwd=tmp_path,  # what the package carries is enough
        env=environment(TELEBRIDGE_STATE_DIR=str(tmp_path / "var")),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    with report.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(told["outcomes"].values()) == 40
    assert Counter(row["outcome"] for row in rows) == told["outcomes"]
    assert {"opted_out": 2, "machine": 2, "failed": 2, "busy": 2, "no_answer": 2}.items() <= told["outcomes"].items()
    assert all("Please call us back." in row["heard"] for row in rows if row["outcome"] == "machine")
