"""Stores of calls over one SQLite database, as several processes have them."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from support.databases import make_migrated
from telebridge.call.record import CallRecord
from telebridge.call.store.store import CallStore
from telebridge.call.store.writer import GATHERED_SECONDS
from telebridge.database.database import database_of
from telebridge.database.engine import open_database

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def record(call_sid="CA1", minutes=0):
    return CallRecord(call_sid, "test", "+1555", "+1666", "inbound", NOON + timedelta(minutes=minutes))


@asynccontextmanager
async def stores(tmp_path, count=1):
    """So many processes over one database."""
    make_migrated(f"{tmp_path}/calls.db")
    engine = open_database(f"sqlite:///{tmp_path}/calls.db")
    opened = [CallStore(database_of(engine)) for _ in range(count)]
    for store in opened:
        store.start()
    try:
        yield opened
    finally:
        for store in opened:
            await store.aclose()
        await engine.dispose()


async def written():
    """Let what waits be written."""
    await asyncio.sleep(GATHERED_SECONDS * 4)
