"""Processes that serve are started again behind their socket, and not when they refuse their configuration."""

import os
import signal
import subprocess
import sys
import urllib.request

import pytest
from support.programs import Serving, children, telebridge

from telebridge.cli.process.supervisor import LONGEST_PAUSE_SECONDS, failures_in_a_row, restart_delay


@pytest.mark.parametrize(("lived", "before", "delay"), [(60.0, 5, 0.0), (0.1, 0, 0.25), (0.1, 1, 0.5)])
def test_a_worker_that_dies_early_waits_longer_each_time(lived, before, delay):
    assert restart_delay(failures_in_a_row(lived, before)) == delay


def test_the_delay_of_a_restart_has_a_bound():
    failures = 0
    for _ in range(20):
        failures = failures_in_a_row(0.0, failures)
    assert restart_delay(failures) == LONGEST_PAUSE_SECONDS


@pytest.mark.slow
def test_a_killed_process_is_started_again_and_who_asks_meanwhile_is_answered(tmp_path):
    with Serving("serve", "--workers", "1", "--port", "0", TELEBRIDGE_STATE_DIR=str(tmp_path)) as serving:
        [worker] = children(serving.process.pid)
        os.kill(worker, signal.SIGKILL)
        assert urllib.request.urlopen(f"{serving.url}/healthz", timeout=30).status == 200
        [another] = children(serving.process.pid)
        assert another != worker
    assert serving.process.returncode == 0


@pytest.mark.slow
def test_a_configuration_that_is_refused_ends_all(tmp_path):
    (tmp_path / "letter").write_text("Dear Sir or Madam, " * 100)
    settings = {"TELEBRIDGE_DATABASE__URL": f"sqlite:///{tmp_path}/letter", "TELEBRIDGE_STATE_DIR": str(tmp_path)}
    done = telebridge("serve", "--workers", "2", "--port", "0", **settings)
    assert done.returncode == 2
    assert "telebridge: database.url: the database cannot be used (file is not a database" in done.stderr


BEGINNING = """
import os, signal, sys, time
from pathlib import Path
from telebridge.cli.process import supervisor
from telebridge.errors import ConfigurationError

supervisor.SHORT_LIFE_SECONDS, supervisor.FIRST_PAUSE_SECONDS = 0.3, float(sys.argv[2])
supervisor.LONGEST_PAUSE_SECONDS = float(sys.argv[2])
folder = Path(sys.argv[1])

def first(name):
    try:
        (folder / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True

def stop_all():
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(30)
"""
ENDING = """
sys.exit(supervisor.Supervisor(serve, lambda line: print(line, flush=True)).run(int(sys.argv[3])))
"""
REFUSED_LATER = """
def serve(number, lifeline, listens):
    if first("served"):
        listens()
    elif not first("refused"):
        print("served again", flush=True)
        stop_all()
    raise ConfigurationError("database.url", "is away for a while")
"""
REFUSED_AT_ONCE = """
def serve(number, lifeline, listens):
    raise ConfigurationError("database.url", "is wrong")
"""
ONE_DIES_AT_ONCE = """
def serve(number, lifeline, listens):
    if not first("well"):
        os._exit(1)
    if not first("again"):
        print("served again", flush=True)
        stop_all()
    time.sleep(0.5)
    (folder / "well").unlink()
"""


def supervised(tmp_path, serve, *, pause, workers):
    """What a supervisor of such workers says, and its exit code."""
    program = f"{BEGINNING}{serve}{ENDING}"
    command = [sys.executable, "-c", program, str(tmp_path), str(pause), str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout, done.returncode


def test_a_configuration_that_has_served_before_is_tried_again(tmp_path):
    said, code = supervised(tmp_path, REFUSED_LATER, pause=0.01, workers=1)
    assert "served again" in said
    assert code == 0


def test_a_configuration_that_never_served_is_not_tried_again(tmp_path):
    said, code = supervised(tmp_path, REFUSED_AT_ONCE, pause=0.01, workers=2)
    assert "started again" not in said
    assert code == 2


def test_a_worker_that_dies_at_once_holds_up_neither_the_others_nor_the_end(tmp_path):
    said, code = supervised(tmp_path, ONE_DIES_AT_ONCE, pause=3600, workers=2)
    assert "served again" in said
    assert code == 0
