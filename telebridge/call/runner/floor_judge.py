"""A judge of one's own: a function of the application that says what words over a prompt mean.

One rule: a judge that is late, hangs or raises costs nothing; the sound then decides.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from inspect import iscoroutinefunction

from telebridge.call.session.effects import AskJudge
from telebridge.call.session.events import EventSink, JudgeAnswered
from telebridge.logs import logger
from telebridge.tasks import in_daemon_thread
from telebridge.turns.interjection import Interjection

log = logger(__name__)

MOST_THREADS = 8
"""So many plain functions run at the same time; while that many hang, none is asked."""

JudgeFunction = Callable[[Interjection], Awaitable[bool | None] | bool | None]
"""Returns whether the words take the floor, or None where it does not know. A plain function runs in a thread."""


class FloorJudge:
    """The judge of all calls.

    Args:
        function: Judges.
        seconds: How long it may take.
    """

    def __init__(self, function: JudgeFunction, seconds: float) -> None:
        self._function = function
        self._seconds = seconds
        self._threads = threading.Semaphore(MOST_THREADS)

    async def ask(self, question: AskJudge, deliver: EventSink) -> None:
        """Ask, and deliver the answer; that it has none after its time."""
        answer: object = None
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._answer(question.interjection)
        except TimeoutError:
            log.warning("barge_in.judge took too long", seconds=self._seconds)
        except Exception:  # of a user's code: the sound decides
            log.exception("barge_in.judge failed")
        deliver(JudgeAnswered(question.number, answer if isinstance(answer, bool) else None))

    async def _answer(self, interjection: Interjection) -> object:
        if iscoroutinefunction(self._function):
            return await self._function(interjection)
        if not self._threads.acquire(blocking=False):
            return None
        answer = await in_daemon_thread("barge-in judge", partial(self._judge, interjection))
        return await answer if isinstance(answer, Awaitable) else answer

    def _judge(self, interjection: Interjection) -> object:
        """Call a plain function, in a thread."""
        try:
            return self._function(interjection)
        finally:
            self._threads.release()
