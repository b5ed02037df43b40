"""Instants as a store keeps them: whole milliseconds since 1970, UTC."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], int]
"""Answers the epoch milliseconds of now."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def system_clock() -> int:
    """This machine's wall clock."""
    return epoch_ms(datetime.now(UTC))


def epoch_ms(instant: datetime) -> int:
    """An aware instant, rounded down."""
    return (instant - EPOCH) // timedelta(milliseconds=1)


def instant(at_ms: int) -> datetime:
    """The aware UTC instant."""
    return EPOCH + timedelta(milliseconds=at_ms)
