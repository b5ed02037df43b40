"""Runs the migrations that a database lacks, with alembic."""

from pathlib import Path

from alembic.command import upgrade
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from telebridge.errors import ConfigurationError

LOCK = 0x7E1EB41D  # any number that nobody else locks


def upgrade_tables(connection: Connection, folder: Path) -> None:
    """Run all migrations of a folder that the database has not had, in the transaction of the connection.

    Raises:
        ConfigurationError: The database was written by a newer release.
    """
    if connection.dialect.name == "postgresql":  # SQLite's transaction has the lock already
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    newer = set(MigrationContext.configure(connection).get_current_heads()) - known
    if newer:
        problem = f"its tables are of a newer release ({', '.join(sorted(newer))})"
        raise ConfigurationError("database.url", problem, "upgrade telebridge")
    upgrade(config, "heads")
