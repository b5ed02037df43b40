"""Brings a database to the tables that this release needs, in one transaction and in one process at a time."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from telebridge.database.database import database_of
from telebridge.database.engine import DatabaseEngine
from telebridge.database.failures import is_failure, unusable

FOLDER = Path(__file__).with_name("migrations")
NEWEST = max(path.stem for path in (FOLDER / "versions").glob("[0-9]*.py"))[:4]
"""The revision of this release's tables; the files of migrations begin with theirs."""


async def migrate(engine: DatabaseEngine) -> None:
    """Make the tables, or change them to what this release needs; nothing happens when they are so already.

    Raises:
        DatabaseUnusable: It cannot be reached or written, or is none.
        ConfigurationError: It was written by a newer release.
    """
    try:
        await database_of(engine).write(_bring_up_to_date)
    except Exception as error:
        if not is_failure(error):
            raise
        raise unusable(error, engine.url) from error


def _bring_up_to_date(connection: Connection) -> None:
    if _revisions(connection) == [NEWEST]:
        return
    # Only now: the import of alembic is a tenth of a start, and a database is up to date at nearly every start.
    from telebridge.database.upgrade import upgrade_tables

    upgrade_tables(connection, FOLDER)


def _revisions(connection: Connection) -> list[str]:
    if not inspect(connection).has_table("alembic_version"):
        return []
    return list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
