"""The one way to a database: transactions, its clock, and what SQLite and PostgreSQL do differently.

SQLite has one writer: a transaction takes the whole database at its beginning (see `telebridge.database.engine`), and
row locks are left out of its statements by SQLAlchemy. Its transactions run in threads, each in one go: however busy
the event loop is, nobody waits longer for the writer. PostgreSQL locks rows, and its clock is read after the lock:
`clock_timestamp()`, because `now()` is when the transaction began, before it waited.

One rule: no module outside the packages that hold SQL asks which of the two a database is.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, Table
from sqlalchemy.dialects import sqlite
from typing_extensions import override

from telebridge.database.engine import READING, DatabaseEngine, SqliteEngine
from telebridge.timing.epoch import Clock, system_clock

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

T = TypeVar("T")
Columns = TypeVarTuple("Columns")


class Database(ABC):
    """A database and the clock that all its users share.

    Args:
        clock: Another clock than the database's own, so that tests can steer it; it may be asked in any thread.
    """

    def __init__(self, clock: Clock | None) -> None:
        self.clock = clock

    @abstractmethod
    async def write(self, work: Callable[[Connection], T]) -> T:
        """Do a transaction that may write: all of it, or nothing when the work raises."""

    @abstractmethod
    async def read(self, work: Callable[[Connection], T]) -> T:
        """Do a transaction that only reads, and waits for nobody."""

    async def rows(self, asked: Select[*Columns]) -> Sequence[Row[*Columns]]:
        """What one statement finds."""
        return await self.read(lambda connection: connection.execute(asked).all())

    async def rows_as(self, made: Callable[[Row[*Columns]], T], asked: Select[*Columns]) -> list[T]:
        """The same, with each row made into what it stands for, in the thread that reads: many rows take long."""
        return await self.read(lambda connection: [made(row) for row in connection.execute(asked)])

    @abstractmethod
    def now(self, connection: Connection) -> int:
        """Epoch milliseconds, read now."""

    @abstractmethod
    def among(self, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
        """Whether a column has one of these values: one statement for any number of them."""

    @abstractmethod
    def count_rows(self, connection: Connection, table: Table) -> None:
        """A table has grown much: let the database look at it before it plans a statement again."""

    @abstractmethod
    def insert(self, table: Table) -> "sqlite.Insert | postgresql.Insert":
        """An INSERT statement that can say what follows from a conflict with a row that is there."""

    @abstractmethod
    def insert_new(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert those rows that break no unique key; answers how many."""


class SqliteDatabase(Database):
    """One file, one machine, one writer at a time."""

    def __init__(self, engine: SqliteEngine, clock: Clock | None) -> None:
        super().__init__(clock)
        self._engine = engine.sync_engine
        self._writer = engine.writer

    @override
    async def write(self, work: Callable[[Connection], T]) -> T:
        async with self._writer:  # waiting for one's own process by polling is slow
            return await asyncio.to_thread(lambda: self._do(work))

    @override
    async def read(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(lambda: self._do(work, **READING))

    def _do(self, work: Callable[[Connection], T], **options: bool) -> T:
        with self._engine.connect() as connection, connection.execution_options(**options).begin():
            return work(connection)

    @override
    def now(self, connection: Connection) -> int:
        return (self.clock or system_clock)()

    @override
    def among(self, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
        return column.in_(values)

    @override
    def count_rows(self, connection: Connection, table: Table) -> None:
        """SQLite's plans here do not depend on how many rows there are."""

    @override
    def insert(self, table: Table) -> sqlite.Insert:
        return sqlite.insert(table)

    @override
    def insert_new(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        """Straight to the driver: for a million contacts the ways around it take longer than the database."""
        if not rows:
            return 0
        names = [column.name for column in table.columns if column.name in rows[0]]
        compiled = sqlite.insert(table).on_conflict_do_nothing().compile(dialect=connection.dialect, column_keys=names)
        kinds = [table.c[name].type.dialect_impl(connection.dialect) for name in names]
        encoders = [kind.bind_processor(connection.dialect) for kind in kinds]
        columns = [
            map(itemgetter(name), rows) if encode is None else map(encode, map(itemgetter(name), rows))
            for name, encode in zip(names, encoders, strict=True)
        ]
        encoded = list(zip(*columns, strict=True))
        return connection.exec_driver_sql(str(compiled), encoded).rowcount


def database_of(engine: DatabaseEngine, clock: Clock | None = None) -> Database:
    """The database of an engine, by its kind."""
    if isinstance(engine, SqliteEngine):
        return SqliteDatabase(engine, clock)
    from telebridge.database.postgresql_database import PostgresqlDatabase

    return PostgresqlDatabase(engine, clock)
