"""Writes of calls to the database, behind them: a call says what is to be kept and goes on.

What gathered meanwhile is written in one transaction. A database that is away costs no call, only what it would have
kept.

One rule: what cannot be written keeps nothing else from being written.
"""

import asyncio
import secrets
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncEngine

from telebridge.call.store.table import CALL, CallChange, row_of
from telebridge.logs import logger

log = logger(__name__)

GATHERED_SECONDS = 0.05
"""So long changes gather; what a call says twice in that time is written once."""
RETRY_SECONDS = 1.0
STOP_SECONDS = 5.0
FLUSH_SECONDS = 0.5
"""So long a caller waits for what another process must know; it is hardly ever more than one write."""
AWAY_STATES = ("08", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE that say nothing of what was to be written. Source: PostgreSQL, "PostgreSQL Error Codes"."""
MOST_WAITING = 20_000
"""Changes that wait for a database that is away; past it the oldest are dropped."""


class CallWriter:
    """Writes what calls say; to be started and stopped.

    Attributes:
        owner: Who writes: of a call that another owner has, nothing is written.

    Args:
        engine: The database.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.owner = secrets.token_hex(8)
        self._engine = engine
        self._waiting: dict[str, CallChange] = {}
        self._writing: dict[str, CallChange] = {}
        self._news = asyncio.Event()
        self._urgent = asyncio.Event()
        self._round: asyncio.Future[None] | None = None  # done when what waits is written, or cannot be
        self._written: asyncio.Future[None] | None = None  # the same of what is being written
        self._away = False
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._write_for_ever(), name="call store")

    async def stop(self) -> None:
        """Write no more by itself; what waits then is left to `write`."""
        self._stopping = True
        if self._task is None:
            return
        self._news.set()
        self._urgent.set()
        _, busy = await asyncio.wait([self._task], timeout=STOP_SECONDS)  # not cut in the middle of a write
        for task in busy:
            task.cancel()
            await asyncio.wait([task])
        self._task = None

    def change(self, call_sid: str) -> CallChange:
        """What waits to be written of a call, to be added to; it is written soon."""
        self._news.set()
        if call_sid not in self._waiting and len(self._waiting) >= MOST_WAITING:
            self._waiting.pop(next(iter(self._waiting)))
        return self._waiting.setdefault(call_sid, CallChange())

    def pending(self, call_sid: str) -> CallChange:
        """What is not known to be written of a call."""
        pending = CallChange()
        for changes in (self._writing, self._waiting):
            if call_sid in changes:
                pending.add(changes[call_sid])
        return pending

    async def flush(self, call_sid: str) -> None:
        """Wait until what was said of a call is written, or cannot be, for half a second at the most."""
        if self._away or self._task is None:
            return
        if call_sid in self._waiting:
            self._round = self._round or asyncio.get_running_loop().create_future()
            self._urgent.set()
            await asyncio.wait([self._round], timeout=FLUSH_SECONDS)
        elif call_sid in self._writing and self._written is not None:
            await asyncio.wait([self._written], timeout=FLUSH_SECONDS)

    async def _write_for_ever(self) -> None:
        while not self._stopping:
            await self._news.wait()
            await self._gather()
            try:
                await self.write()
            except (SQLAlchemyError, OSError) as error:
                if not self._away:
                    log.error("the database is away: calls go on, and are kept once it is back", error=str(error))
                self._away = True
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # the top of a task: it must not be the last that is written
                log.exception("calls could not be kept")
                await asyncio.sleep(RETRY_SECONDS)
            else:
                if self._away:
                    log.info("the database is back")
                self._away = False

    async def _gather(self) -> None:
        """Let changes gather, unless somebody waits for one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GATHERED_SECONDS):
                await self._urgent.wait()

    async def write(self) -> None:
        """Write what waits.

        Raises:
            SQLAlchemyError, OSError: The database is away; it waits still.
        """
        if not self._waiting:
            return
        self._writing, self._waiting = self._waiting, {}
        written = self._written = self._round or asyncio.get_running_loop().create_future()
        self._round = None
        self._news.clear()
        self._urgent.clear()
        try:
            await self._write_together()
        finally:
            for call_sid, change in self._waiting.items():  # whatever of it could not be written
                if call_sid in self._writing:
                    self._writing[call_sid].add(change)
                else:
                    self._writing[call_sid] = change
            self._waiting, self._writing = self._writing, {}
            if self._waiting:
                self._news.set()
            written.set_result(None)

    async def _write_together(self) -> None:
        """Write all in one transaction; if one of them cannot be written, each in its own."""
        try:
            async with self._engine.begin() as connection:
                await connection.run_sync(self._write_all, self._writing)
        except Exception as error:
            if _is_away(error):
                raise
            await self._write_singly()
        self._writing = {}

    async def _write_singly(self) -> None:
        for call_sid, change in list(self._writing.items()):
            try:
                async with self._engine.begin() as connection:
                    await connection.run_sync(self._write_all, {call_sid: change})
            except Exception as error:
                if _is_away(error):
                    raise
                log.exception("a call cannot be kept", call_sid=call_sid)
            del self._writing[call_sid]

    def _write_all(self, connection: Connection, changes: dict[str, CallChange]) -> None:
        ours = CALL.c.owner == self.owner
        places: list[dict[str, Any]] = []  # most changes; together they cost a tenth of what they would one by one
        for call_sid, change in changes.items():
            values = change.values()
            if change.begun is None and values.keys() == {"checkpoint"}:
                places.append({"sid": call_sid, "place": values["checkpoint"]})
            elif change.begun is not None:
                rest = {**row_of(change.begun), **values, "owner": self.owner}
                statement = self._insert(CALL).values(**rest)
                del rest["call_sid"]
                unless_lost = None if change.seized else ours
                connection.execute(
                    statement.on_conflict_do_update(index_elements=[CALL.c.call_sid], set_=rest, where=unless_lost)
                )
            elif values:
                connection.execute(CALL.update().where(CALL.c.call_sid == call_sid, ours).values(**values))
        if places:
            moved = CALL.update().where(CALL.c.call_sid == bindparam("sid"), ours)
            connection.execute(moved.values(checkpoint=bindparam("place")), places)


def _is_away(error: Exception) -> bool:
    """Whether it was the database that failed, and not what was to be written."""
    if isinstance(error, OSError | OperationalError | NoConnection):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or str(getattr(error.orig, "sqlstate", "")).startswith(AWAY_STATES)
