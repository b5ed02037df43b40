"""How many calls may be placed now: a rate, a bound on live calls, and a back-off when Twilio limits requests.

Calls per second follow the generic cell rate algorithm (ITU-T I.371, annex A): `tat` is when the next call would be on
time, and a call may be early by the tolerance. Twilio queues what comes faster than the account's rate for up to a
day and then rings outside anybody's calling hours, so its queue is kept empty: see Twilio, "Calls per second".

That clock may be put right: an instant further ahead than any rule here sets one was written while it was wrong, and
holds nobody back.

One rule: instants are epoch milliseconds of one clock, the database's, because several machines share one `tat`.
"""

from dataclasses import dataclass

from telebridge.timing.backoff import backoff_seconds

TOLERANCE_MS = 100.0
BACKOFF_FIRST_SECONDS = 1.0
BACKOFF_LONGEST_SECONDS = 60.0
IN_A_ROW_SECONDS = 2.0
"""A 429 within this time after a back-off counts as the next in a row; a later one begins a new back-off."""
QUEUE_TOLERATED_MS = 1500
QUEUE_LONGEST_MS = 60_000
"""So long Twilio's queue is waited out at once; the next answer tells whether it is still there."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """The limits of one Twilio account, over all campaigns and all processes.

    Args:
        calls_per_second: At most Twilio's own figure for the account.
        max_live: Calls under way at once, those about to be placed included.
        reserved: How many of these are kept free for people who call in.
    """

    calls_per_second: float = 1.0
    max_live: int = 2
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class Granted:
    """How many calls may be placed now, and the `tat` to be kept if all of them are."""

    calls: int
    tat: float


def grant(tat: float, calls_per_second: float, *, wanted: int, now: float) -> Granted:
    """As many of the calls wanted as may be placed now."""
    interval = 1000.0 / calls_per_second
    tat = on_time(tat, calls_per_second, now=now)
    early = TOLERANCE_MS - (tat - now)
    calls = 0 if early < 0 else min(max(wanted, 0), int(early / interval) + 1)
    return Granted(calls, tat + calls * interval)


def on_time(tat: float, calls_per_second: float, *, now: float) -> float:
    """When the next call is on time: now when that is past, or was written by a clock that ran ahead."""
    furthest = now + TOLERANCE_MS + 1000.0 / calls_per_second + QUEUE_LONGEST_MS
    return tat if now < tat <= furthest else now


def room(pacing: Pacing, live: int) -> int:
    """How many more calls may be live."""
    return max(0, pacing.max_live - pacing.reserved - live)


@dataclass(frozen=True, slots=True)
class Backoff:
    """The back-off after a 429 of Twilio, kept by all processes.

    Args:
        until: Nothing is placed before.
        step: How many 429 came in a row.
    """

    until: int = 0
    step: int = 0

    def holds(self, *, now: int) -> bool:
        """Whether nothing may be placed."""
        return now < self.until <= now + 2000 * BACKOFF_LONGEST_SECONDS

    def longer(self, *, jitter: float, now: int) -> "Backoff":
        """Return the back-off after one more 429: each in a row doubles it, and jitter (0 to 1) spreads it by half.

        A 429 that comes during the back-off answers a request that was under way: it changes nothing.
        """
        if self.holds(now=now):
            return self
        in_a_row = abs(now - self.until) < 1000 * IN_A_ROW_SECONDS
        step = self.step + 1 if in_a_row else 1
        longest = backoff_seconds(step, first=BACKOFF_FIRST_SECONDS, longest=BACKOFF_LONGEST_SECONDS)
        return Backoff(now + round(1000 * longest * (0.5 + 0.5 * jitter)), step)


def rate_limited_until(pacing: Pacing, backoff: Backoff, tat: float, *, now: int) -> int | None:
    """Return until when no call is placed, because Twilio limits the rate or has a queue; None while one may be."""
    usual = now + TOLERANCE_MS + 1000.0 / pacing.calls_per_second
    next_call = on_time(tat, pacing.calls_per_second, now=now)
    until = max(backoff.until if backoff.holds(now=now) else now, round(next_call) if next_call > usual else now)
    return until if until > now else None


def wait_out_queue(tat: float, *, queue_ms: int, now: float) -> float:
    """The `tat` after Twilio said that a call will wait in its queue: nothing is placed until that has emptied."""
    return max(tat, now + min(queue_ms, QUEUE_LONGEST_MS)) if queue_ms > QUEUE_TOLERATED_MS else tat
