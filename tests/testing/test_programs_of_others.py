"""Programs as others write them, in processes of their own, called by their URLs."""

import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from telebridge.testing import Phone, TwimlApplication

PROGRAMS = Path(__file__).parents[1] / "data" / "testing"
TUTORIAL = Path(__file__).parents[2] / "docs" / "testing-your-app.md"
PRINTED = re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(), re.DOTALL)
START_SECONDS = 60
PIPECAT = os.environ.get("PIPECAT_PYTHON")
"""A Python that has pipecat with its parts for FastAPI and Silero."""


@contextmanager
def running(program, port, python=sys.executable, **environment):
    """Run a program until the block ends; it listens at a port of this machine."""
    process = subprocess.Popen(
        [python, PROGRAMS / program, str(port)],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, "the program has ended"
                assert time.monotonic() < deadline, "the program does not listen"
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/voice"
    finally:
        process.kill()  # uvicorn would wait for the end of the bot's pipeline
        process.wait()


@pytest.mark.slow
def test_a_phone_tree_in_flask(unused_tcp_port):
    pytest.importorskip("flask")
    with running("flask_menu.py", unused_tcp_port) as url, Phone(url=url) as phone:
        with phone.call() as call:
            call.hears("for hours", within=5)
            call.press("1")
            assert call.cut(within=2).after_ms < 500
            call.hears("open until five", within=5)
            call.ends(within=5, by="bridge", status="completed")
        phone.answers("+14155550100", "busy")
        with phone.call() as call:
            call.hears("press 2", within=8)
            call.press("2")
            call.transferred_to("+14155550100", within=5)


@pytest.mark.slow
def test_the_program_of_the_tutorial_and_its_test_run_as_they_are_printed(unused_tcp_port, tmp_path):
    _, program, test, *_ = (block.replace("5000", f"{unused_tcp_port}") for block in PRINTED)
    (tmp_path / "app.py").write_text(program)
    names = {}
    exec(test, names)
    with running(tmp_path / "app.py", unused_tcp_port), Phone() as phone:
        names["test_the_menu_is_interrupted"](phone)


@pytest.mark.slow
@pytest.mark.skipif(PIPECAT is None, reason="PIPECAT_PYTHON names no Python with pipecat")
def test_the_interruption_of_a_bot_of_pipecat(unused_tcp_port_factory):
    port, rime_port = unused_tcp_port_factory(), unused_tcp_port_factory()
    rime = f"ws://127.0.0.1:{rime_port}/ws3"
    with (
        running("pipecat_bot.py", port, PIPECAT, RIME_WS=rime) as url,
        Phone() as phone,
        phone.call(TwimlApplication(url, rime_port=rime_port)) as call,
    ):
        call.hears("welcome to the other bot", within=10)
        call.hears("a very long", within=5)
        call.says("excuse me, I have a question")
        cut = call.cut(within=5)
        assert cut.after_ms < 800
        assert cut.heard.startswith("It tells you a very long")
        call.hears_nothing(for_=1)
