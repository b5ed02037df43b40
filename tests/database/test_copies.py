"""Copies of an SQLite database: whole, checked, private, and of one instant."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from telebridge.database.copies import copied, move_away
from telebridge.errors import ConfigurationError


def make(file, rows=3):
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.execute("CREATE TABLE kept (n INTEGER)")
    connection.executemany("INSERT INTO kept VALUES (?)", [(n,) for n in range(rows)])
    connection.commit()
    return connection


def rows(file):
    with closing(sqlite3.connect(file)) as connection:
        return [n for (n,) in connection.execute("SELECT n FROM kept ORDER BY n")]


def test_a_copy_has_what_was_committed_and_nothing_else(tmp_path):
    with closing(make(tmp_path / "a.db")) as writer:
        writer.execute("INSERT INTO kept VALUES (99)")  # not committed
        with copied(tmp_path / "a.db", tmp_path / "copies" / "b.db"):
            pass
        writer.rollback()
    assert rows(tmp_path / "copies" / "b.db") == [0, 1, 2]
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["b.db"]
    assert (tmp_path / "copies" / "b.db").stat().st_mode & 0o777 == 0o600


def test_a_copy_that_exists_is_not_overwritten(tmp_path):
    make(tmp_path / "a.db").close()
    (tmp_path / "b.db").write_text("mine")
    with pytest.raises(ConfigurationError, match="exists"), copied(tmp_path / "a.db", tmp_path / "b.db"):
        pass
    assert (tmp_path / "b.db").read_text() == "mine"


def test_a_copy_that_is_not_finished_leaves_nothing(tmp_path):
    make(tmp_path / "a.db").close()
    with suppress(KeyboardInterrupt), copied(tmp_path / "a.db", tmp_path / "b.db") as part:
        assert part.exists()
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


def damage(file):
    content = bytearray(file.read_bytes())
    content[100:4096] = b"\xff" * 3996
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda file: file.write_bytes(b"not a database" * 100), "file is not a database"),
        (damage, "malformed"),
        (Path.unlink, "unable to open database file"),
        (lambda file: file.write_bytes(b""), "is no database of telebridge"),
    ],
)
def test_what_is_no_database_is_not_copied(tmp_path, spoil, problem):
    make(tmp_path / "a.db").close()
    spoil(tmp_path / "a.db")
    with pytest.raises(ConfigurationError, match=problem), copied(tmp_path / "a.db", tmp_path / "b.db"):
        pass
    assert not (tmp_path / "b.db").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    make(tmp_path / "a.db").close()
    with (
        pytest.raises(ConfigurationError, match="cannot be written"),
        copied(tmp_path / "a.db", tmp_path / "a.db" / "b"),
    ):
        pass


def test_a_database_in_use_is_not_moved_and_one_that_is_not_takes_its_log_along(tmp_path):
    with closing(make(tmp_path / "a.db")):
        with pytest.raises(ConfigurationError, match=r"in use; stop every telebridge"):
            move_away(tmp_path / "a.db", tmp_path / "old.db")
        assert rows(tmp_path / "a.db") == [0, 1, 2]
    move_away(tmp_path / "a.db", tmp_path / "old.db")
    assert rows(tmp_path / "old.db") == [0, 1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["old.db"]


def test_a_damaged_database_is_moved_as_it_is(tmp_path):
    make(tmp_path / "a.db").close()
    damage(tmp_path / "a.db")
    content = (tmp_path / "a.db").read_bytes()
    move_away(tmp_path / "a.db", tmp_path / "old.db")
    assert (tmp_path / "old.db").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["old.db"]
