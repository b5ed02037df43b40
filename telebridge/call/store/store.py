"""Calls in the database: where the live ones stand, and what came of those that are over.

What calls say is written behind them by `CallWriter`, and is in the way of no audio; what is asked has an answer in a
time that a caller can wait, or none.

One rule: a live call has one owner. A process that lost a call to another writes nothing of it any more.
"""

import asyncio
from collections.abc import Collection, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row, select, tuple_
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from telebridge.call.record import CallRecord
from telebridge.call.session.checkpoint import Checkpoints
from telebridge.call.store.table import (
    CALL,
    KeptCall,
    end_values,
    kept_call,
    ms,
)
from telebridge.call.store.writer import CallWriter
from telebridge.database.engine import READING

T = TypeVar("T")

CLOSE_SECONDS = 5.0
ASK_SECONDS = 3.0
"""So long a caller waits for word of a call that this process does not know."""
OWNER_SECONDS = 0.5
"""So long one waits for word of a call that this process leads, as far as it knows."""


class CallStore(Checkpoints):
    """Keeps calls; to be started and closed.

    Args:
        engine: The database.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer = CallWriter(engine)
        self._closing = False
        self._asking: set[asyncio.Future[Any]] = set()

    def start(self) -> None:
        """Begin to write."""
        self._writer.start()

    async def aclose(self) -> None:
        """Write what waits, and stop."""
        self._closing = True
        await self._writer.stop()
        if self._asking:
            await asyncio.wait(self._asking, timeout=CLOSE_SECONDS)
        with suppress(SQLAlchemyError, OSError):
            await self._writer.write()

    # What calls say. Nothing is waited for, except by who asks for it.

    def begun(self, record: CallRecord, *, seized: bool = False) -> None:
        """A call began in this process.

        Args:
            record: Of that call.
            seized: Its stream is here, so that it is led here, even if another process has begun it too.
        """
        change = self._writer.change(record.call_sid)
        change.begun, change.seized = record, change.seized or seized

    @override
    def save(self, call_sid: str, checkpoint: bytes) -> None:
        self._writer.change(call_sid).checkpoint = checkpoint

    def ended(self, record: CallRecord, *, wallclock: datetime, apology: bool = False) -> None:
        """A call is over; with `apology` its caller must still be told that something went wrong."""
        change = self._writer.change(record.call_sid)
        change.ended, change.ended_at, change.apology = record, wallclock, apology

    @override
    async def flush(self, call_sid: str) -> None:
        await self._writer.flush(call_sid)

    # What is asked.

    async def is_ours(self, call_sid: str) -> bool:
        """Whether no other process has taken a call that this one began; also when nobody can tell."""
        try:
            return call_sid not in await self.lost([call_sid])
        except (SQLAlchemyError, OSError):
            return True

    async def lost(self, call_sids: Collection[str]) -> dict[str, str | None]:
        """Those of the calls of this process that are not its own any more.

        Returns:
            By CallSid why the call is over, as another process was told; None for a call that another process leads.

        Raises:
            SQLAlchemyError, OSError: The database is away.
        """
        columns = (CALL.c.call_sid, CALL.c.owner, CALL.c.ended_at, CALL.c.end_reason)
        rows = await self._bounded(self._rows(select(*columns).where(CALL.c.call_sid.in_(call_sids))), OWNER_SECONDS)
        lost: dict[str, str | None] = {}
        for row in rows:
            change = self._writer.pending(row.call_sid)
            if row.owner != self._writer.owner and not change.seized:
                lost[row.call_sid] = None
            elif row.owner == self._writer.owner and row.ended_at is not None and change.ended is None:
                lost[row.call_sid] = row.end_reason
        return lost

    async def take(self, call_sid: str) -> KeptCall | None:
        """Take a live call over from the process that had it; None when there is no such call, or it is over.

        Raises:
            SQLAlchemyError, OSError: The database is away.
        """
        return await self._bounded(self._take(call_sid), ASK_SECONDS)

    async def _take(self, call_sid: str) -> KeptCall | None:
        live = (CALL.c.call_sid == call_sid, CALL.c.ended_at.is_(None))
        async with self._engine.begin() as connection:
            taking = CALL.update().where(*live).values(owner=self._writer.owner).returning(*CALL.c)
            row = (await connection.execute(taking)).one_or_none()
        return None if row is None else kept_call(row)

    async def end_orphan(self, call_sid: str, reason: str, *, wallclock: datetime) -> bool:
        """A call is over that no process has ended; one that leads it still may tell more of it later.

        Returns:
            Whether it was live.

        Raises:
            SQLAlchemyError, OSError: The database is away.
        """
        return await self._bounded(self._end_orphan(call_sid, reason, wallclock), ASK_SECONDS)

    async def _end_orphan(self, call_sid: str, reason: str, wallclock: datetime) -> bool:
        kept = await self.find(call_sid)
        if kept is None or kept.ended:
            return False
        place = kept.place()
        record = kept.minimal()
        record.restore(place.result, place.digits, place.recordings)
        record.end_reason = reason
        if place.standing is not None:
            record.path = list(place.standing.path)
        live = (CALL.c.call_sid == call_sid, CALL.c.ended_at.is_(None))
        async with self._engine.begin() as connection:
            values = end_values(record, wallclock, apology=place.apology)
            done = await connection.execute(CALL.update().where(*live).values(**values))
        return done.rowcount > 0

    async def find(self, call_sid: str) -> KeptCall | None:
        """A call, live or over.

        Raises:
            SQLAlchemyError, OSError: The database is away.
        """
        found = await self._bounded(self._select(select(CALL).where(CALL.c.call_sid == call_sid)), ASK_SECONDS)
        return found[0] if found else None

    async def recent(self, limit: int, *, before: tuple[datetime, str] | None = None) -> list[KeptCall]:
        """Calls that are over, the latest first; with `before` those that stand behind that instant and CallSid."""
        query = select(CALL).where(CALL.c.record.is_not(None)).limit(limit)
        query = query.order_by(CALL.c.started_at.desc(), CALL.c.call_sid.desc())
        if before is not None:
            query = query.where(tuple_(CALL.c.started_at, CALL.c.call_sid) < (ms(before[0]), before[1]))
        return await self._select(query)

    async def _select(self, query: Any) -> list[KeptCall]:
        return [kept_call(row) for row in await self._rows(query)]

    async def _rows(self, query: Any) -> list[Row[Any]]:
        async with self._engine.connect() as connection:
            reading = await connection.execution_options(**READING)
            return list((await reading.execute(query)).all())

    async def _bounded(self, asking: Coroutine[Any, Any, T], seconds: float) -> T:
        """An answer, if it comes in time; a driver that cannot be stopped at once is left to stop by itself."""
        if self._closing:
            asking.close()
            raise TimeoutError("the store is closed")
        task = asyncio.ensure_future(asking)
        self._asking.add(task)
        task.add_done_callback(self._asked)
        done, _ = await asyncio.wait([task], timeout=seconds)  # who asks may be cancelled; the question then ends alone
        if not done:
            task.cancel()
            raise TimeoutError("the database does not answer")
        return task.result()

    def _asked(self, task: "asyncio.Future[Any]") -> None:
        self._asking.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may be there any more to take notice
