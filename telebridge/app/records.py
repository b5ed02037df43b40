"""Starts what needs the database: the records of calls, and campaigns.

One rule: without the database nothing of these is started; where calls may be answered without it
(`database.required = false`), it is tried again until it is there.
"""

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from telebridge.app.campaigns import Campaigning
from telebridge.call.store.store import CallStore
from telebridge.database.database import Database
from telebridge.database.engine import DatabaseEngine
from telebridge.database.failures import DatabaseUnusable
from telebridge.database.migration import migrate
from telebridge.database.probe import DatabaseProbe
from telebridge.logs import logger
from telebridge.timing.backoff import backoff_seconds

log = logger(__name__)

FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 30.0


class Records:
    """What needs the database. Call `open`, then `start`, and `stop_retrying` at the end.

    Args:
        engine: Connects to the database.
        database: Transactions on it.
        store: The calls in it.
        campaigning: The campaigns in it.
        required: Whether the process must not run without it.

    Attributes:
        required: As above.
    """

    def __init__(
        self, engine: DatabaseEngine, database: Database, store: CallStore, campaigning: Campaigning, *, required: bool
    ) -> None:
        self.required = required
        self._engine = engine
        self._store = store
        self._campaigning = campaigning
        self._probe = DatabaseProbe(database)
        self._opened = False
        self._retrying: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Bring the database to this release, and begin to record; later, if it is away and is not required.

        Raises:
            ConfigurationError: The database is required and cannot be used, or was written by a newer release.
        """
        try:
            await self._open()
        except DatabaseUnusable as error:
            if self.required:
                raise
            log.error("the database is away: calls are answered, and recorded once it is there", error=str(error))

    async def start(self) -> None:
        """Start campaigns; later, if the database is away."""
        if self._opened:
            await self._campaigning.start()
        else:
            self._retrying = asyncio.create_task(self._start_later(), name="start of the database")

    async def away(self) -> bool:
        """Whether the database is away: it is not there, does not answer in time, or takes no records."""
        return not self._opened or self._store.writer.away or not await self._probe.answers()

    async def stop_retrying(self) -> None:
        """Try no longer to reach a database that was away from the beginning."""
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.wait([self._retrying])

    async def _open(self) -> None:
        await migrate(self._engine)
        self._store.start()
        self._opened = True

    async def _start_later(self) -> None:
        failures = 0
        while True:
            failures += 1
            await asyncio.sleep(backoff_seconds(failures, first=FIRST_RETRY_SECONDS, longest=LONGEST_RETRY_SECONDS))
            try:
                if not self._opened:
                    await self._open()
                    log.info("the database is there")
                await self._campaigning.start()
            except (DatabaseUnusable, SQLAlchemyError, OSError) as error:
                log.info("the database is still away", error=str(error))
            except Exception:  # the top of a task
                log.exception("what needs the database cannot be started")
                return
            else:
                return
