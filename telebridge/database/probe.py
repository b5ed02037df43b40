"""Asks a database whether it answers, for those who watch the process.

One rule: however often it is asked, one question is under way, and its answer holds for a second.
"""

import asyncio

from sqlalchemy import text

from telebridge.database.database import Database

ANSWER_SECONDS = 0.8
"""How long the database may take; whoever watches a process waits for a second, as a rule."""
HOLDS_SECONDS = 1.0


class DatabaseProbe:
    """Asks a database that was migrated.

    Args:
        database: Which.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._question: asyncio.Task[bool] | None = None
        self._answer = False
        self._asked_at: float | None = None

    async def answers(self) -> bool:
        """Whether the database answers in time."""
        loop = asyncio.get_running_loop()
        if self._asked_at is not None and loop.time() - self._asked_at < HOLDS_SECONDS and self._question is None:
            return self._answer
        if self._question is None:
            self._asked_at = loop.time()
            self._question = loop.create_task(self._ask(), name="is the database there?")
            self._question.add_done_callback(self._answered)
        done, _ = await asyncio.wait([self._question], timeout=ANSWER_SECONDS)
        return bool(done) and self._answer

    async def _ask(self) -> bool:
        try:
            await self._database.read(lambda connection: connection.execute(_QUESTION).all())
        except Exception:  # noqa: BLE001 - drivers have errors of their own; whatever it is, there is no answer
            return False
        return True

    def _answered(self, question: "asyncio.Task[bool]") -> None:
        self._question = None
        self._answer = not question.cancelled() and question.result()


_QUESTION = text("SELECT version_num FROM alembic_version")
