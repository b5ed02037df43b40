"""When a person is called again who said so in a call.

One rule: a time without a zone is one on the clock of the person, and none is so near that it rings while they hang up.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from telebridge.campaigns.engine.contact import Lane
from telebridge.flows.steps import CallBack

SOONEST = timedelta(minutes=1)


def call_back_at(wanted: CallBack, lane: Lane, *, asked_at: datetime) -> datetime:
    """The instant from which the person may be called again; the calling hours hold besides.

    Args:
        wanted: What they said.
        lane: Where they may be; the first of its zones is taken for their own.
        asked_at: The aware instant at which they said it.
    """
    at = asked_at + timedelta(seconds=wanted.in_seconds or 0.0) if wanted.at is None else wanted.at
    return max(at if at.tzinfo else at.replace(tzinfo=ZoneInfo(lane.zones[0])), asked_at + SOONEST)
