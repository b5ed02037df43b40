"""docs/faults.md says what the tests of faults say, in words that the program has."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import telebridge.metrics  # noqa: F401 - registers the metrics

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text()
SOURCE = "".join(file.read_text() for file in (ROOT / "telebridge").rglob("*.py"))


def test_the_page_is_up_to_date():
    program = ROOT / "tests" / "support" / "write_faults.py"
    done = subprocess.run([sys.executable, program, "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_metric_on_the_page_is_one():
    known = {name for metric in REGISTRY.collect() for name in (metric.name, f"{metric.name}_total")}
    assert set(re.findall(r"`(telebridge_\w+)", PAGE)) <= known


@pytest.mark.parametrize(
    "line", sorted(set(map("".join, re.findall(r"\blog(?: line)? (?:'(.+?)'(?!\w)|`([^`]+)`)", PAGE))))
)
def test_every_log_line_on_the_page_is_one(line):
    assert f'"{line}"' in SOURCE


def test_the_page_has_at_least_120_faults():
    assert int(re.search(r"(\d+) faults\.\n$", PAGE)[1]) >= 120
