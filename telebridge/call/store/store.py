"""Calls in the database: the live ones with their checkpoints, the others with their records.

`CallWriter` writes in the background, so that no audio waits for it. Questions are answered within a time that a caller
can wait, or raise `TimeoutError`.

One rule: a live call has one owner. A process that lost a call to another one writes nothing of it any more.
"""

import asyncio
from collections.abc import Collection, Coroutine
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, or_, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from telebridge.call.ownership import NotOwned, not_owned
from telebridge.call.store.table import CALL, StoredCall, clean, end_values, stored_call
from telebridge.call.store.writer import CallWriter
from telebridge.database.database import Database
from telebridge.tasks import Tasks
from telebridge.timing.epoch import epoch_ms

T = TypeVar("T")

CLOSE_SECONDS = 5.0
ASK_SECONDS = 3.0
"""How long a question about a call that this process does not own may take."""
OWNER_SECONDS = 0.5
"""How long the question may take whether this process still owns a call."""


class CallStore:
    """The calls of all processes. Call `start` first and `aclose` last.

    Args:
        database: Where the calls are.

    Attributes:
        writer: Writes the calls of this process.
    """

    def __init__(self, database: Database) -> None:
        self.writer = CallWriter(database)
        self._database = database
        self._closing = False
        self._questions = Tasks("question about a call")

    def start(self) -> None:
        """Begin to write."""
        self.writer.start()

    async def aclose(self) -> None:
        """Write what waits, and stop."""
        self._closing = True
        await self.writer.stop()
        await self._questions.wait(CLOSE_SECONDS)
        with suppress(SQLAlchemyError, OSError):
            await self.writer.write()

    # Who owns a call. What follows from it is decided in `telebridge.call.ownership`.

    async def is_owned(self, call_sid: str) -> bool:
        """Whether this process still owns a call that it began; also when the database gives no answer."""
        try:
            return call_sid not in await self.not_owned([call_sid])
        except (SQLAlchemyError, OSError):
            return True

    async def not_owned(self, call_sids: Collection[str]) -> dict[str, NotOwned]:
        """Those of the calls of this process that it owns no more, by their CallSids.

        Raises:
            SQLAlchemyError, OSError: The database is unreachable.
        """
        columns = (CALL.c.call_sid, CALL.c.owner, CALL.c.ended_at, CALL.c.end_reason)
        rows = await self._bounded(self._rows(select(*columns).where(CALL.c.call_sid.in_(call_sids))), OWNER_SECONDS)
        found = ((row.call_sid, self._ownership_of(row)) for row in rows)
        return {call_sid: ownership for call_sid, ownership in found if ownership is not None}

    def _ownership_of(self, row: Row[Any]) -> NotOwned | None:
        change = self.writer.pending(row.call_sid)
        return not_owned(
            same_owner=row.owner == self.writer.owner,
            end_reason=None if row.ended_at is None else row.end_reason or "",
            taking_over=change.taking_over,
            ending=change.ended is not None,
        )

    async def take_over(self, call_sid: str) -> StoredCall | None:
        """Become the owner of a live call; None when there is no such call, or it is over.

        Raises:
            SQLAlchemyError, OSError: The database is unreachable.
        """
        return await self._bounded(self._take_over(call_sid), ASK_SECONDS)

    async def _take_over(self, call_sid: str) -> StoredCall | None:
        live = (CALL.c.call_sid == call_sid, CALL.c.ended_at.is_(None))
        taking = CALL.update().where(*live).values(owner=self.writer.owner).returning(*CALL.c)
        row = await self._database.write(lambda connection: connection.execute(taking).one_or_none())
        return None if row is None else stored_call(row)

    async def close_row(self, call_sid: str, reason: str, *, wallclock: datetime) -> bool:
        """Write an end into the row of a live call, with what its checkpoint tells.

        Its owner, if it still runs, writes the whole record in its place. Most calls that are asked about have no live
        row, because nobody answered them: for those nothing waits for the writer of the database.

        Returns:
            Whether it was live.

        Raises:
            SQLAlchemyError, OSError: The database is unreachable.
        """
        live = select(CALL.c.call_sid).where(CALL.c.call_sid == call_sid, CALL.c.ended_at.is_(None))
        if not await self._bounded(self._rows(live), ASK_SECONDS):
            return False
        close = partial(_close_row, call_sid=call_sid, reason=reason, wallclock=wallclock)
        return await self._bounded(self._database.write(close), ASK_SECONDS)

    # What is known of calls.

    async def find(self, call_sid: str) -> StoredCall | None:
        """Find a call, live or over.

        Raises:
            SQLAlchemyError, OSError: The database is unreachable.
        """
        found = await self._bounded(self._rows(select(CALL).where(CALL.c.call_sid == call_sid)), ASK_SECONDS)
        return stored_call(found[0]) if found else None

    async def recent(self, limit: int, *, before: tuple[datetime, str] | None = None) -> list[StoredCall]:
        """Calls that are over, the latest first.

        Args:
            limit: How many at the most.
            before: The start and the CallSid of the call after which the list goes on.
        """
        return [stored_call(row) for row in await self._rows(_page_of_ended(limit, before))]

    async def search(
        self, text: str, limit: int, *, flow: str = "", before: tuple[datetime, str] | None = None
    ) -> list[StoredCall]:
        """Calls that are over, the latest first, in whose name, numbers, flow or end a text occurs.

        Args:
            text: What is looked for; empty for all calls.
            limit: How many at the most.
            flow: The flow that led them; empty for any.
            before: The start and the CallSid of the call after which the list goes on.
        """
        query = _page_of_ended(limit, before)
        if text:
            columns = (CALL.c.call_sid, CALL.c.from_number, CALL.c.to_number, CALL.c.flow, CALL.c.end_reason)
            query = query.where(or_(*(column.contains(clean(text), autoescape=True) for column in columns)))
        if flow:
            query = query.where(CALL.c.flow == clean(flow))
        return [stored_call(row) for row in await self._bounded(self._rows(query), ASK_SECONDS)]

    async def live(self, limit: int, *, since: datetime) -> list[StoredCall]:
        """Live calls of all processes that began after an instant, the longest first.

        Raises:
            SQLAlchemyError, OSError: The database is unreachable.
        """
        query = select(CALL).where(CALL.c.started_at > epoch_ms(since), CALL.c.ended_at.is_(None))
        return [
            stored_call(row)
            for row in await self._bounded(self._rows(query.order_by(CALL.c.started_at).limit(limit)), ASK_SECONDS)
        ]

    async def starting_with(self, prefix: str, limit: int) -> list[StoredCall]:
        """Calls whose CallSid begins so, live ones too, the latest first."""
        query = select(CALL).where(CALL.c.call_sid.startswith(prefix, autoescape=True)).limit(limit)
        return [stored_call(row) for row in await self._rows(query.order_by(CALL.c.started_at.desc()))]

    async def _rows(self, query: Any) -> list[Row[Any]]:
        return list(await self._database.rows(query))

    async def _bounded(self, question: Coroutine[Any, Any, T], seconds: float) -> T:
        """An answer, if it comes in time; a driver that cannot be stopped at once is left to stop by itself."""
        if self._closing:
            question.close()
            raise TimeoutError("the store is closed")
        task = self._questions.start(question)
        task.add_done_callback(_retrieve)
        done, _ = await asyncio.wait([task], timeout=seconds)  # who asks may be cancelled; the question then ends alone
        if not done:
            task.cancel()
            raise TimeoutError("the database does not answer")
        return task.result()


def _page_of_ended(limit: int, before: tuple[datetime, str] | None) -> Select[Any]:
    """The calls that are over, the latest first, from the one after `before` on."""
    query = select(CALL).where(CALL.c.record.is_not(None)).limit(limit)
    query = query.order_by(CALL.c.started_at.desc(), CALL.c.call_sid.desc())
    if before is not None:
        query = query.where(tuple_(CALL.c.started_at, CALL.c.call_sid) < (epoch_ms(before[0]), before[1]))
    return query


def _retrieve(task: "asyncio.Task[Any]") -> None:
    """Retrieve the exception of a question that is not awaited any more, so that asyncio does not report it."""
    if not task.cancelled():
        task.exception()


def _close_row(connection: Connection, *, call_sid: str, reason: str, wallclock: datetime) -> bool:
    live = (CALL.c.call_sid == call_sid, CALL.c.ended_at.is_(None))
    row = connection.execute(select(CALL).where(*live)).one_or_none()
    if row is None:
        return False
    call = stored_call(row)
    checkpoint, record = call.resume_point(), call.begun
    record.restore(checkpoint.result, checkpoint.digits, checkpoint.recordings, checkpoint.transfers)
    record.end_reason = reason
    if checkpoint.standing is not None:
        record.path = list(checkpoint.standing.path)
    values = end_values(record, wallclock, apology=checkpoint.apology)
    return connection.execute(CALL.update().where(*live).values(**values)).rowcount > 0
