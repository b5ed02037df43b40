"""A sign of life of each process that dials, so that a campaign whose contacts wait can tell that nobody dials it.

It is a task in the store that each process holds under a name of its own and prolongs; one that died lets it run out.

One rule: it only tells. No call waits for it.
"""

import asyncio
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from telebridge.campaigns.store.protocols import TaskLeases, dialing_task
from telebridge.logs import logger

log = logger(__name__)

EVERY_SECONDS = 5.0
HOLDS_SECONDS = 15.0


async def keep_telling(leases: TaskLeases, account: str, worker: str, *, every_seconds: float = EVERY_SECONDS) -> None:
    """Tell that a worker dials for an account, until cancelled; that it does not any more is told at once.

    Args:
        leases: Where.
        account: The Twilio account whose campaigns it dials.
        worker: Its name, different for each process.
        every_seconds: How often.
    """
    task = dialing_task(account, worker)
    try:
        while True:
            try:
                await leases.take(task, worker, HOLDS_SECONDS)
            except (SQLAlchemyError, OSError) as error:
                log.warning("nobody can be told that this process dials: the database is away", error=str(error))
            await asyncio.sleep(every_seconds)
    finally:
        with suppress(SQLAlchemyError, OSError):  # it runs out by itself
            await leases.release(task, worker)
