"""Opens the database that an address names, so that both kinds keep the same promises.

SQLite is set to what durable work needs: a write-ahead log, every commit on disk before it is answered, and
transactions that take the write lock at their beginning. (Python's driver begins one at the first write only: two
processes that read and then write would each act on what the other has changed.) On a network file system that log
does not work (sqlite.org/wal.html): there SQLite is refused.

SQLite's transactions run in threads, on a driver that is not asynchronous: one that is changes threads four times for
each statement, this way once for a transaction. What only PostgreSQL needs is imported with its first engine.

Which file system a folder is on, read from what Linux tells in /proc/self/mountinfo (proc_pid_mountinfo(5)).

One rule: only what is known to be reached over a network is called that; a file system that is not listed is local.
"""

import asyncio
import re
import sqlite3
import time
from contextlib import suppress
from errno import EISDIR
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import ArgumentError

from telebridge.database.postgresql_address import PostgresqlAddress, read_address
from telebridge.errors import ConfigurationError
from telebridge.private_files import FILE_MODE, make_private, make_private_folder

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

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
LOCKED_SECONDS = 0.01
PLAIN_PATH = re.compile(r"[\w./-]+")
POSTGRESQL = ("postgresql://", "postgres://")
MOUNTINFO = Path("/proc/self/mountinfo")
"""Where Linux tells what is mounted; other systems have no such file."""
READING = {"reading": True}
"""Execution options of a connection that only reads; on SQLite it then waits for no writer."""


class SqliteEngine:
    """The connections to an SQLite file, for transactions that run in threads. Call `dispose` at the end.

    Args:
        sync_engine: Opens the connections.

    Attributes:
        sync_engine: As above.
        writer: Held by the transaction of this process that may write; a wait for SQLite's own lock polls.
    """

    def __init__(self, sync_engine: Engine) -> None:
        self.sync_engine = sync_engine
        self.writer = asyncio.Lock()

    @property
    def url(self) -> URL:
        """Its address."""
        return self.sync_engine.url

    async def dispose(self) -> None:
        """Close all connections; one that a thread still uses is closed when its transaction ends."""
        event.listen(self.sync_engine.pool, "checkin", _close_returned)
        self.sync_engine.dispose()


DatabaseEngine: TypeAlias = "SqliteEngine | AsyncEngine"
"""The connections to a database of either kind; both are disposed of by `dispose`."""


def open_database(address: str, *, pool_size: int = 5, busy_seconds: float = BUSY_SECONDS) -> DatabaseEngine:
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
    return _sqlite(url, busy_seconds)


_EXAMPLE = "sqlite:///var/telebridge.db and postgresql://user:password@host/name are"


def _sqlite(url: URL, busy_seconds: float) -> SqliteEngine:
    if url.database and url.database != ":memory:":
        folder = Path(url.database).parent
        try:
            make_private_folder(folder)
        except OSError as error:
            problem = f"folder '{folder}' cannot be made ({error.strerror})"
            hint = "choose another folder: state_dir, where database.url is not set"
            raise ConfigurationError("database.url", problem, hint) from error
        _refuse_network(Path(url.database).resolve().parent)
    engine = create_engine(url.update_query_dict({"timeout": str(busy_seconds)}))
    _keep_promises(engine, busy_seconds)
    return SqliteEngine(engine)


def _close_returned(connection: sqlite3.Connection | None, _: object) -> None:
    if connection is not None:
        connection.close()


def _keep_promises(engine: Engine, busy_seconds: float) -> None:
    event.listen(engine, "do_connect", partial(_make_file_private, engine.url.database or ""))
    event.listen(engine, "connect", partial(_prepare_sqlite, busy_seconds))
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


def _prepare_sqlite(busy_seconds: float, connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver begins nothing of its own accord
    cursor = connection.cursor()
    _use_write_ahead_log(cursor, busy_seconds)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _use_write_ahead_log(cursor: sqlite3.Cursor, busy_seconds: float) -> None:
    """Set the journal mode.

    Connections that change the mode of a new file together would wait for each other's locks, so SQLite fails all but
    one at once, whatever its time-out.
    """
    until = time.monotonic() + busy_seconds
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= until:
                raise
            time.sleep(LOCKED_SECONDS)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _postgresql(address: PostgresqlAddress, pool_size: int) -> "AsyncEngine":
    from sqlalchemy.ext.asyncio import create_async_engine

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
