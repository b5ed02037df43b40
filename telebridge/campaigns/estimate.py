"""How long a campaign takes and what it costs, before it begins: within its windows, at its rate, by guessed shares.

One rule: it is an estimate of the first call to everybody; what follows depends on people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from telebridge.campaigns.law import CallingLaw
from telebridge.campaigns.store import CampaignLane

STEP = timedelta(minutes=15)
FARTHEST = timedelta(days=60)
SECONDS_OF_MINUTE = 60.0


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
    """

    calls_per_second: float
    max_live: int
    answer_rate: float
    call_seconds: float
    ring_seconds: float
    max_attempts: int
    price_per_call: float = 0.0
    price_per_minute: float = 0.0

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
        never_open: Contacts that may not be called at any time in the next 14 days.
        first_round_over: When everybody was called once; None when that is more than 60 days away.
    """

    calls: float
    minutes: float
    cost: float
    calls_per_second: float
    open_now: int
    never_open: int
    first_round_over: datetime | None


def estimated(
    lanes: Sequence[tuple[CampaignLane, int]], law: CallingLaw, speed: Speed, *, wallclock: datetime
) -> Estimate:
    """What to expect of so many contacts in each lane."""
    never = [(lane, count) for lane, count in lanes if law.opens_at(lane, wallclock) is None]
    callable_ = [pair for pair in lanes if pair not in never]
    contacts = sum(count for _, count in callable_)
    calls = contacts * speed.attempts
    minutes = calls * speed.answer_rate * -(-speed.call_seconds // SECONDS_OF_MINUTE)
    return Estimate(
        calls=calls,
        minutes=minutes,
        cost=calls * speed.price_per_call + minutes * speed.price_per_minute,
        calls_per_second=speed.sustained,
        open_now=sum(count for lane, count in callable_ if law.open_until(lane, wallclock) is not None),
        never_open=sum(count for _, count in never),
        first_round_over=_over(callable_, law, speed.sustained, wallclock) if contacts else wallclock,
    )


def _over(lanes: Sequence[tuple[CampaignLane, int]], law: CallingLaw, rate: float, begun: datetime) -> datetime | None:
    """When all of them were called once, a quarter of an hour at a time; what closes first goes first."""
    left = {at: (lane, float(count)) for at, (lane, count) in enumerate(lanes)}
    at = begun
    while at < begun + FARTHEST:
        closing = {key: law.open_until(lane, at) for key, (lane, _) in left.items()}
        room = rate * STEP.total_seconds()
        for _, key in sorted((until, key) for key, until in closing.items() if until is not None):
            lane, waiting = left.pop(key)
            called = min(room, waiting)
            room -= called
            if waiting > called:
                left[key] = (lane, waiting - called)
        if not left:
            return at + STEP * (1 - room / (rate * STEP.total_seconds()))
        at += STEP
    return None
