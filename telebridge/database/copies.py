"""Copies of an SQLite database: a backup while it is in use, and the way back.

Follows SQLite, "Online Backup API" and "Write-Ahead Logging": a copy is one transaction that reads, so writers go on
and the copy is the database as it was at one instant.

One rule: a file gets its name only when it is whole, checked and on disk.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from telebridge.errors import ConfigurationError
from telebridge.private_files import make_private_folder, open_private

LOCK_SECONDS = 30.0
"""How long a copy waits for the lock of a transaction that is about to end."""
COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database; it belongs to the one file and to no other."""


@contextmanager
def copied(source: Path, target: Path) -> Iterator[Path]:
    """Copy a database to a new file; yields the copy under another name, and gives it its own after the block.

    Raises:
        ConfigurationError: `source` is no database, or damaged; or `target` exists, or cannot be written.
    """
    if target.exists():
        raise ConfigurationError(str(target), "exists", "choose another name, or move it away")
    part = target.with_name(f".{target.name}.part")
    try:
        make_private_folder(target.parent)
        remove(part)
        with open_private(part, "xb"):
            pass
        _copy(source, part)
        yield part
        _fold(part)
        _sync(part)
        os.link(part, target)  # fails when somebody else has made it meanwhile
        _sync(target.parent)
    except OSError as error:
        raise ConfigurationError(
            str(target), f"cannot be written ({error.strerror})", "choose another folder"
        ) from error
    finally:
        with suppress(OSError):  # its folder is none
            remove(part)


def move_away(file: Path, new: Path) -> None:
    """Give a database that nobody uses another name; what SQLite keeps beside it goes with it.

    Raises:
        ConfigurationError: A process uses it.
    """
    try:
        _fold(file)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            hint = "stop every telebridge that uses it"
            raise ConfigurationError("database.url", f"'{file}' is in use", hint) from error
    except sqlite3.DatabaseError:
        pass  # it is damaged, and goes as it is
    for companion in ("", *COMPANIONS):
        with suppress(FileNotFoundError):
            file.with_name(file.name + companion).rename(new.with_name(new.name + companion))


def remove(file: Path) -> None:
    """Remove a database and what SQLite keeps beside it."""
    for companion in ("", *COMPANIONS):
        file.with_name(file.name + companion).unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    try:
        with closing(_opened(source)) as reading, closing(sqlite3.connect(target)) as writing:
            reading.backup(writing)  # all pages in one step: one transaction
            [(verdict,), *_] = writing.execute("PRAGMA quick_check(1)").fetchall()
            tables = writing.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchall()
    except sqlite3.Error as error:
        raise ConfigurationError(str(source), f"cannot be copied ({error})", "name a database of telebridge") from error
    if verdict != "ok":
        raise ConfigurationError(str(source), f"is damaged ({verdict})", "name an older backup")
    if not tables:
        raise ConfigurationError(str(source), "is no database of telebridge", "name a backup of one")


def _opened(file: Path) -> sqlite3.Connection:
    """Open a database that exists: SQLite would make one that does not."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=LOCK_SECONDS)


def _fold(file: Path) -> None:
    """Write the log into the database and leave the file alone; SQLite refuses that while another process has it open.

    Source: SQLite, "PRAGMA journal_mode": leaving WAL takes an exclusive lock.
    """
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=0)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE").fetchall()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
