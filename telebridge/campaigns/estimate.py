"""How long a campaign takes and what it costs, before it begins: within its times, at its rate, by guessed shares.

One rule: it is an estimate of the first call to everybody; what follows depends on people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from telebridge.campaigns.claiming import CampaignLane
from telebridge.campaigns.first_round import LaneTimes, first_round
from telebridge.campaigns.law import CallingLaw

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
