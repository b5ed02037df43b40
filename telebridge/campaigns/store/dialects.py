"""What SQLite and PostgreSQL do differently for campaigns, and nothing else; no other module asks which of them it is.

SQLite has one writer: a transaction takes the whole database at its beginning (see `telebridge.database.engine`), and
row locks are left out of its statements by SQLAlchemy. Its transactions run in threads, each in one go: however busy
the event loop is, nobody waits longer for the writer. PostgreSQL locks rows, and its clock is read after the lock:
`clock_timestamp()`, because `now()` is when the transaction began, before it waited.

One rule: the due contacts of hundreds of lanes are found by one statement.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import ARRAY, Column, ColumnElement, Connection, Row, Select, Table, any_, bindparam, func, select, text
from sqlalchemy import column as any_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from telebridge.campaigns.engine.epoch import Clock, system_clock
from telebridge.campaigns.store.tables import IS_READY, contact
from telebridge.database.engine import READING, in_threads

T = TypeVar("T")
Found = TypeVarTuple("Found")


class SqlDatabase(ABC):
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

    async def rows(self, asked: Select[*Found]) -> Sequence[Row[*Found]]:
        """What one statement finds."""
        return await self.read(lambda connection: connection.execute(asked).all())

    @abstractmethod
    def now(self, connection: Connection) -> int:
        """Epoch milliseconds, read now."""

    @abstractmethod
    def due(self, connection: Connection, lanes: Sequence[int], *, now: int, limit: int) -> Sequence[Row[Any]]:
        """Contacts that are due, of the first lanes, in no order; nobody else changes them until the commit.

        Those that come first, by lane and by time, are among them up to the limit; there may be more.
        """

    @abstractmethod
    def among(self, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
        """Whether a column has one of these values: one statement for any number of them."""

    @abstractmethod
    def count_rows(self, connection: Connection, table: Table) -> None:
        """A table has grown much: let the database look at it before it plans a statement again."""

    @abstractmethod
    def columns(self, connection: Connection, campaign_id: str) -> list[str]:
        """The names of all variables of a campaign's contacts, as the first contacts have them."""

    @abstractmethod
    def insert_new(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert those rows that break no unique key; answers how many."""


class SqliteDatabase(SqlDatabase):
    """One file, one machine, one writer at a time."""

    def __init__(self, engine: AsyncEngine, clock: Clock | None) -> None:
        super().__init__(clock)
        self._engine = in_threads(engine)
        self._writer = asyncio.Lock()

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
    def due(self, connection: Connection, lanes: Sequence[int], *, now: int, limit: int) -> Sequence[Row[Any]]:
        asked = {"lanes": json.dumps(lanes), "now": now, "limit": limit}
        return connection.execute(_SQLITE_DUE, asked).all()

    @override
    def among(self, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
        return column.in_(values)

    @override
    def count_rows(self, connection: Connection, table: Table) -> None:
        """SQLite's plans here do not depend on how many rows there are."""

    @override
    def columns(self, connection: Connection, campaign_id: str) -> list[str]:
        return list(connection.execute(_SQLITE_COLUMNS, {"campaign": campaign_id}).scalars())

    @override
    def insert_new(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        """Straight to the driver: for a million contacts the ways around it take longer than the database."""
        if not rows:
            return 0
        names = [column.name for column in table.columns if column.name in rows[0]]
        compiled = sqlite.insert(table).on_conflict_do_nothing().compile(dialect=connection.dialect, column_keys=names)
        kinds = [table.c[name].type.dialect_impl(connection.dialect) for name in names]
        encoders = [kind.bind_processor(connection.dialect) for kind in kinds]
        encoded = [
            tuple(
                row[name] if encode is None else encode(row[name]) for name, encode in zip(names, encoders, strict=True)
            )
            for row in rows
        ]
        return connection.exec_driver_sql(str(compiled), encoded).rowcount


class PostgresqlDatabase(SqlDatabase):
    """Many machines; its clock is everybody's."""

    def __init__(self, engine: AsyncEngine, clock: Clock | None) -> None:
        super().__init__(clock)
        self._engine = engine

    @override
    async def write(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    @override
    async def read(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    @override
    def now(self, connection: Connection) -> int:
        if self.clock is not None:
            return self.clock()
        return int(connection.execute(_POSTGRESQL_NOW).scalar_one())

    @override
    def due(self, connection: Connection, lanes: Sequence[int], *, now: int, limit: int) -> Sequence[Row[Any]]:
        found = connection.execute(_POSTGRESQL_DUE, {"lanes": lanes, "now": now, "limit": limit})
        ids = [row.id for row in found]
        asked = select(contact).where(self.among(contact.c.id, ids), IS_READY).with_for_update(skip_locked=True)
        return connection.execute(asked).all() if ids else []

    @override
    def among(self, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
        """An array: each length of a list would be a statement of its own, to be prepared by the server first."""
        return column == any_(bindparam(None, list(values), type_=ARRAY(column.type)))

    @override
    def count_rows(self, connection: Connection, table: Table) -> None:
        connection.exec_driver_sql(f'ANALYZE "{table.name}"')

    @override
    def columns(self, connection: Connection, campaign_id: str) -> list[str]:
        return list(connection.execute(_POSTGRESQL_COLUMNS, {"campaign": campaign_id}).scalars())

    @override
    def insert_new(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        """As arrays, a value for each column: one statement for any number of rows."""
        if not rows:
            return 0
        columns = [table.c[name] for name in rows[0]]
        arrays = [bindparam(None, [row[one.name] for row in rows], type_=ARRAY(one.type)) for one in columns]
        given = func.unnest(*arrays).table_valued(*(any_column(one.name, one.type) for one in columns)).render_derived()
        insert = postgresql.insert(table).from_select([one.name for one in columns], select(given))
        return connection.execute(insert.on_conflict_do_nothing()).rowcount


def sql_database(engine: AsyncEngine, clock: Clock | None = None) -> SqlDatabase:
    """The database of an engine, by its kind."""
    return (SqliteDatabase if engine.dialect.name == "sqlite" else PostgresqlDatabase)(engine, clock)


# The lanes that have somebody due, at most as many as contacts are wanted, and then the contacts of those alone. An
# array is walked, and a cross join done, from the first on: nothing is sorted, no lane looked at beyond the limit. A
# lane's contacts come by their id, so the last lane is taken whole: twice the limit is room for it.
_SQLITE_DUE = text("""
    WITH open AS MATERIALIZED (
        SELECT l.value AS id FROM json_each(:lanes) AS l
        WHERE EXISTS (SELECT 1 FROM contact WHERE lane_id = l.value AND state = 'ready' AND due_at <= :now)
        LIMIT :limit
    )
    SELECT contact.* FROM open CROSS JOIN contact WHERE contact.id IN (
        SELECT id FROM contact WHERE lane_id = open.id AND state = 'ready' AND due_at <= :now
        ORDER BY due_at, id LIMIT :limit
    )
    LIMIT 2 * :limit
""").columns(**{column.name: column.type for column in contact.columns})

_SQLITE_COLUMNS = text("""
    SELECT one.key FROM contact JOIN json_each(contact.variables) AS one
    WHERE contact.campaign_id = :campaign GROUP BY one.key ORDER BY min(contact.id), min(one.id)
""")

_POSTGRESQL_COLUMNS = text("""
    SELECT one.key FROM contact
    CROSS JOIN LATERAL json_object_keys(contact.variables) WITH ORDINALITY AS one(key, place)
    WHERE contact.campaign_id = :campaign GROUP BY one.key ORDER BY min(contact.id), min(one.place)
""")

_POSTGRESQL_NOW = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")

_POSTGRESQL_DUE = text("""
    SELECT due.id
    FROM unnest(CAST(:lanes AS bigint[])) WITH ORDINALITY AS open(id, place)
    CROSS JOIN LATERAL (
        SELECT contact.id, contact.due_at FROM contact
        WHERE contact.lane_id = open.id AND contact.state = 'ready' AND contact.due_at <= CAST(:now AS bigint)
        ORDER BY contact.due_at, contact.id LIMIT CAST(:limit AS bigint)
    ) AS due
    ORDER BY open.place, due.due_at, due.id LIMIT CAST(:limit AS bigint)
""")
