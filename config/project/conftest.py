"""Walks through flows without a call: `pip install pytest`, then `pytest` in the folder of telebridge.toml."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent


class Walk:
    """What happened in a call: `said`, all that the caller hears; `result`, what `flow try --json` prints."""

    def __init__(self, result):
        self.result = result
        self.said = " ".join(line["text"] for line in result["lines"] if line["what"] in ("says", "asks"))


@pytest.fixture
def walk():
    """Walk through a flow with the arguments of `telebridge flow try`."""

    def walk_(*arguments):
        command = [sys.executable, "-m", "telebridge", "flow", "try", *arguments, "--json"]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr or done.stdout
        return Walk(json.loads(done.stdout))

    return walk_
