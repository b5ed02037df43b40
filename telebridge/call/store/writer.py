"""Writes calls to the database in the background: a call hands in a change and goes on.

Changes of all calls that gather meanwhile are written in one transaction. How far a prompt is heard is written more
rarely than where a call stands in its flow. While the database is unreachable calls go on, and their changes wait.

One rule: a change that cannot be written keeps no other change from being written.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection
from typing_extensions import override

from telebridge.call.record import CallRecord
from telebridge.call.session.checkpoint import Checkpoints
from telebridge.call.store.table import CALL, CallChange, row_of
from telebridge.database.database import Database
from telebridge.logs import logger

log = logger(__name__)

GATHERED_SECONDS = 0.25
"""How long changes gather; of two checkpoints of a call in that time the later is written. So much is lost with a
process that is killed: a call that is resumed asks what was answered again. What must not be done twice hastens it."""
PROGRESS_SECONDS = 1.0
"""How long until it is written that a caller has heard more; so much earlier a call that is resumed goes on."""
RETRY_SECONDS = 1.0
STOP_SECONDS = 5.0
FLUSH_SECONDS = 0.5
"""How long `flush` waits at the most; it is hardly ever more than one write."""
UNREACHABLE_STATES = ("08", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE for which the change is not to blame. Source: PostgreSQL, "PostgreSQL Error Codes"."""
MOST_WAITING = 20_000
"""How many changes may wait for an unreachable database; beyond it the oldest are dropped."""


class CallWriter(Checkpoints):
    """Writes the beginnings, checkpoints and ends of the calls of one process. Call `start` first and `stop` last.

    Attributes:
        owner: Names this process in the rows. Nothing is written of a call that another process has taken over.

    Args:
        database: Where the calls are.
    """

    def __init__(self, database: Database) -> None:
        self.owner = secrets.token_hex(8)
        self._database = database
        self._waiting: dict[str, CallChange] = {}
        self._writing: dict[str, CallChange] = {}
        self._later: dict[str, tuple[float, Callable[[], bytes]]] = {}  # what is to be saved, and when; in that order
        self._later_timer: asyncio.TimerHandle | None = None
        self._news = asyncio.Event()
        self._urgent = asyncio.Event()
        self._round: asyncio.Future[None] | None = None  # done when what waits is written, or cannot be
        self._written: asyncio.Future[None] | None = None  # the same of what is being written
        self._away = False
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def away(self) -> bool:
        """Whether the database took nothing at the last attempt; changes wait meanwhile."""
        return self._away

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._write_for_ever(), name="call store")

    async def stop(self) -> None:
        """End the background task; what still waits is left to `write`."""
        self._stopping = True
        self._save_due(float("inf"))
        if self._task is None:
            return
        self._news.set()
        self._urgent.set()
        _, busy = await asyncio.wait([self._task], timeout=STOP_SECONDS)  # not cut in the middle of a write
        for task in busy:
            task.cancel()
            await asyncio.wait([task])
        self._task = None

    def began(self, record: CallRecord, *, taking_over: bool = False) -> None:
        """A call began in this process.

        Args:
            record: The record of that call.
            taking_over: Whether its stream is here, so that this process owns it even if another one began it too.
        """
        change = self._change(record.call_sid)
        change.begun, change.taking_over = record, change.taking_over or taking_over

    @override
    def save(self, call_sid: str, checkpoint: bytes) -> None:
        self._later.pop(call_sid, None)
        self._change(call_sid).checkpoint = checkpoint

    @override
    def save_later(self, call_sid: str, checkpoint: Callable[[], bytes]) -> None:
        if call_sid not in self._later:
            self._later[call_sid] = asyncio.get_running_loop().time() + PROGRESS_SECONDS, checkpoint
            self._set_timer()

    @override
    def hasten(self) -> None:
        self._urgent.set()

    def ended(self, record: CallRecord, *, wallclock: datetime, apology: bool = False) -> None:
        """A call is over; with `apology` an error message for its caller is pending."""
        self._later.pop(record.call_sid, None)
        change = self._change(record.call_sid)
        change.ended, change.ended_at, change.apology = record, wallclock, apology

    def _change(self, call_sid: str) -> CallChange:
        """The change of a call that waits to be written, to be added to."""
        self._news.set()
        if call_sid not in self._waiting and len(self._waiting) >= MOST_WAITING:
            self._waiting.pop(next(iter(self._waiting)))
        return self._waiting.setdefault(call_sid, CallChange())

    def pending(self, call_sid: str) -> CallChange:
        """The changes of a call that are not known to be written."""
        pending = CallChange()
        for changes in (self._writing, self._waiting):
            if call_sid in changes:
                pending.add(changes[call_sid])
        return pending

    @override
    async def flush(self, call_sid: str) -> None:
        if self._away or self._task is None:
            return
        if call_sid in self._later:
            self.save(call_sid, self._later[call_sid][1]())
        if call_sid in self._waiting:
            self._round = self._round or asyncio.get_running_loop().create_future()
            self._urgent.set()
            await asyncio.wait([self._round], timeout=FLUSH_SECONDS)
        elif call_sid in self._writing and self._written is not None:
            await asyncio.wait([self._written], timeout=FLUSH_SECONDS)

    def _set_timer(self) -> None:
        """Look again when the first of what is to be saved later is due."""
        if self._later_timer is None and self._later and not self._stopping:
            due, _ = next(iter(self._later.values()))
            loop = asyncio.get_running_loop()
            self._later_timer = loop.call_at(due, lambda: self._timer_fired(loop.time() + GATHERED_SECONDS))

    def _timer_fired(self, until: float) -> None:
        self._later_timer = None
        try:
            self._save_due(until)
        finally:
            self._set_timer()

    def _save_due(self, until: float) -> None:
        """Save what is due by then, of all calls, so that it is written together."""
        while self._later:
            call_sid, (due, checkpoint) = next(iter(self._later.items()))
            if due > until:
                return
            del self._later[call_sid]
            self.save(call_sid, checkpoint())

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
        """Let changes gather, unless `flush` waits for one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GATHERED_SECONDS):
                await self._urgent.wait()

    async def write(self) -> None:
        """Write the changes that wait.

        Raises:
            SQLAlchemyError, OSError: The database is unreachable; the changes wait still.
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
            changes = self._writing
            await self._database.write(lambda connection: self._write_all(connection, changes))
        except Exception as error:
            if _is_unreachable(error):
                raise
            await self._write_singly()
        self._writing = {}

    async def _write_singly(self) -> None:
        for call_sid, change in list(self._writing.items()):
            try:
                await self._database.write(partial(self._write_all, changes={call_sid: change}))
            except Exception as error:
                if _is_unreachable(error):
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
                statement = self._database.insert(CALL).values(**rest)
                del rest["call_sid"]
                where = None if change.taking_over else ours
                connection.execute(
                    statement.on_conflict_do_update(index_elements=[CALL.c.call_sid], set_=rest, where=where)
                )
            elif values:
                connection.execute(CALL.update().where(CALL.c.call_sid == call_sid, ours).values(**values))
        if places:
            moved = CALL.update().where(CALL.c.call_sid == bindparam("sid"), ours)
            connection.execute(moved.values(checkpoint=bindparam("place")), places)


def _is_unreachable(error: Exception) -> bool:
    """Whether the database failed, and not the change that was to be written."""
    if isinstance(error, OSError | OperationalError | NoConnection):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or str(getattr(error.orig, "sqlstate", "")).startswith(UNREACHABLE_STATES)
