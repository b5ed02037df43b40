"""Hours that were set open or closed by hand: in the database, and in the memory of each process.

One rule: a call asks the memory alone. Each process reads the table every `POLL_SECONDS`, so that all of them know a
change by then; the database being away changes nothing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, Table, Text, select
from sqlalchemy.exc import SQLAlchemyError

from telebridge.database.database import Database
from telebridge.database.schema import metadata
from telebridge.flows.nodes.opening_hours import OpeningState
from telebridge.logs import logger
from telebridge.timing.epoch import epoch_ms, instant

log = logger(__name__)

POLL_SECONDS = 2.0
FIRST_READ_SECONDS = 1.0
"""How long the start of a process waits for the table."""

OPENING = Table(
    "opening",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("until_at", BigInteger),
    Column("set_at", BigInteger, nullable=False),
)
"""`state` is a value of `OpeningState`; instants are epoch milliseconds."""


@dataclass(frozen=True, slots=True)
class SetByHand:
    """What was set by hand.

    Args:
        state: Open, closed or holiday.
        until: An aware instant at which the hours count again; None for until somebody changes it.
        since: When it was set.
    """

    state: OpeningState
    until: datetime | None
    since: datetime


class OpeningByHand:
    """The hours that were set by hand, by their names.

    Args:
        database: Where they are kept.
        wallclock: Returns the aware instant of now.
        wanted: Whether any flow in service has hours; otherwise the table is not read.
    """

    def __init__(self, database: Database, wallclock: Callable[[], datetime], wanted: Callable[[], bool]) -> None:
        self._database = database
        self._wallclock = wallclock
        self._wanted = wanted
        self._known: dict[str, SetByHand] = {}

    def state(self, name: str) -> OpeningState | None:
        """What hours of that name are set to now, without a look at the database; None when they are not."""
        found = self.find(name)
        return None if found is None else found.state

    def find(self, name: str) -> SetByHand | None:
        """The same, with when it was set and until when."""
        found = self._known.get(name)
        return None if found is None or not self._holds(found) else found

    async def set(self, name: str, state: OpeningState, until: datetime | None) -> None:
        """Set hours by hand, in place of what they were set to before. This process knows it at once.

        Raises:
            SQLAlchemyError, OSError: The database is away, and nothing has changed.
        """
        by_hand = SetByHand(state, until, self._wallclock())
        values = {
            "state": state.value,
            "until_at": None if until is None else epoch_ms(until),
            "set_at": epoch_ms(by_hand.since),
        }
        statement = self._database.insert(OPENING).values(name=name, **values)
        statement = statement.on_conflict_do_update(index_elements=[OPENING.c.name], set_=values)
        await self._database.write(lambda connection: connection.execute(statement))
        self._known[name] = by_hand

    async def clear(self, name: str) -> bool:
        """Let the hours count again; returns whether they were set by hand.

        Raises:
            SQLAlchemyError, OSError: The database is away, and nothing has changed.
        """
        statement = OPENING.delete().where(OPENING.c.name == name)
        cleared = await self._database.write(lambda connection: connection.execute(statement).rowcount)
        self._known.pop(name, None)
        return cleared > 0

    async def read(self) -> dict[str, SetByHand]:
        """Read the table; what it says counts in this process from now on.

        Raises:
            SQLAlchemyError, OSError: The database is away.
        """
        self._known = {
            row.name: SetByHand(
                OpeningState(row.state), None if row.until_at is None else instant(row.until_at), instant(row.set_at)
            )
            for row in await self._database.rows(select(OPENING))
        }
        return {name: found for name, found in self._known.items() if self._holds(found)}

    async def run(self) -> None:
        """Read the table every `POLL_SECONDS`, until cancelled; what is known stays when the database is away."""
        while True:
            if self._wanted():
                try:
                    await self.read()
                except (SQLAlchemyError, OSError, ValueError) as error:
                    log.debug("hours set by hand cannot be read", error=str(error))
            await asyncio.sleep(POLL_SECONDS)

    def _holds(self, found: SetByHand) -> bool:
        return found.until is None or self._wallclock() < found.until
