"""`telebridge database`: a backup, the way back, and what is said when neither can be."""

import asyncio
import sqlite3
from contextlib import closing

import pytest
from support.campaigns import contacts, running_campaign, sqlite_store
from typer.testing import CliRunner

from telebridge.cli.main import app
from telebridge.errors import ConfigurationError


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEBRIDGE_DATABASE__URL", "sqlite:///telebridge.db")
    return tmp_path


def run(*words):
    """What the command prints; an error is raised."""
    done = CliRunner().invoke(app, ["database", *words])
    if isinstance(done.exception, ConfigurationError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def campaign_in(folder):
    async def made():
        async with sqlite_store(folder) as store:
            await running_campaign(store, contacts(2))

    asyncio.run(made())


def found(file, query):
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


def test_a_backup_in_a_folder_is_named_by_its_time_and_old_ones_go(place):
    campaign_in(place)
    (place / "copies").mkdir()
    (place / "copies" / "mine.db").write_text("not one of these")
    for day in ("01", "02", "03"):
        (place / "copies" / f"telebridge-202601{day}T000000Z.db").write_text("old")
    shown = run("backup", "copies", "--keep", "2")
    newest = shown.partition(":")[0].removeprefix("copies/")
    kept = {path.name for path in (place / "copies").iterdir()}
    assert kept == {"mine.db", "telebridge-20260103T000000Z.db", newest}
    assert found(place / "copies" / newest, "SELECT count(*) FROM contact") == [(2,)]


def test_a_restored_database_has_its_campaigns_paused_and_the_old_one_stays(place):
    campaign_in(place)
    run("backup", "backup.db")
    with closing(sqlite3.connect(place / "telebridge.db")) as connection, connection:
        connection.execute("DELETE FROM contact")
    shown = run("restore", "backup.db")
    assert "restored from backup.db; campaigns paused: 1" in shown
    assert "telebridge database reconcile" in shown
    assert found(place / "telebridge.db", "SELECT count(*) FROM contact") == [(2,)]
    [(status, reason)] = found(place / "telebridge.db", "SELECT status, reason FROM campaign")
    assert status == "paused"
    assert "restored from a backup" in reason
    assert found(place / "telebridge.db", "SELECT name FROM task_lease") == [("restored AC1",)]
    [aside] = place.glob("telebridge.db.before-restore-*")
    assert found(aside, "SELECT count(*) FROM contact") == [(0,)]
    assert {path.name for path in place.iterdir()} == {"backup.db", "telebridge.db", aside.name}
    [(untouched,)] = found(place / "backup.db", "SELECT status FROM campaign")
    assert untouched == "running"


def test_a_restore_in_a_fresh_place_needs_no_database(place):
    campaign_in(place)
    run("backup", "backup.db")
    (place / "telebridge.db").rename(place / "lost.db")
    run("restore", "backup.db")
    assert found(place / "telebridge.db", "SELECT count(*) FROM contact") == [(2,)]


def test_a_database_in_use_is_not_replaced(place):
    campaign_in(place)
    run("backup", "backup.db")
    with closing(sqlite3.connect(place / "telebridge.db")) as user:
        user.execute("SELECT count(*) FROM contact").fetchall()
        with pytest.raises(ConfigurationError, match="in use; stop every telebridge"):
            run("restore", "backup.db")
    assert {path.name for path in place.iterdir()} == {"backup.db", "telebridge.db"}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("backup", "b.db"), "does not exist; there is nothing to back up yet"),
        (("restore", "b.db"), "cannot be copied"),
        (("reconcile",), "twilio.account_sid: is not set"),
    ],
)
def test_what_is_missing_is_told_in_one_line(place, words, problem):
    with pytest.raises(ConfigurationError, match=problem):
        run(*words)


def test_a_bound_of_backups_needs_their_folder(place):
    campaign_in(place)
    with pytest.raises(ConfigurationError, match=r"--keep: 'b\.db' is no folder"):
        run("backup", "b.db", "--keep", "3")


@pytest.mark.parametrize(("command", "instead"), [("backup", "pg_dump"), ("restore", "pg_restore")])
def test_postgresql_has_its_own_programs(monkeypatch, command, instead):
    monkeypatch.setenv("TELEBRIDGE_DATABASE__URL", "postgresql://me:secret@db/name")
    with pytest.raises(ConfigurationError, match=f"use {instead}") as told:
        run(command, "b.db")
    assert "secret" not in str(told.value)
