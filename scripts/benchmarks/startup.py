"""How soon telebridge listens, how soon its commands answer, and what memory it takes when it does nothing.

Each round starts each program once, one after the other, also those of another telebridge that is compared; the figures
are medians of all rounds. One round before the first is not counted: it fills the caches of compiled modules and of the
disk. The bridge has a database whose schema is current, and a Rime that nobody calls.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from live.processes import cpu_seconds, family, proportional_bytes
from machine import bridge_settings, command, described, running

CAMPAIGN = Path(__file__).parent.parent.parent / "config" / "campaigns" / "reminders.toml"
FLOW = "flow: bench\nstart: hello\nnodes:\n  hello: {say: Hello., then: bye}\n  bye: {hang_up: null}\n"
COMMANDS = {"help": ("--help",), "campaign_status": ("campaign", "status", "reminders")}
IDLE_SECONDS = 1.5
"""How long after it listens the memory of a bridge is taken."""
BARS = {"listening_seconds": 1.0, "help_seconds": 0.3, "campaign_status_seconds": 0.8, "idle_megabytes": 120.0}


def run(*, rounds: int, against: str) -> dict[str, object]:
    """Measure; return the medians of each telebridge and every run.

    Args:
        rounds: How often each program is started.
        against: A Python that has another telebridge; empty to leave it out.
    """
    pythons = {"telebridge": sys.executable, **({"against": against} if against else {})}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in pythons}
    with tempfile.TemporaryDirectory() as folder:
        prepared = {name: _prepared(Path(folder) / name, python) for name, python in pythons.items()}
        for _ in range(rounds + 1):
            for name, python in pythons.items():
                runs[name].append(_round(python, prepared[name]))
    counted = {name: each[1:] for name, each in runs.items()}
    found = {name: _medians(each) for name, each in counted.items()}
    return {
        "machine": described(),
        "rounds": rounds,
        "concluded": True,
        **found,
        "bars_met": {name: found["telebridge"][name] <= bar for name, bar in BARS.items()},
        "runs": counted,
    }


def _prepared(folder: Path, python: str) -> dict[str, str]:
    """The environment of a telebridge whose database has one campaign."""
    folder.mkdir()
    (folder / "bench.yaml").write_text(FLOW)
    for flow in CAMPAIGN.parent.parent.joinpath("flows").glob("*.yaml"):
        (folder / flow.name).write_text(flow.read_text())
    settings = {
        **bridge_settings(folder),
        "RIME_API_KEY": "bench",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TELEBRIDGE_RIME__URL": "ws://127.0.0.1:9",
        "PYTHONDONTWRITEBYTECODE": "",
    }
    made = command("campaign", "create", str(CAMPAIGN), python=python)
    subprocess.run(made, env={**os.environ, **settings}, stdout=subprocess.DEVNULL, check=True)
    return settings


def _round(python: str, settings: dict[str, str]) -> dict[str, float]:
    figures = {}
    began = time.perf_counter()
    with running("serve", "--port", "0", python=python, **settings) as (process, _):
        figures["listening_seconds"] = time.perf_counter() - began
        figures["listening_cpu_seconds"] = cpu_seconds(process.pid)
        time.sleep(IDLE_SECONDS)
        figures["idle_megabytes"] = sum(proportional_bytes(pid) for pid in family(process.pid)) / 1e6
    for name, arguments in COMMANDS.items():
        began, used = time.perf_counter(), _children_cpu()
        subprocess.run(
            command(*arguments, python=python),
            env={**os.environ, **settings},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        figures[f"{name}_seconds"] = time.perf_counter() - began
        figures[f"{name}_cpu_seconds"] = _children_cpu() - used
    return {name: round(value, 3) for name, value in figures.items()}


def _children_cpu() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _medians(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(each[name] for each in runs) for name in runs[0]}
