"""SQLite files with the newest tables, for tests that are not about migrations, or with those of an older release."""

from contextlib import asynccontextmanager
from pathlib import Path

from alembic.command import upgrade
from alembic.config import Config

from telebridge.database.engine import SqliteEngine
from telebridge.database.migration import FOLDER
from telebridge.testing.bench.empty_database import empty_database


def make_migrated(path):
    """Write an empty SQLite file with the newest tables, unless there is a file."""
    path = Path(path)
    if not path.exists():
        path.write_bytes(empty_database())


async def migrate_to(engine, revision):
    """Make the tables as they were with a migration, by its revision."""

    def upgraded(connection):
        config = Config()
        config.set_main_option("script_location", str(FOLDER))
        config.attributes["connection"] = connection
        upgrade(config, revision)

    async with transaction(engine) as connection:
        await connection.run_sync(upgraded)


class SqliteTransaction:
    """A transaction on SQLite with the methods of one on PostgreSQL."""

    def __init__(self, connection):
        self._connection = connection

    async def execute(self, statement, values=None):
        return self._connection.execute(statement, values)

    async def run_sync(self, work, **options):
        return work(self._connection, **options)


@asynccontextmanager
async def transaction(engine):
    """A transaction on either kind of database, for what a test reads or spoils by itself."""
    if isinstance(engine, SqliteEngine):
        with engine.sync_engine.begin() as connection:
            yield SqliteTransaction(connection)
    else:
        async with engine.begin() as connection:
            yield connection
