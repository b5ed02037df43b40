"""What becomes known of a recognizer that did not answer.

One rule: one line in the log for each time that it was asked in vain.
"""

import asyncio

from telebridge.logs import logger
from telebridge.recognition.health import REFUSALS, RecognizerHealth

log = logger(__name__)


def note_failure(health: RecognizerHealth, problem: str, *, status: int | None = None) -> None:
    """Note that a recognizer did not answer, or refused us with an HTTP status; for a while it is not asked."""
    seconds = health.failed(now=asyncio.get_running_loop().time(), status=status)
    hint = "check recognition.api_key" if status in REFUSALS else ""
    log.warning("recognizer failed", error=problem, hint=hint, keys_only_seconds=round(seconds, 1))
