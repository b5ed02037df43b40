"""Ctrl-C does not reach the processes that read a list."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import pytest
from support.programs import ROOT, children, environment

from telebridge.campaigns.importing.reader_processes import Spawning

CAMPAIGN = 'name = "x"\nflow = "reminder"\nkind = "informational"\nfrom = ["+12125550100"]\n'


@pytest.fixture
def interruptible():
    """What is started gets Ctrl-C as in the foreground of a shell; in the background it would inherit its disregard."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
def test_a_reader_is_not_interrupted():
    with ProcessPoolExecutor(1, mp_context=Spawning()) as pool:
        reader = pool.submit(os.getpid).result()
        os.kill(reader, signal.SIGINT)
        time.sleep(0.2)
        assert pool.submit(os.getpid).result() == reader


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.usefixtures("interruptible")
def test_an_import_that_is_interrupted_ends_without_a_word_and_at_once(tmp_path, times):
    (tmp_path / "c.toml").write_text(CAMPAIGN)
    rows = (f"Ann,Monday,+1212555{at % 10_000:04d}\n" for at in range(200_000))
    (tmp_path / "p.csv").write_text("name,appointment,phone\n" + "".join(rows))
    arguments = ["campaign", "preflight", str(tmp_path / "c.toml"), "--contacts", str(tmp_path / "p.csv")]
    process = subprocess.Popen(
        [sys.executable, "-m", "telebridge", *arguments],
        cwd=ROOT,
        env=environment(TELEBRIDGE_STATE_DIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    try:
        while len(children(process.pid)) < 2:  # a reader starts, beside what watches resources
            time.sleep(0.01)
        for _ in range(times):
            os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode in (130, -signal.SIGINT), errors  # a shell sees 130 for both
    assert "Traceback" not in errors
