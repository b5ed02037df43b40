"""Brings a database to the tables that this release needs, in one transaction and in one process at a time."""

from pathlib import Path

from alembic.command import upgrade
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from telebridge.database.failures import is_failure, unusable
from telebridge.errors import ConfigurationError

FOLDER = Path(__file__).with_name("migrations")
LOCK = 0x7E1EB41D  # any number that nobody else locks


async def migrate(engine: AsyncEngine) -> None:
    """Make the tables, or change them to what this release needs; nothing happens when they are so already.

    Raises:
        DatabaseUnusable: It cannot be reached or written, or is none.
        ConfigurationError: It was written by a newer release.
    """
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    except Exception as error:
        if not is_failure(error):
            raise
        raise unusable(error, engine.url) from error


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite's transaction has the lock already
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    newer = set(MigrationContext.configure(connection).get_current_heads()) - known
    if newer:
        problem = f"its tables are of a newer release ({', '.join(sorted(newer))})"
        raise ConfigurationError("database.url", problem, "upgrade telebridge")
    upgrade(config, "heads")
