"""The log of refused requests: what strangers send may neither fill the log, nor write into it what must not be there.

One rule: a line has a bounded length, there are so many in a minute and no more, and what is left out is counted.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.log import server_logger
from typing_extensions import override

from telebridge import metrics
from telebridge.logs import logger

log = logger(__name__)

MOST_LINES = 20
SECONDS = 60.0
"""Within so many seconds there are at most so many lines of one log of refusals."""
MOST_CHARACTERS = 120
"""The most characters of one value in a line."""
MALFORMED = (HttpProcessingError, web.RequestPayloadError, web.PayloadAccessError)
DIGITS = re.compile(r"\+?\d{5,}(?=\d{2})")
"""What is masked of a telephone number, or of any other long number: all but its last two digits."""


class RefusalLog:
    """Writes lines about requests that are refused. Used on the event loop."""

    def __init__(self) -> None:
        self._written_at: deque[float] = deque(maxlen=MOST_LINES)
        self._left_out = 0

    def write(self, event: str, **values: str | bool) -> None:
        """Write a line, unless there were too many in the last minute; then count it for the next one.

        Args:
            event: What was refused, in the same words each time.
            values: What is known of it; texts are shortened, and numbers in them masked.
        """
        now = asyncio.get_running_loop().time()
        if len(self._written_at) == MOST_LINES and now - self._written_at[0] < SECONDS:
            self._left_out += 1
            return
        self._written_at.append(now)
        shown = {name: masked(value) if isinstance(value, str) else value for name, value in values.items()}
        more = {"more_before": self._left_out} if self._left_out else {}
        self._left_out = 0
        log.warning(event, **shown, **more)


class MalformedRequests(logging.Filter):
    """Replaces the tracebacks that aiohttp logs for requests that cannot be read by one line each, in bounds."""

    def __init__(self) -> None:
        super().__init__()
        self._log = RefusalLog()

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, MALFORMED):
            return True
        metrics.REFUSED.labels("http", "malformed").inc()
        self._log.write("request refused: it is malformed", error=type(error).__name__)
        return False


async def malformed_requests(_: web.Application) -> AsyncIterator[None]:
    """Log malformed requests in one line for as long as the application runs; for `cleanup_ctx`."""
    only = MalformedRequests()
    server_logger.addFilter(only)
    yield
    server_logger.removeFilter(only)


def masked(text: str) -> str:
    """Text from outside as it may stand in a log: one short line, with the numbers in it masked."""
    short = text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
    plain = "".join(character if character.isprintable() else "?" for character in short)
    return DIGITS.sub("•••", plain)
