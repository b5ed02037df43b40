"""Calls in the database: where the live ones stand, and what came of those that are over.

Writes go behind: a call says what is to be kept and goes on; what gathered meanwhile is written in one transaction.
Nothing of it is in the way of audio, and a database that is away costs no call, only what it would have kept.

One rule: a live call has one owner. A process that lost a call to another writes nothing of it any more.
"""

import asyncio
import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Row, Table, Text, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from telebridge.call.outside import Checkpoints
from telebridge.call.record import CallRecord
from telebridge.database.engine import READING
from telebridge.database.schema import metadata
from telebridge.logs import logger

log = logger(__name__)

GATHERED_SECONDS = 0.05
"""So long changes gather; what a call says twice in that time is written once."""
RETRY_SECONDS = 1.0
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
        if self.record is not None:
            return self.record
        return CallRecord(
            self.call_sid, self.flow, self.from_number, self.to_number, self.direction, self.started_at
        ).as_json()


@dataclass(slots=True)
class _Change:
    """What is to be written of a call."""

    begun: CallRecord | None = None
    checkpoint: bytes | None = None
    ended: CallRecord | None = None
    ended_at: datetime | None = None


class CallStore(Checkpoints):
    """Keeps calls; to be started and closed."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._owner = secrets.token_hex(8)
        self._waiting: dict[str, _Change] = {}
        self._news = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def start(self) -> None:
        """Begin to write."""
        self._writer = asyncio.create_task(self._write_for_ever(), name="call store")

    async def aclose(self) -> None:
        """Write what waits, and stop."""
        if self._writer is not None:
            self._writer.cancel()
            with suppress(asyncio.CancelledError):
                await self._writer
        with suppress(SQLAlchemyError, OSError):
            await self._write()

    # What calls say. Nothing is waited for.

    def begun(self, record: CallRecord) -> None:
        """A call began, or goes on, in this process."""
        self._change(record.call_sid).begun = record

    @override
    def keep(self, call_sid: str, checkpoint: bytes) -> None:
        self._change(call_sid).checkpoint = checkpoint

    def ended(self, record: CallRecord, *, wallclock: datetime) -> None:
        """A call is over."""
        change = self._change(record.call_sid)
        change.ended, change.ended_at = record, wallclock

    # What is asked.

    async def take(self, call_sid: str) -> KeptCall | None:
        """Take a live call over from the process that had it; None when there is no such call, or it is over."""
        async with self._engine.begin() as connection:
            row = (
                await connection.execute(
                    CALL.update()
                    .where(CALL.c.call_sid == call_sid, CALL.c.ended_at.is_(None))
                    .values(owner=self._owner)
                    .returning(*CALL.c)
                )
            ).one_or_none()
        return None if row is None else _kept(row)

    async def find(self, call_sid: str) -> KeptCall | None:
        """A call, live or over."""
        found = await self._select(select(CALL).where(CALL.c.call_sid == call_sid))
        return found[0] if found else None

    async def recent(self, limit: int, *, before: tuple[datetime, str] | None = None) -> list[KeptCall]:
        """Calls that are over, the latest first; with `before` those that stand behind that instant and CallSid."""
        query = select(CALL).where(CALL.c.record.is_not(None)).limit(limit)
        query = query.order_by(CALL.c.started_at.desc(), CALL.c.call_sid.desc())
        if before is not None:
            query = query.where(tuple_(CALL.c.started_at, CALL.c.call_sid) < (_ms(before[0]), before[1]))
        return await self._select(query)

    async def _select(self, query: Any) -> list[KeptCall]:
        async with self._engine.connect() as connection:
            reading = await connection.execution_options(**READING)
            return [_kept(row) for row in (await reading.execute(query)).all()]

    # Writing.

    def _change(self, call_sid: str) -> _Change:
        self._news.set()
        if call_sid not in self._waiting and len(self._waiting) >= MOST_WAITING:
            self._waiting.pop(next(iter(self._waiting)))
        return self._waiting.setdefault(call_sid, _Change())

    async def _write_for_ever(self) -> None:
        away = False
        while True:
            await self._news.wait()
            await asyncio.sleep(GATHERED_SECONDS)
            try:
                await self._write()
            except (SQLAlchemyError, OSError) as error:
                if not away:
                    log.error("the database is away: calls go on, and are kept once it is back", error=str(error))
                away = True
                await asyncio.sleep(RETRY_SECONDS)
            else:
                if away:
                    log.info("the database is back")
                away = False

    async def _write(self) -> None:
        if not self._waiting:
            return
        changes, self._waiting = self._waiting, {}
        self._news.clear()
        try:
            async with self._engine.begin() as connection:
                await connection.run_sync(self._write_all, changes)
        except BaseException:
            for call_sid, change in self._waiting.items():
                _merge(changes.setdefault(call_sid, _Change()), change)
            self._waiting = changes
            self._news.set()
            raise

    def _write_all(self, connection: Connection, changes: dict[str, _Change]) -> None:
        for call_sid, change in changes.items():
            values = _values(change)
            if change.begun is not None:
                values |= _row_of(change.begun) | {"owner": self._owner}
                rest = {name: value for name, value in values.items() if name != "call_sid"}
                statement = self._insert(CALL).values(**values)
                connection.execute(statement.on_conflict_do_update(index_elements=[CALL.c.call_sid], set_=rest))
            elif values:
                ours = (CALL.c.call_sid == call_sid, CALL.c.owner == self._owner)
                connection.execute(CALL.update().where(*ours).values(**values))


def _merge(into: _Change, later: _Change) -> None:
    into.begun = later.begun or into.begun
    into.checkpoint = later.checkpoint or into.checkpoint
    into.ended, into.ended_at = later.ended or into.ended, later.ended_at or into.ended_at


def _values(change: _Change) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if change.checkpoint is not None:
        values["checkpoint"] = change.checkpoint.decode()
    if change.ended is not None and change.ended_at is not None:
        values["ended_at"] = _ms(change.ended_at)
        values["end_reason"] = change.ended.end_reason
        values["record"] = _record_text(change.ended)
    return values


def _record_text(record: CallRecord) -> str:
    """The record as JSON. What a Python flow put into its result must not keep other calls from being written."""
    told = record.as_json()
    try:
        return json.dumps(told, default=str, skipkeys=True)
    except (ValueError, RecursionError):
        return json.dumps({**told, "result": {}}, default=str)


def _row_of(record: CallRecord) -> dict[str, Any]:
    return {
        "call_sid": record.call_sid,
        "flow": record.flow,
        "from_number": record.from_number,
        "to_number": record.to_number,
        "direction": record.direction,
        "started_at": _ms(record.started_at),
    }


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


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)
