"""Processes that serve are started again behind their socket, and not when they refuse their configuration."""

import os
import signal
import urllib.request

import pytest
from support.programs import Serving, children, telebridge

from telebridge.cli.supervising import LONGEST_PAUSE_SECONDS, pause_after


@pytest.mark.parametrize(("lived", "former", "pause"), [(60.0, 4.0, 0.0), (0.1, 0.0, 0.25), (0.1, 0.25, 0.5)])
def test_who_dies_at_once_waits_longer_each_time(lived, former, pause):
    assert pause_after(lived, former) == pause


def test_the_pause_has_a_bound():
    pause = 0.0
    for _ in range(20):
        pause = pause_after(0.0, pause)
    assert pause == LONGEST_PAUSE_SECONDS


def test_a_killed_process_is_started_again_and_who_asks_meanwhile_is_answered(tmp_path):
    with Serving("serve", "--workers", "1", "--port", "0", TELEBRIDGE_STATE_DIR=str(tmp_path)) as serving:
        [worker] = children(serving.process.pid)
        os.kill(worker, signal.SIGKILL)
        assert urllib.request.urlopen(f"{serving.url}/healthz", timeout=30).status == 200
        [another] = children(serving.process.pid)
        assert another != worker
    assert serving.process.returncode == 0


def test_a_configuration_that_is_refused_ends_all(tmp_path):
    (tmp_path / "letter").write_text("Dear Sir or Madam, " * 100)
    settings = {"TELEBRIDGE_DATABASE__URL": f"sqlite:///{tmp_path}/letter", "TELEBRIDGE_STATE_DIR": str(tmp_path)}
    done = telebridge("serve", "--workers", "2", "--port", "0", **settings)
    assert done.returncode == 2
    assert "telebridge: database.url: the database cannot be used (file is not a database" in done.stderr
