"""Addresses of databases, good and bad, and what a transaction on SQLite holds."""

import re
import sqlite3
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from support.faults import fault

from telebridge.database import engine as engine_module
from telebridge.database.engine import READING, open_database
from telebridge.errors import ConfigurationError


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("telebridge.db", "database.url: 'telebridge.db' is no address of a database; sqlite:///var/telebridge.db and"),
        ("mysql://host/name", "database.url: 'mysql' is not supported; sqlite:///var/telebridge.db and"),
    ],
)
def test_an_address_that_cannot_be_is_named(address, problem):
    with pytest.raises(ConfigurationError) as raised:
        open_database(address)
    assert str(raised.value).startswith(problem)


@fault(
    "The folder of the database cannot be made.",
    caller="Nothing: the bridge does not start.",
    operator="One line that names it.",
    kept="What stands in its place.",
)
def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be made"):
        open_database(f"sqlite:///{tmp_path}/taken/telebridge.db")


@fault(
    "The state folder is on a network file system, behind a link.",
    caller="Nothing: the bridge does not start.",
    operator="One line that names the file system and what to choose.",
    kept="The database: it is not damaged by locks that do not hold.",
)
def test_sqlite_on_a_network_file_system_is_refused_also_behind_a_link(tmp_path, monkeypatch):
    far, near = tmp_path / "far", tmp_path / "near"
    far.mkdir()
    near.symlink_to(far)
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(f"1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:9 / {far.resolve()} rw - nfs4 files:/export rw\n")
    monkeypatch.setattr(engine_module, "MOUNTINFO", mountinfo)
    with pytest.raises(ConfigurationError, match=re.escape("is on a network file system (nfs4)")) as raised:
        open_database(f"sqlite:///{near}/telebridge.db")
    assert str(raised.value).endswith("; choose a folder on a local disk, or PostgreSQL")
    open_database(f"sqlite:///{tmp_path}/telebridge.db")


def test_where_nothing_tells_what_is_mounted_nothing_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_module, "MOUNTINFO", tmp_path / "none")
    open_database(f"sqlite:///{tmp_path}/telebridge.db")


async def test_a_transaction_on_sqlite_locks_before_it_reads_and_readers_go_on(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/telebridge.db")
    impatient = open_database(f"sqlite:///{tmp_path}/telebridge.db", busy_seconds=0)
    with engine.sync_engine.begin() as writer:
        writer.execute(text("SELECT 1"))
        with pytest.raises(OperationalError, match="locked"), impatient.sync_engine.begin() as second:
            second.execute(text("SELECT 1"))
        with impatient.sync_engine.connect() as reader:
            assert reader.execution_options(**READING).execute(text("SELECT 1")).scalar() == 1
    await engine.dispose()
    await impatient.dispose()


class LockedCursor:
    """A cursor whose file is locked for so many attempts."""

    def __init__(self, attempts, problem="database is locked"):
        self.attempts, self.problem, self.made = attempts, problem, 0

    def execute(self, _):
        self.made += 1
        if self.made <= self.attempts:
            raise sqlite3.OperationalError(self.problem)


@pytest.mark.parametrize(
    ("cursor", "busy_seconds", "made"),
    [
        (LockedCursor(3), 5.0, 4),
        (LockedCursor(3), 0.0, 1),
        (LockedCursor(3, "disk I/O error"), 5.0, 1),
    ],
)
def test_a_file_that_several_change_to_the_log_at_once_is_tried_again(cursor, busy_seconds, made):
    with suppress(sqlite3.OperationalError):
        engine_module._use_write_ahead_log(cursor, busy_seconds)
    assert cursor.made == made
