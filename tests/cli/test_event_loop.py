"""Every command starts without uvloop and without what only POSIX systems have."""

import ast
import asyncio
import signal
import sys
from pathlib import Path

import pytest

import telebridge
from telebridge.cli.process.event_loop import on_signal, run

PACKAGE = Path(telebridge.__file__).parent
POSIX = {"uvloop", "fcntl", "resource", "pwd", "grp", "termios", "pty", "tty", "posix", "syslog"}


async def loop_module():
    return type(asyncio.get_running_loop()).__module__


def test_a_command_runs_on_uvloop_where_it_is_installed():
    assert run(loop_module()).startswith("uvloop")


def test_a_command_runs_on_the_loop_of_asyncio_elsewhere(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run(loop_module()).startswith("asyncio")


def test_a_signal_is_taken_where_loops_take_none(monkeypatch):
    before = signal.getsignal(signal.SIGINT)

    async def until_interrupted():
        loop = asyncio.get_running_loop()

        def refuse(*_):
            raise NotImplementedError

        monkeypatch.setattr(type(loop), "add_signal_handler", refuse)
        told = asyncio.Event()
        on_signal(signal.SIGINT, told.set)
        signal.raise_signal(signal.SIGINT)
        await told.wait()

    try:
        asyncio.run(until_interrupted())
    finally:
        signal.signal(signal.SIGINT, before)


def imported_at_once(file):
    """The modules that a module imports when it is imported, on whatever system."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.Import(names=names):
                yield from (each.name.partition(".")[0] for each in names)
            case ast.ImportFrom(module=module):
                yield module.partition(".")[0]


@pytest.mark.slow
def test_no_module_imports_what_only_posix_systems_have():
    files = sorted(PACKAGE.rglob("*.py"))
    assert {file.name: found for file in files if (found := POSIX & set(imported_at_once(file)))} == {}
    assert "resource" not in set(imported_at_once(PACKAGE / "server" / "http" / "connections.py"))
