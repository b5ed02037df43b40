"""PostgreSQL as the database: see `telebridge.database.database` for what it does differently."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ARRAY, Column, ColumnElement, Connection, Table, any_, bindparam, func, select, text
from sqlalchemy import column as any_column
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from telebridge.database.database import Database
from telebridge.timing.epoch import Clock

T = TypeVar("T")

_POSTGRESQL_NOW = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")


class PostgresqlDatabase(Database):
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
    def among(self, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
        """An array: each length of a list would be a statement of its own, to be prepared by the server first."""
        return column == any_(bindparam(None, list(values), type_=ARRAY(column.type)))

    @override
    def count_rows(self, connection: Connection, table: Table) -> None:
        connection.exec_driver_sql(f'ANALYZE "{table.name}"')

    @override
    def insert(self, table: Table) -> postgresql.Insert:
        return postgresql.insert(table)

    @override
    def insert_new(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        """As arrays, a value for each column: one statement for any number of rows.

        Each array has one dimension: a value that is a tuple would otherwise be taken for an array of its own.
        """
        if not rows:
            return 0
        columns = [table.c[name] for name in rows[0]]
        arrays = [
            bindparam(None, [row[one.name] for row in rows], type_=ARRAY(one.type, dimensions=1)) for one in columns
        ]
        given = func.unnest(*arrays).table_valued(*(any_column(one.name, one.type) for one in columns)).render_derived()
        insert = postgresql.insert(table).from_select([one.name for one in columns], select(given))
        return connection.execute(insert.on_conflict_do_nothing()).rowcount
