"""Removes the records of deleted campaigns that are older than the retention time, in one process for all.

This is a shell around `telebridge.campaigns.administration.deletion`.

One rule: it only removes; a failure is logged, and the next hour tries again.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from telebridge.campaigns.administration.deletion import purge_deleted
from telebridge.campaigns.engine.administration import Purged
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.logs import logger

log = logger(__name__)

EVERY_SECONDS = 3600.0
TASK = "campaigns: remove old records"


async def keep_retention_time(
    store: CampaignStore, worker: str, *, keep_days: int, wallclock: Callable[[], datetime]
) -> None:
    """Remove what is too old once an hour, until cancelled.

    Args:
        store: The campaigns.
        worker: The name of this process.
        keep_days: The retention time, in days.
        wallclock: Returns the aware UTC instant.
    """
    while True:
        try:
            if await store.leases.take(TASK, worker, 2 * EVERY_SECONDS):
                purged = await purge_deleted(store, keep_days=keep_days, wallclock=wallclock())
                if purged != Purged():
                    log.info("records of deleted campaigns were removed", attempts=purged.attempts, days=keep_days)
        except (SQLAlchemyError, OSError) as error:
            log.warning("old records cannot be removed: the database is away", error=str(error))
        await asyncio.sleep(EVERY_SECONDS)
