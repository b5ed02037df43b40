"""What SQLite and PostgreSQL do differently for campaigns, and nothing else; no other module asks which of them it is.

SQLite has one writer: a transaction takes the whole database at its beginning (see `telebridge.database.engine`), and
row locks are left out of its statements by SQLAlchemy. PostgreSQL locks rows, and its clock is read after the lock:
`clock_timestamp()`, because `now()` is when the transaction began, before it waited.

One rule: the due contacts of hundreds of lanes are found by one statement.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from telebridge.campaigns.epoch import Clock, system_clock
from telebridge.database.engine import READING


class SqlDatabase(ABC):
    """A database and the clock that all its users share.

    Args:
        engine: From `open_database`; its tables are migrated.
        clock: Another clock than the database's own, so that tests can steer it.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock | None) -> None:
        self.engine = engine
        self.clock = clock

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write."""
        async with self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads, and waits for nobody."""
        async with self.engine.connect() as connection:
            yield await connection.execution_options(**READING)

    @abstractmethod
    async def now(self, connection: AsyncConnection) -> int:
        """Epoch milliseconds, read now."""

    @abstractmethod
    async def due(self, connection: AsyncConnection, lanes: Sequence[int], *, now: int, limit: int) -> list[int]:
        """The ids of contacts that are due, in the order of the lanes and then of time."""

    @abstractmethod
    async def insert_new(self, connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert those rows that break no unique key; answers how many."""


class SqliteDatabase(SqlDatabase):
    """One file, one machine, one writer at a time."""

    def __init__(self, engine: AsyncEngine, clock: Clock | None) -> None:
        super().__init__(engine, clock)
        self._writer = asyncio.Lock()

    @asynccontextmanager
    @override
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        async with self._writer, self.engine.begin() as connection:  # waiting for one's own process by polling is slow
            yield connection

    @override
    async def now(self, connection: AsyncConnection) -> int:
        return (self.clock or system_clock)()

    @override
    async def due(self, connection: AsyncConnection, lanes: Sequence[int], *, now: int, limit: int) -> list[int]:
        asked = {"lanes": json.dumps(list(lanes)), "now": now, "limit": limit}
        return list((await connection.execute(_SQLITE_DUE, asked)).scalars())

    @override
    async def insert_new(self, connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        insert = sqlite.insert(table).on_conflict_do_nothing().returning(*table.primary_key)
        return len((await connection.execute(insert, list(rows))).all()) if rows else 0


class PostgresqlDatabase(SqlDatabase):
    """Many machines; its clock is everybody's."""

    @override
    async def now(self, connection: AsyncConnection) -> int:
        if self.clock is not None:
            return self.clock()
        return int((await connection.execute(_POSTGRESQL_NOW)).scalar_one())

    @override
    async def due(self, connection: AsyncConnection, lanes: Sequence[int], *, now: int, limit: int) -> list[int]:
        asked = {"lanes": list(lanes), "now": now, "limit": limit}
        return list((await connection.execute(_POSTGRESQL_DUE, asked)).scalars())

    @override
    async def insert_new(self, connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        insert = postgresql.insert(table).on_conflict_do_nothing().returning(*table.primary_key)
        return len((await connection.execute(insert, list(rows))).all()) if rows else 0


def sql_database(engine: AsyncEngine, clock: Clock | None = None) -> SqlDatabase:
    """The database of an engine, by its kind."""
    return (SqliteDatabase if engine.dialect.name == "sqlite" else PostgresqlDatabase)(engine, clock)


# The lanes that have somebody due, at most as many as contacts are wanted, and then the contacts of those alone.
_SQLITE_DUE = text("""
    WITH open AS MATERIALIZED (
        SELECT l.key AS place, l.value AS id FROM json_each(:lanes) AS l
        WHERE EXISTS (SELECT 1 FROM contact WHERE lane_id = l.value AND state = 'ready' AND due_at <= :now)
        ORDER BY l.key LIMIT :limit
    )
    SELECT contact.id FROM open JOIN contact ON contact.id IN (
        SELECT id FROM contact WHERE lane_id = open.id AND state = 'ready' AND due_at <= :now
        ORDER BY due_at, id LIMIT :limit
    )
    ORDER BY open.place, contact.due_at, contact.id LIMIT :limit
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
