"""The messages of all processes in the database.

One rule: an e-mail is due at an instant. Whoever sends it moves that instant on first, by `LEASE_MS`, and only from
where it has read it; so one process sends it, and another one does when that has died.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, Row, Select, Table, Text, select, tuple_

from telebridge.call.messages.message import CallerMessage, MessageNote
from telebridge.call.store.table import clean
from telebridge.database.database import Database
from telebridge.database.schema import metadata

LEASE_MS = 120_000
MOST_DUE = 20

CALLER_MESSAGE = Table(
    "caller_message",
    metadata,
    Column("id", Text, primary_key=True),
    Column("call_sid", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("from_number", Text, nullable=False),
    Column("to_number", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("length_ms", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False, index=True),
    Column("heard_at", BigInteger),
    Column("mail_to", Text, nullable=False),
    Column("mail_due_at", BigInteger, index=True),
    Column("mail_failures", Integer, nullable=False),
    Column("mailed_at", BigInteger),
    Column("mail_error", Text),
)
"""Instants are epoch milliseconds; `mail_due_at` is null when no e-mail is to be sent, or no more."""

Due = tuple[CallerMessage, int]
"""A message, and the instant at which its e-mail is due."""


class CallerMessages:
    """Keeps, finds and deletes messages.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, note: MessageNote, file: Path, *, mail_to: str, due_at: int | None) -> bool:
        """Add a message, unless it is there already; returns whether it was new."""
        row = {
            "id": note.id,
            "call_sid": note.call_sid,
            "flow": clean(note.flow),
            "from_number": clean(note.from_number),
            "to_number": clean(note.to_number),
            "file": str(file),
            "length_ms": note.length_ms,
            "recorded_at": note.recorded_at,
            "heard_at": None,
            "mail_to": mail_to,
            "mail_due_at": due_at,
            "mail_failures": 0,
            "mailed_at": None,
            "mail_error": None,
        }
        return await self._database.write(
            lambda connection: self._database.insert_new(connection, CALLER_MESSAGE, [row]) > 0
        )

    async def find(self, message_id: str) -> CallerMessage | None:
        """The message of that name; None when there is none."""
        rows = await self._database.rows(select(CALLER_MESSAGE).where(CALLER_MESSAGE.c.id == message_id))
        return _message(rows[0]) if rows else None

    async def page(self, *, heard: bool | None, limit: int, before: tuple[int, str] | None) -> Sequence[CallerMessage]:
        """A page of messages, newest first.

        Args:
            heard: Only those that were heard, or only the others; None for all.
            limit: How many at the most.
            before: When the last message of the page before was recorded, and its name; None for the first page.
        """
        table = CALLER_MESSAGE.c
        wanted: Select[Any] = select(CALLER_MESSAGE).order_by(table.recorded_at.desc(), table.id.desc()).limit(limit)
        if heard is not None:
            wanted = wanted.where(table.heard_at.is_not(None) if heard else table.heard_at.is_(None))
        if before is not None:
            wanted = wanted.where(tuple_(table.recorded_at, table.id) < before)
        return await self._database.rows_as(_message, wanted)

    async def mark(self, message_id: str, heard_at: int | None) -> bool:
        """Mark a message as heard at an instant, or as not heard; returns whether there is one."""
        return await self._update(message_id, {"heard_at": heard_at})

    async def delete(self, message_id: str) -> bool:
        """Delete a message, but not its file; returns whether there was one."""
        statement = CALLER_MESSAGE.delete().where(CALLER_MESSAGE.c.id == message_id)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount > 0)

    # E-mails.

    async def due(self, now: int) -> list[Due]:
        """The messages whose e-mails are due, the oldest first."""
        table = CALLER_MESSAGE.c
        wanted = select(CALLER_MESSAGE).where(table.mail_due_at <= now).order_by(table.mail_due_at).limit(MOST_DUE)
        return [(_message(row), row.mail_due_at) for row in await self._database.rows(wanted)]

    async def claim(self, message_id: str, due_at: int, now: int) -> bool:
        """Take the e-mail of a message that is due, for `LEASE_MS`; returns whether nobody else has taken it."""
        table = CALLER_MESSAGE.c
        statement = CALLER_MESSAGE.update().where(table.id == message_id, table.mail_due_at == due_at)
        taken = statement.values(mail_due_at=now + LEASE_MS)
        return await self._database.write(lambda connection: connection.execute(taken).rowcount > 0)

    async def sent(self, message_id: str, now: int) -> None:
        """The e-mail was sent."""
        await self._update(message_id, {"mail_due_at": None, "mailed_at": now, "mail_error": None, "mail_failures": 0})

    async def failed(self, message_id: str, error: str, *, failures: int, due_at: int | None) -> None:
        """The e-mail was not sent; it is due again at an instant, or no more."""
        await self._update(message_id, {"mail_due_at": due_at, "mail_error": clean(error), "mail_failures": failures})

    async def _update(self, message_id: str, values: Mapping[str, Any]) -> bool:
        statement = CALLER_MESSAGE.update().where(CALLER_MESSAGE.c.id == message_id).values(**values)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount > 0)


def _message(row: Row[Any]) -> CallerMessage:
    note = MessageNote(
        row.id, row.call_sid, row.flow, row.from_number, row.to_number, row.length_ms, row.recorded_at, row.mail_to
    )
    return CallerMessage(
        note, Path(row.file), row.heard_at, row.mail_to, row.mail_failures, row.mailed_at, row.mail_error
    )
