"""SQLite files with the newest tables, for tests that are not about migrations, or with those of an older release.

To migrate an empty database takes a fifth of a second of the processor. It is done once a process, and then copied.
"""

import asyncio
import threading
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic.command import upgrade
from alembic.config import Config

from telebridge.database.engine import SqliteEngine, open_database
from telebridge.database.migration import FOLDER, migrate


def make_migrated(path):
    """Write an empty SQLite file with the newest tables, unless there is a file."""
    path = Path(path)
    if not path.exists():
        path.write_bytes(_migrated())


async def migrate_to(engine, revision):
    """Make the tables as they were with a migration, by its revision."""

    def upgraded(connection):
        config = Config()
        config.set_main_option("script_location", str(FOLDER))
        config.attributes["connection"] = connection
        upgrade(config, revision)

    async with transaction(engine) as connection:
        await connection.run_sync(upgraded)


@cache
def _migrated():
    async def make(path):
        engine = open_database(f"sqlite:///{path}")
        await migrate(engine)
        await engine.dispose()

    with TemporaryDirectory() as folder:
        path = Path(folder) / "new.db"
        # The caller's own event loop may be running, on virtual time.
        thread = threading.Thread(target=lambda: asyncio.run(make(path)))
        thread.start()
        thread.join()
        return path.read_bytes()


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
