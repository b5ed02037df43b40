"""Estimates the duration and the cost of a campaign before it begins.

The duration is that of the first call to every contact: within the hours of each lane and the campaign's start and end,
at its rate. It is computed from one opening or closing of a lane to the next. The cost adds retries by guessed shares.

One rule: of the open lanes the one that closes first is called first, as the dialer does.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from telebridge.campaigns.calling_hours.hours import CallingLaw
from telebridge.campaigns.engine.campaign import CampaignPlan
from telebridge.campaigns.engine.claim import CampaignLane
from telebridge.timing.epoch import instant

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


SECONDS_OF_MINUTE = 60.0
USUAL_ANSWER_RATE, USUAL_CALL_SECONDS = 0.4, 45.0
"""Guesses for who knows no better."""


@dataclass(frozen=True, slots=True)
class Speed:
    """What is known or guessed.

    Args:
        calls_per_second: Calls begun in a second, at most.
        max_live: Calls at once, at most.
        answer_rate: Share of calls that are answered.
        call_seconds: How long an answered call lasts.
        ring_seconds: How long one rings that is not answered.
        max_attempts: Calls to one contact, at most.
        price_per_call: In any currency.
        price_per_minute: Each begun minute of an answered call.
        calls_per_day: What the numbers make in 24 hours, at most; None for any number of calls.
    """

    calls_per_second: float
    max_live: int
    answer_rate: float
    call_seconds: float
    ring_seconds: float
    max_attempts: int
    price_per_call: float = 0.0
    price_per_minute: float = 0.0
    calls_per_day: int | None = None

    @classmethod
    def within(
        cls,
        plan: CampaignPlan,
        *,
        calls_per_second: float,
        max_live: int,
        answer_rate: float = USUAL_ANSWER_RATE,
        call_seconds: float = USUAL_CALL_SECONDS,
    ) -> "Speed":
        """The speed of a campaign within what its account allows: `calls_per_second`, and `max_live` at once."""
        return cls(
            calls_per_second=min(plan.calls_per_second or calls_per_second, calls_per_second),
            max_live=max(1, min(plan.max_live or max_live, max_live)),
            answer_rate=answer_rate,
            call_seconds=call_seconds,
            ring_seconds=plan.ring_seconds,
            max_attempts=plan.retry.max_attempts,
            calls_per_day=plan.calls_per_day,
        )

    @property
    def sustained(self) -> float:
        """Calls begun in a second when all lines are busy."""
        busy = self.answer_rate * self.call_seconds + (1 - self.answer_rate) * self.ring_seconds
        return min(self.calls_per_second, self.max_live / max(busy, 1.0))

    @property
    def attempts(self) -> float:
        """Calls to one contact, on average, if only an answer ends it."""
        if self.answer_rate <= 0:
            return float(self.max_attempts)
        return float((1 - (1 - self.answer_rate) ** self.max_attempts) / self.answer_rate)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What to expect.

    Args:
        calls: With retries.
        minutes: That are paid for.
        cost: In the currency of the prices.
        calls_per_second: The rate that was counted with.
        open_now: Contacts that may be called at this moment.
        never_open: Contacts that may not be called at any time within 14 days, nor before the campaign's end.
        left_over: Contacts whose turn does not come in their hours until the end, or within 60 days.
        first_round_over: When everybody was called once; None when some are left over.
    """

    calls: float
    minutes: float
    cost: float
    calls_per_second: float
    open_now: int
    never_open: int
    left_over: int
    first_round_over: datetime | None


def estimated(
    lanes: Sequence[tuple[CampaignLane, int]], law: CallingLaw, speed: Speed, *, wallclock: datetime
) -> Estimate:
    """What to expect of so many contacts in each lane."""
    times = [(LaneTimes(lane, law, wallclock), count) for lane, count in lanes]
    callable_ = [(lane, count) for lane, count in times if lane.opens_at(wallclock) is not None]
    contacts = sum(count for _, count in callable_)
    done = first_round(callable_, wallclock, per_second=speed.sustained, per_day=speed.calls_per_day)
    calls = (contacts - done.left) * speed.attempts
    minutes = calls * speed.answer_rate * -(-speed.call_seconds // SECONDS_OF_MINUTE)
    return Estimate(
        calls=calls,
        minutes=minutes,
        cost=calls * speed.price_per_call + minutes * speed.price_per_minute,
        calls_per_second=speed.sustained,
        open_now=sum(count for lane, count in callable_ if lane.open_until(wallclock) is not None),
        never_open=sum(count for _, count in times) - contacts,
        left_over=done.left,
        first_round_over=None if done.left else done.over,
    )
