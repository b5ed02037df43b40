"""Opens the database that an address names, so that both kinds keep the same promises.

SQLite is set to what durable work needs: a write-ahead log, every commit on disk before it is answered, and
transactions that take the write lock at their beginning. (Python's driver begins one at the first write only: two
processes that read and then write would each act on what the other has changed.) On a network file system that log
does not work (sqlite.org/wal.html): there SQLite is refused.

Which file system a folder is on, read from what Linux tells in /proc/self/mountinfo (proc_pid_mountinfo(5)).

One rule: only what is known to be reached over a network is called that; a file system that is not listed is local.
"""

import re
import sqlite3
from contextlib import suppress
from errno import EISDIR
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from telebridge.database.postgresql_address import PostgresqlAddress, read_address
from telebridge.errors import ConfigurationError
from telebridge.private_files import FILE_MODE, make_private, make_private_folder

NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "smbnetfs", "ncp", "ncpfs", "afs", "coda", "sshfs", "curlftpfs"}
    | {"ceph", "ceph-fuse", "glusterfs", "lustre", "beegfs", "gpfs", "ocfs2", "orangefs", "pvfs2", "panfs", "wekafs"}
    | {"mfs", "lizardfs", "seaweedfs", "juicefs", "s3fs", "gcsfuse", "blobfuse", "blobfuse2", "rclone", "davfs"}
)
"""Those that machines share, then those that clusters share, then those over stores of objects.

Not 9p: to sandboxes and virtual machines it is how the one machine's own disk is reached.
"""

ESCAPE = re.compile(r"\\([0-7]{3})")  # a space, a tab, a line's end and a backslash are written in octal


def file_system_of(folder: PurePath, mountinfo: str) -> str | None:
    """The type of the file system that holds a folder, such as `ext4` or `fuse.sshfs`; None when that is not told.

    Args:
        folder: Absolute, and without symbolic links.
        mountinfo: The text of /proc/self/mountinfo.
    """
    found: tuple[int, str] | None = None
    for line in mountinfo.split("\n"):
        before, _, after = line.partition(" - ")  # before it stands any number of optional fields
        fields, kind = before.split(" "), after.partition(" ")[0]
        if len(fields) < 6 or not kind:
            continue
        point = PurePath(ESCAPE.sub(lambda code: chr(int(code[1], 8)), fields[4]))
        # Of two on one point the later hides the earlier.
        if folder.is_relative_to(point) and (found is None or len(point.parts) >= found[0]):
            found = (len(point.parts), kind)
    return None if found is None else found[1]


def is_network(file_system: str) -> bool:
    """Whether a type of file system is reached over a network, where several machines may write at once."""
    return file_system.removeprefix("fuse.") in NETWORK


BUSY_SECONDS = 30.0
PLAIN_PATH = re.compile(r"[\w./-]+")
POSTGRESQL = ("postgresql://", "postgres://")
MOUNTINFO = Path("/proc/self/mountinfo")
"""Where Linux tells what is mounted; other systems have no such file."""
READING = {"reading": True}
"""Execution options of a connection that only reads; on SQLite it then waits for no writer."""


def open_database(address: str, *, pool_size: int = 5, busy_seconds: float = BUSY_SECONDS) -> AsyncEngine:
    """The database at an address such as `sqlite:///var/telebridge.db` or `postgresql://user@host/name`.

    Nothing is connected yet. SQLite's folder is made when it is missing. To be disposed of on the event loop.

    Args:
        address: Where it is.
        pool_size: Connections kept open to PostgreSQL.
        busy_seconds: How long a transaction waits for another process's on SQLite.

    Raises:
        ConfigurationError: The address is none, or names a database of another kind, one whose driver is missing, or
            one of SQLite on a network file system. Its text has nothing of an address that may have a password.
    """
    if address.startswith(POSTGRESQL):
        return _postgresql(read_address(address), pool_size)
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        shown = f"'{address}' " if PLAIN_PATH.fullmatch(address) else ""  # anything else may have a password
        raise ConfigurationError("database.url", f"{shown}is no address of a database", _EXAMPLE) from None
    if url.drivername != "sqlite":
        raise ConfigurationError("database.url", f"'{url.drivername}' is not supported", _EXAMPLE)
    return _sqlite(url.set(drivername="sqlite+aiosqlite"), busy_seconds)


_EXAMPLE = "sqlite:///var/telebridge.db and postgresql://user:password@host/name are"


def _sqlite(url: URL, busy_seconds: float) -> AsyncEngine:
    if url.database and url.database != ":memory:":
        folder = Path(url.database).parent
        try:
            make_private_folder(folder)
        except OSError as error:
            problem = f"folder '{folder}' cannot be made ({error.strerror})"
            hint = "choose another folder: state_dir, where database.url is not set"
            raise ConfigurationError("database.url", problem, hint) from error
        _refuse_network(Path(url.database).resolve().parent)
    engine = create_async_engine(url.update_query_dict({"timeout": str(busy_seconds)}))
    _keep_promises(engine.sync_engine)
    return engine


def in_threads(engine: AsyncEngine) -> Engine:
    """The same SQLite file for transactions that run in threads; it is disposed of with `engine`.

    A driver that is asynchronous changes threads four times for each statement, this one once for a transaction.
    """
    twin = create_engine(engine.url.set(drivername="sqlite"))
    _keep_promises(twin)
    event.listen(engine.sync_engine, "engine_disposed", lambda _: _dispose(twin))
    return twin


def _dispose(engine: Engine) -> None:
    """Close all connections; one that a thread still uses is closed when its transaction ends."""
    event.listen(engine.pool, "checkin", _close_returned)
    engine.dispose()


def _close_returned(connection: sqlite3.Connection | None, _: object) -> None:
    if connection is not None:
        connection.close()


def _keep_promises(engine: Engine) -> None:
    event.listen(engine, "do_connect", partial(_make_file_private, engine.url.database or ""))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)


def _refuse_network(folder: Path) -> None:
    try:
        mountinfo = MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    kind = file_system_of(folder, mountinfo)
    if kind is not None and is_network(kind):
        problem = (
            f"folder '{folder}' is on a network file system ({kind}), where SQLite's write-ahead log does not work"
        )
        raise ConfigurationError("database.url", problem, "choose a folder on a local disk, or PostgreSQL")


def _make_file_private(file: str, *_: object) -> None:
    """Make the file before SQLite does: only its owner reads it and the log beside it. SQLite reports errors."""
    if file and file != ":memory:" and not file.startswith("file:"):
        if Path(file).is_dir():  # before its mode is changed, and before a thread is started for the connection
            raise IsADirectoryError(EISDIR, "is a folder", file)
        with suppress(OSError):
            Path(file).touch(mode=FILE_MODE)
        make_private(Path(file))


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver begins nothing of its own accord
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _postgresql(address: PostgresqlAddress, pool_size: int) -> AsyncEngine:
    try:
        from telebridge.database.postgresql_connection import PoolerWatch, connect_arguments
    except ModuleNotFoundError as error:  # the driver is an extra
        hint = "install telebridge with its extra: telebridge[postgresql]"
        raise ConfigurationError("database.url", f"the driver '{error.name}' is not installed", hint) from error
    engine = create_async_engine(
        "postgresql+asyncpg://", connect_args=connect_arguments(address), pool_size=pool_size, pool_pre_ping=True
    )
    PoolerWatch(address).watch(engine.sync_engine)
    return engine
