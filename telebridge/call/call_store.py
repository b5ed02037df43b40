"""Calls in the database: where the live ones stand, and what came of those that are over.

Writes go behind: a call says what is to be kept and goes on; what gathered meanwhile is written in one transaction.
Nothing of it is in the way of audio, and a database that is away costs no call, only what it would have kept.

One rule: a live call has one owner. A process that lost a call to another writes nothing of it any more.
"""

import asyncio
import json
import secrets
from collections.abc import Collection, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Column, Connection, Row, Table, Text, bindparam, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from telebridge.call.call_rows import CallChange, end_values, ms, row_of
from telebridge.call.checkpoint import Checkpoint
from telebridge.call.outside import Checkpoints
from telebridge.call.record import CallRecord
from telebridge.database.engine import READING
from telebridge.database.schema import metadata
from telebridge.logs import logger

log = logger(__name__)

T = TypeVar("T")

GATHERED_SECONDS = 0.05
"""So long changes gather; what a call says twice in that time is written once."""
RETRY_SECONDS = 1.0
CLOSE_SECONDS = 5.0
FLUSH_SECONDS = 0.5
"""So long a caller waits for what another process must know; it is hardly ever more than one write."""
ASK_SECONDS = 3.0
"""So long a caller waits for word of a call that this process does not know."""
OWNER_SECONDS = 0.5
"""So long one waits for word of a call that this process leads, as far as it knows."""
AWAY_STATES = ("08", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE that say nothing of what was to be written. Source: PostgreSQL, "PostgreSQL Error Codes"."""
MOST_WAITING = 20_000
"""Changes that wait for a database that is away; past it the oldest are dropped."""

CALL = Table(
    "call",
    metadata,
    Column("call_sid", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("from_number", Text, nullable=False),
    Column("to_number", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False, index=True),
    Column("ended_at", BigInteger),
    Column("end_reason", Text),
    Column("checkpoint", Text),
    Column("record", Text),
)
"""Instants are milliseconds since 1970; `checkpoint` and `record` are JSON."""


@dataclass(frozen=True, slots=True)
class KeptCall:
    """A call as the database knows it.

    Args:
        checkpoint: Where it stood, as `Checkpoint.encode` wrote it.
        record: What came of it, as `CallRecord.as_json` told it; None while it is live.
    """

    call_sid: str
    flow: str
    from_number: str
    to_number: str
    direction: str
    started_at: datetime
    ended: bool
    checkpoint: str | None
    record: dict[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """Its record; of one that is live in another process, what is known of it."""
        return self.minimal().as_json() if self.record is None else self.record

    def minimal(self) -> CallRecord:
        """What is known of it without its record."""
        return CallRecord(self.call_sid, self.flow, self.from_number, self.to_number, self.direction, self.started_at)

    def place(self) -> Checkpoint:
        """Where it was left; its beginning when that cannot be read."""
        try:
            return Checkpoint() if self.checkpoint is None else Checkpoint.decode(self.checkpoint)
        except ValueError as error:
            log.error("a checkpoint cannot be read: the call begins anew", call_sid=self.call_sid, error=str(error))
            return Checkpoint()


class CallStore(Checkpoints):
    """Keeps calls; to be started and closed."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._owner = secrets.token_hex(8)
        self._waiting: dict[str, CallChange] = {}
        self._writing: dict[str, CallChange] = {}
        self._news = asyncio.Event()
        self._urgent = asyncio.Event()
        self._round: asyncio.Future[None] | None = None  # done when what waits is written, or cannot be
        self._written: asyncio.Future[None] | None = None  # the same of what is being written
        self._away = False
        self._writer: asyncio.Task[None] | None = None
        self._closing = False
        self._asking: set[asyncio.Future[Any]] = set()
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def start(self) -> None:
        """Begin to write."""
        self._writer = asyncio.create_task(self._write_for_ever(), name="call store")

    async def aclose(self) -> None:
        """Write what waits, and stop."""
        self._closing = True
        if self._writer is not None:
            self._news.set()
            self._urgent.set()
            _, busy = await asyncio.wait([self._writer], timeout=CLOSE_SECONDS)  # not cut in the middle of a write
            for writer in busy:
                writer.cancel()
                await asyncio.wait([writer])
            self._writer = None
        if self._asking:
            await asyncio.wait(self._asking, timeout=CLOSE_SECONDS)
        with suppress(SQLAlchemyError, OSError):
            await self._write()

    # What calls say. Nothing is waited for, except by who asks for it.

    def begun(self, record: CallRecord, *, seized: bool = False) -> None:
        """A call began in this process.

        Args:
            record: Of that call.
            seized: Its stream is here, so that it is led here, even if another process has begun it too.
        """
        change = self._change(record.call_sid)
        change.begun, change.seized = record, change.seized or seized

    @override
    def keep(self, call_sid: str, checkpoint: bytes) -> None:
        self._change(call_sid).checkpoint = checkpoint

    def ended(self, record: CallRecord, *, wallclock: datetime, apology: bool = False) -> None:
        """A call is over; with `apology` its caller must still be told that something went wrong."""
        change = self._change(record.call_sid)
        change.ended, change.ended_at, change.apology = record, wallclock, apology

    @override
    async def flush(self, call_sid: str) -> None:
        if self._away or self._writer is None:
            return
        if call_sid in self._waiting:
            self._round = self._round or asyncio.get_running_loop().create_future()
            self._urgent.set()
            await asyncio.wait([self._round], timeout=FLUSH_SECONDS)
        elif call_sid in self._writing and self._written is not None:
            await asyncio.wait([self._written], timeout=FLUSH_SECONDS)

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
            change = self._pending(row.call_sid)
            if row.owner != self._owner and not change.seized:
                lost[row.call_sid] = None
            elif row.owner == self._owner and row.ended_at is not None and change.ended is None:
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
            taking = CALL.update().where(*live).values(owner=self._owner).returning(*CALL.c)
            row = (await connection.execute(taking)).one_or_none()
        return None if row is None else _kept(row)

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
        record.take_up(place.result, place.digits, place.recordings)
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
        return [_kept(row) for row in await self._rows(query)]

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

    # Writing.

    def _change(self, call_sid: str) -> CallChange:
        self._news.set()
        if call_sid not in self._waiting and len(self._waiting) >= MOST_WAITING:
            self._waiting.pop(next(iter(self._waiting)))
        return self._waiting.setdefault(call_sid, CallChange())

    def _pending(self, call_sid: str) -> CallChange:
        """What is not known to be written of a call."""
        pending = CallChange()
        for changes in (self._writing, self._waiting):
            if call_sid in changes:
                pending.add(changes[call_sid])
        return pending

    async def _write_for_ever(self) -> None:
        while not self._closing:
            await self._news.wait()
            await self._gather()
            try:
                await self._write()
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

    async def _write(self) -> None:
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
        ours = CALL.c.owner == self._owner
        places: list[dict[str, Any]] = []  # most changes; together they cost a tenth of what they would one by one
        for call_sid, change in changes.items():
            values = change.values()
            if change.begun is None and values.keys() == {"checkpoint"}:
                places.append({"sid": call_sid, "place": values["checkpoint"]})
            elif change.begun is not None:
                rest = {**row_of(change.begun), **values, "owner": self._owner}
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


def _kept(row: Row[Any]) -> KeptCall:
    return KeptCall(
        row.call_sid,
        row.flow,
        row.from_number,
        row.to_number,
        row.direction,
        datetime.fromtimestamp(row.started_at / 1000, UTC),
        row.ended_at is not None,
        row.checkpoint,
        None if row.record is None else json.loads(row.record),
    )
