"""Leaves slow tests out of a run, unless they are requested, and says so.

A test is slow when it has the marker `slow`, or a time-out longer than the usual one. It runs with `--all`, when the
command line names its file or the test itself, or when `-m` mentions `slow`.

One rule: what is left out is always reported, with the number of tests and the command that runs them.
"""

from pathlib import Path

import pytest

LEFT_OUT = "slow_tests_left_out"
COUNT = pytest.StashKey[int]()


def is_slow(item, usual_timeout):
    """Return whether a test has the marker `slow`, or a time-out longer than the usual one, in seconds."""
    timeout = item.get_closest_marker("timeout")
    longer = timeout is not None and bool(timeout.args) and timeout.args[0] > usual_timeout
    return longer or item.get_closest_marker("slow") is not None


def is_named(nodeid, path, arguments):
    """Return whether the command line names the file of a test or the test itself, not only a folder above it."""
    for argument in map(str, arguments):
        file, _, names = argument.partition("::")
        if not file.endswith(".py") or Path(file).resolve() != Path(path):
            continue
        own = nodeid.partition("::")[2]
        if not names or own == names or own.startswith((f"{names}[", f"{names}::")):
            return True
    return False


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="run the slow tests too")


@pytest.hookimpl(trylast=True)  # after -k and -m have chosen
def pytest_collection_modifyitems(config, items):
    if config.getoption("--all") or "slow" in (config.getoption("markexpr") or ""):
        return
    usual = float(config.getini("timeout") or 60)
    slow = [item for item in items if is_slow(item, usual) and not is_named(item.nodeid, item.path, config.args)]
    if not slow:
        return
    left_out = set(slow)
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=slow)
    config.stash[COUNT] = len(slow)
    if hasattr(config, "workeroutput"):
        config.workeroutput[LEFT_OUT] = len(slow)


def pytest_terminal_summary(terminalreporter, config):
    count = config.stash.get(COUNT, 0)
    if count:
        left_out = "1 slow test was" if count == 1 else f"{count} slow tests were"
        terminalreporter.write_line(f"{left_out} left out; scripts/test --all runs all")


class WorkerCounts:
    """Takes the number from a process of pytest-xdist; all of them collect the same tests."""

    def __init__(self, config):
        self._config = config

    def pytest_testnodedown(self, node):
        count = getattr(node, "workeroutput", {}).get(LEFT_OUT, 0)
        self._config.stash[COUNT] = max(count, self._config.stash.get(COUNT, 0))


def pytest_configure(config):
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(WorkerCounts(config))
