"""The database for as long as a command needs it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from telebridge.database.engine import DatabaseEngine, open_database
from telebridge.database.migration import migrate
from telebridge.settings.settings import Settings


@asynccontextmanager
async def migrated_database(settings: Settings) -> AsyncIterator[DatabaseEngine]:
    """Open the database of the settings and migrate it to this release; it is closed at the end of the block.

    Raises:
        ConfigurationError: It cannot be reached, or was written by a newer release.
    """
    engine = open_database(settings.database_url)
    try:
        await migrate(engine)
        yield engine
    finally:
        await asyncio.shield(engine.dispose())  # a command that is cut short leaves no connection open
