"""The heartbeat of each process that dials, by which the status of a campaign shows whether any process dials it.

It is a task lease in the store, which each process holds under its own name and renews; it expires when a process dies.

One rule: it is for information only. No call waits for it.
"""

import asyncio
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from telebridge.campaigns.store.protocols import TaskLeases, dialing_task
from telebridge.logs import logger

log = logger(__name__)

EVERY_SECONDS = 5.0
LEASE_SECONDS = 15.0


async def send_heartbeats(
    leases: TaskLeases, account: str, worker: str, *, every_seconds: float = EVERY_SECONDS
) -> None:
    """Renew the lease of a worker that dials for an account until cancelled, then release it.

    Args:
        leases: The leases of the store.
        account: The Twilio account whose campaigns it dials.
        worker: The name of the worker, different for each process.
        every_seconds: How often the lease is renewed.
    """
    task = dialing_task(account, worker)
    try:
        while True:
            try:
                await leases.take(task, worker, LEASE_SECONDS)
            except (SQLAlchemyError, OSError) as error:
                log.warning("the heartbeat of this process cannot be written: the database is away", error=str(error))
            await asyncio.sleep(every_seconds)
    finally:
        with suppress(SQLAlchemyError, OSError):  # it expires by itself
            await leases.release(task, worker)
