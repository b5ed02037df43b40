"""Whether a recognizer is worth asking: for a while after a failure it is not, longer each time.

One rule: it is asked again by itself, so a recognizer that is back is used again without anybody's help.
"""

from telebridge.timing.backoff import backoff_seconds

FIRST_SECONDS = 2.0
LONGEST_SECONDS = 60.0
REFUSALS = frozenset({401, 402, 403})
"""Statuses with which a key is refused."""
REFUSED_SECONDS = 60.0
"""After a refusal of the key nothing will be better soon."""


class RecognizerHealth:
    """The failures of one recognizer in a row."""

    def __init__(self) -> None:
        self._failures = 0
        self._away_until = 0.0

    def available(self, *, now: float) -> bool:
        """Whether it is worth asking, at `now` in monotonic seconds."""
        return now >= self._away_until

    def succeeded(self) -> None:
        """It has answered."""
        self._failures, self._away_until = 0, 0.0

    def failed(self, *, now: float, status: int | None = None) -> float:
        """It did not answer, or refused us with an HTTP status. Returns how many seconds it will not be asked."""
        self._failures += 1
        seconds = backoff_seconds(self._failures, first=FIRST_SECONDS, longest=LONGEST_SECONDS)
        seconds = REFUSED_SECONDS if status in REFUSALS else seconds
        self._away_until = max(self._away_until, now + seconds)
        return seconds
