"""The table of calls: its rows, what waits to be written of one, and what one says.

One rule: whatever a flow or a caller's telephone put into a text, the row can be written.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Row, Table, Text

from telebridge.call.record import CallRecord
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.database.schema import metadata
from telebridge.logs import logger

log = logger(__name__)

REPLACED = "\N{REPLACEMENT CHARACTER}"


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


@dataclass(slots=True)
class CallChange:
    """What is still to be written of one call.

    Args:
        begun: It began here.
        seized: Whether it is led here whatever another process says: its stream has come.
        checkpoint: Where it stands.
        ended: What came of it.
        ended_at: When.
        apology: Whether its caller must still be told that something went wrong.
    """

    begun: CallRecord | None = None
    seized: bool = False
    checkpoint: bytes | None = None
    ended: CallRecord | None = None
    ended_at: datetime | None = None
    apology: bool = False

    def add(self, later: "CallChange") -> None:
        """Take what was said later."""
        self.begun = later.begun or self.begun
        self.seized = later.seized or self.seized
        self.checkpoint = later.checkpoint or self.checkpoint
        self.ended, self.ended_at = later.ended or self.ended, later.ended_at or self.ended_at
        self.apology = later.apology or self.apology

    def values(self) -> dict[str, Any]:
        """What changes of a row that is there."""
        values: dict[str, Any] = {}
        if self.checkpoint is not None:
            # What was decoded has no half characters; `clean` would copy a megabyte twice, on the event loop.
            values["checkpoint"] = self.checkpoint.decode(errors="replace").replace("\0", REPLACED)
        if self.ended is not None and self.ended_at is not None:
            values |= end_values(self.ended, self.ended_at, apology=self.apology)
        return values


def kept_call(row: Row[Any]) -> KeptCall:
    """The call of a row."""
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


def row_of(record: CallRecord) -> dict[str, Any]:
    """The row of a call that begins."""
    return {
        "call_sid": record.call_sid,
        "flow": clean(record.flow),
        "from_number": clean(record.from_number),
        "to_number": clean(record.to_number),
        "direction": clean(record.direction),
        "started_at": ms(record.started_at),
    }


def end_values(record: CallRecord, ended_at: datetime, *, apology: bool = False) -> dict[str, Any]:
    """What changes when a call ends: where it stood, with all that its flow knew, is kept no longer."""
    return {
        "ended_at": ms(ended_at),
        "end_reason": None if record.end_reason is None else clean(record.end_reason),
        "record": _record_text(record),
        "checkpoint": Checkpoint(over=True, apology=True).encode().decode() if apology else None,
    }


def clean(text: str) -> str:
    """A text that every database takes: half a character and the zero character are in no encoding of all of them."""
    return text.encode(errors="replace").decode().replace("\0", REPLACED)


def ms(instant: datetime) -> int:
    """Milliseconds since 1970."""
    return round(instant.timestamp() * 1000)


def _record_text(record: CallRecord) -> str:
    """The record as JSON. What a Python flow put into its result must not keep other calls from being written."""
    told = record.as_json()
    try:
        return json.dumps(told, default=str, skipkeys=True)
    except (ValueError, RecursionError):
        return json.dumps({**told, "result": {}}, default=str)
