"""The table of calls: its columns, the changes that wait to be written, and rows read into values.

One rule: a row can be written whatever text a flow or a caller's telephone has put into it.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Row, Table, Text

from telebridge.call.record import CallRecord
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.database.schema import metadata
from telebridge.logs import logger
from telebridge.timing.epoch import epoch_ms, instant
from telebridge.unicode_text import repaired, repaired_values

log = logger(__name__)

REPLACED = "\N{REPLACEMENT CHARACTER}"
OF_COLUMNS = ("call_sid", "from", "to", "direction", "started_at")
"""What a record holds that its row has columns for, which are certain."""


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
class StoredCall:
    """A row of the table.

    Args:
        begun: The record of which only the beginning is known; whoever resumes the call goes on with it.
        ended: Whether the call is over.
        checkpoint: Where the flow stood, as `Checkpoint.encode` wrote it; None before the first checkpoint.
        record: The record, as `CallRecord.as_json` made it; None while the call is live.
    """

    begun: CallRecord
    ended: bool
    checkpoint: str | None
    record: dict[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """The record as plain values; of a call that is live in another process, what is known of it."""
        known = self.begun.as_json()
        return {**known, **(self.record or {}), **{name: known[name] for name in OF_COLUMNS}}

    def resume_point(self) -> Checkpoint:
        """The checkpoint, decoded; the beginning of the call when it cannot be read."""
        try:
            return Checkpoint() if self.checkpoint is None else Checkpoint.decode(self.checkpoint)
        except ValueError as error:
            call_sid = self.begun.call_sid
            log.error("a checkpoint cannot be read: the call begins anew", call_sid=call_sid, error=str(error))
            return Checkpoint()


@dataclass(slots=True)
class CallChange:
    """What is still to be written of one call; None and False for what does not change.

    Args:
        begun: The record of a call that began in this process.
        taking_over: Whether this process becomes the owner even if another one wrote the row: the stream is here.
        checkpoint: The latest checkpoint, encoded.
        ended: The record of a call that is over.
        ended_at: When it ended, an aware instant.
        apology: Whether an error message is pending: the caller must still hear that something went wrong.
    """

    begun: CallRecord | None = None
    taking_over: bool = False
    checkpoint: bytes | None = None
    ended: CallRecord | None = None
    ended_at: datetime | None = None
    apology: bool = False

    def add(self, later: "CallChange") -> None:
        """Merge a later change into this one."""
        self.begun = later.begun or self.begun
        self.taking_over = later.taking_over or self.taking_over
        self.checkpoint = later.checkpoint or self.checkpoint
        self.ended, self.ended_at = later.ended or self.ended, later.ended_at or self.ended_at
        self.apology = later.apology or self.apology

    def values(self) -> dict[str, Any]:
        """The columns of an existing row that change."""
        values: dict[str, Any] = {}
        if self.checkpoint is not None:
            # What was decoded has no half characters; `clean` would copy a megabyte twice, on the event loop.
            values["checkpoint"] = self.checkpoint.decode(errors="replace").replace("\0", REPLACED)
        if self.ended is not None and self.ended_at is not None:
            values |= end_values(self.ended, self.ended_at, apology=self.apology)
        return values


def stored_call(row: Row[Any]) -> StoredCall:
    """Read a row."""
    started_at = instant(row.started_at)
    return StoredCall(
        CallRecord(row.call_sid, row.flow, row.from_number, row.to_number, row.direction, started_at),
        row.ended_at is not None,
        row.checkpoint,
        None if row.record is None else _read_record(row.call_sid, row.record),
    )


def _read_record(call_sid: str, text: str) -> dict[str, Any]:
    """The record that a row holds, repaired; empty when it cannot be read, so that one row breaks no list."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        log.error("a call's record cannot be read", call_sid=call_sid, error=str(error))
        return {}
    return repaired_values(record) if isinstance(record, dict) else {}


def row_of(record: CallRecord) -> dict[str, Any]:
    """The row of a call that begins, without its owner."""
    return {
        "call_sid": record.call_sid,
        "flow": clean(record.flow),
        "from_number": clean(record.from_number),
        "to_number": clean(record.to_number),
        "direction": clean(record.direction),
        "started_at": epoch_ms(record.started_at),
    }


def end_values(record: CallRecord, ended_at: datetime, *, apology: bool = False) -> dict[str, Any]:
    """The columns that change when a call ends. The checkpoint, which holds the flow's variables, is removed."""
    return {
        "ended_at": epoch_ms(ended_at),
        "end_reason": None if record.end_reason is None else clean(record.end_reason),
        "record": _record_text(record),
        "checkpoint": Checkpoint(over=True, apology=True).encode().decode() if apology else None,
    }


def clean(text: str) -> str:
    """Replace lone surrogates and U+0000, which not every database stores."""
    return repaired(text).replace("\0", REPLACED)


def _record_text(record: CallRecord) -> str:
    """The record as JSON. A result of a Python flow that is no JSON is left out, so that other calls are written."""
    values = record.as_json()
    try:
        return json.dumps(values, default=str, skipkeys=True)
    except (ValueError, RecursionError):
        return json.dumps({**values, "result": {}}, default=str)
