"""The one command that shows a whole campaign, as its users start it."""

import csv
import json
import subprocess
import sys
from collections import Counter

import pytest
from support.programs import ROOT, environment


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_two_hundred_people_are_called_and_every_one_is_in_the_report(tmp_path):
    report = tmp_path / "report.csv"
    done = subprocess.run(
        [sys.executable, "-m", "telebridge", "campaign", "demo", "--json", "-o", str(report)],
        cwd=ROOT,
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
    assert len(rows) == sum(told["outcomes"].values()) == 200
    assert Counter(row["outcome"] for row in rows) == told["outcomes"]
    assert {"opted_out": 10, "machine": 10, "failed": 10, "busy": 10, "no_answer": 10}.items() <= told[
        "outcomes"
    ].items()
    assert all("Please call us back." in row["heard"] for row in rows if row["outcome"] == "machine")
