"""Instants as a store keeps them: whole milliseconds since 1970, UTC."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], int]
"""Answers the epoch milliseconds of now."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def wallclock_now() -> datetime:
    """The aware UTC instant of this machine's clock."""
    return datetime.now(UTC)


def system_clock() -> int:
    """The epoch milliseconds of now by this machine's clock."""
    return epoch_ms(wallclock_now())


def epoch_ms(instant: datetime) -> int:
    """An aware instant, rounded down."""
    return (instant - EPOCH) // timedelta(milliseconds=1)


def instant(at_ms: int) -> datetime:
    """The aware UTC instant."""
    return EPOCH + timedelta(milliseconds=at_ms)


def iso_instant(at: datetime) -> str:
    """Format an instant as ISO 8601, to the second, with `Z` for UTC."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def iso_time(at_ms: int) -> str:
    """Format epoch milliseconds as ISO 8601, to the second, with `Z` for UTC."""
    return iso_instant(instant(at_ms))
