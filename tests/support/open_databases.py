"""Fails the last test of a module that leaves a connection to an SQLite database open, and names who opened it.

Without this, such a connection is closed by the garbage collector, during whichever test is running then: Python 3.13
warns there (`ResourceWarning: unclosed database`), and that test fails for another one's mistake.

One rule: what a test opens is closed when the fixtures of its module are torn down.
"""

import itertools
import os
import sqlite3
import time

import pytest

PATIENCE_STEPS, STEP_SECONDS = 500, 0.02
numbers = itertools.count()
opened_by = {}


class WatchedConnection(sqlite3.Connection):
    """A connection that is known to be open until it is closed."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._number = next(numbers)
        opened_by[self._number] = os.environ.get("PYTEST_CURRENT_TEST", "no test").partition(" ")[0]

    def close(self):
        super().close()
        opened_by.pop(self._number, None)


def watched(connect):
    """Make `sqlite3.connect` open connections that are watched."""

    def connect_watched(*args, **kwargs):
        kwargs.setdefault("factory", WatchedConnection)
        return connect(*args, **kwargs)

    return connect_watched


def closed_soon():
    """Return whether all are closed within some seconds: one whose work was cancelled is closed by its own thread."""
    for _ in range(PATIENCE_STEPS):
        if not opened_by:
            return True
        time.sleep(STEP_SECONDS)
    return False


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    sqlite3.connect = sqlite3.dbapi2.connect = watched(sqlite3.connect)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    result = yield
    if opened_by and (nextitem is None or nextitem.path != item.path) and not closed_soon():
        openers = sorted(set(opened_by.values()))
        opened_by.clear()
        pytest.fail(f"connections to SQLite are still open; they were opened in {', '.join(openers)}", pytrace=False)
    return result
