"""The program in a process that is forked from one in which its modules are loaded already.

A command loads modules for a second before it does anything, and the tests run hundreds of commands. Everything else is
as in a process that is started: arguments, environment, folder, the three streams, the exit code.
"""

import atexit
import multiprocessing
import os
import pkgutil
import random
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

import telebridge.cli

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(
    [module.name for module in pkgutil.walk_packages(telebridge.cli.__path__, "telebridge.cli.")]
)
SECONDS = 300
"""The time-out of a test ends it sooner."""


def run_command(arguments, *, cwd, env, text=None):
    """Run `telebridge` and return what `subprocess.run` returns."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("in", "out", "errors")]
        streams[0].write_text(text or "")
        process = FORKING.Process(target=_lead, args=(arguments, str(cwd), env, [str(path) for path in streams]))
        process.start()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
        code = process.exitcode
        process.close()
        return subprocess.CompletedProcess(arguments, code, streams[1].read_text(), streams[2].read_text())


def _lead(arguments, cwd, env, streams):
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, (path, flags) in enumerate(zip(streams, (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2), strict=True)):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, closefd=False)  # multiprocessing gives a process none
    sys.argv = ["telebridge", *arguments]
    random.seed()
    try:
        runpy.run_module("telebridge", run_name="__main__")
    finally:
        atexit._run_exitfuncs()
