"""How long the first call to everybody takes: in the hours of each lane, between a campaign's start and its end.

It goes from one opening or closing of a lane to the next, and in between everything stays as it is.

One rule: of the lanes that are open, the one that closes first goes first, as it does when they are dialled.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from telebridge.campaigns.claiming import CampaignLane
from telebridge.campaigns.epoch import instant
from telebridge.campaigns.law import CallingLaw

DAY = timedelta(days=1)
FARTHEST = timedelta(days=60)
FOREVER = datetime.max.replace(tzinfo=UTC)
STEP = timedelta(minutes=15)
"""How exactly the calls of the last day are remembered where numbers have made theirs at some time."""


class LaneTimes:
    """When a lane may be called: within the law's hours and the campaign's start and end.

    Args:
        lane: Which.
        law: The hours.
        begun: From when on anybody asks.
    """

    def __init__(self, lane: CampaignLane, law: CallingLaw, begun: datetime) -> None:
        plan = lane.campaign.plan
        self._lane, self._law = lane, law
        self._start = begun if plan.start_at is None else instant(plan.start_at)
        self._end = begun + 2 * FARTHEST if plan.end_at is None else instant(plan.end_at)

    def open_until(self, at: datetime) -> datetime | None:
        """Until when it may be called; None while it may not."""
        until = self._law.open_until(self._lane, at) if self._start <= at < self._end else None
        return None if until is None else min(until, self._end)

    def opens_at(self, at: datetime) -> datetime | None:
        """When it may be called next; None for never."""
        opens = self._law.opens_at(self._lane, max(at, self._start))
        return opens if opens is not None and opens < self._end else None


@dataclass(frozen=True, slots=True)
class FirstRound:
    """When everybody was called once, and how many are not until the end, or in 60 days."""

    over: datetime
    left: int


def first_round(
    lanes: Sequence[tuple[LaneTimes, int]], begun: datetime, *, per_second: float, per_day: int | None
) -> FirstRound:
    """Call everybody in these lanes once.

    Args:
        lanes: With how many wait in each.
        begun: When dialling begins.
        per_second: Calls begun in a second.
        per_day: Calls that the numbers make in 24 hours; None for any number of them.
    """
    all_ = [_Waiting(times, float(count), begun) for times, count in lanes]
    waiting, daily, at, over = all_, _Daily(per_day), begun, begun
    while waiting and at < begun + FARTHEST:
        for lane in waiting:
            lane.look(at)
        changes = [lane.until for lane in waiting if lane.until is not None]
        until = min(changes, default=begun + FARTHEST)
        if per_day is not None and any(lane.is_open for lane in waiting):
            until = min(until, at + STEP)
        calls = _call(waiting, min(per_second * (until - at).total_seconds(), daily.room(at)))
        if calls:
            daily.make(at, calls)
            over = at + timedelta(seconds=calls / per_second)
        waiting = [lane for lane in waiting if lane.left > 0 and lane.until is not None]
        at = until
    return FirstRound(over, round(sum(lane.left for lane in all_)))


@dataclass(slots=True)
class _Waiting:
    """A lane, who is left in it, and until when it stays as it is; None for ever."""

    times: LaneTimes
    left: float
    until: datetime | None
    is_open: bool = False

    def look(self, at: datetime) -> None:
        """Keep what holds from an instant on."""
        if self.until is not None and self.until <= at:
            closes = self.times.open_until(at)
            self.is_open, self.until = closes is not None, closes or self.times.opens_at(at)


class _Daily:
    """What the numbers of a campaign may still make, by the calls of the last 24 hours."""

    def __init__(self, at_most: int | None) -> None:
        self._room = float("inf") if at_most is None else float(at_most)
        self._made: deque[tuple[datetime, float]] = deque()

    def room(self, at: datetime) -> float:
        """How many calls may be made at an instant."""
        while self._made and self._made[0][0] + DAY <= at:
            self._room += self._made.popleft()[1]
        return self._room

    def make(self, at: datetime, calls: float) -> None:
        """So many were made."""
        self._room -= calls
        self._made.append((at, calls))


def _call(waiting: Sequence[_Waiting], room: float) -> float:
    """Call as many as there is room for; answers how many."""
    before = room
    for lane in sorted((one for one in waiting if one.is_open), key=lambda one: one.until or FOREVER):
        called = min(room, lane.left)
        lane.left -= called
        room -= called
    return before - room
