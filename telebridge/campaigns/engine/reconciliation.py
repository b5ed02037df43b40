"""Finds the call of a request without an answer in Twilio's list of calls.

Twilio has no idempotency key and does not show the URLs of a call, so an intent is known by number, caller and time:
only one attempt to a number is live at once. The list is "eventually consistent" (Twilio, "Call resource"), so nothing
is concluded from one empty answer. Its times are Twilio's clock and the intent's are ours, which may be minutes off: a
call that came a little before or after is the attempt's too when none is nearer. It may then be somebody else's call
between the same two numbers; that costs a call, where redialling would ring a person twice. So none of these is ended.

One rule: an intent is void only after an empty list two minutes after its lease. Instants are epoch milliseconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from telebridge.campaigns.engine.attempt import Attempt

BEFORE_MS, AFTER_MS = 2000, 5000
ASTRAY_MS = 300_000
"""How far Twilio's clock and ours may be apart before a call that rang is not found."""
LOOKS_MS = (0, 15_000, 45_000, 90_000, 120_000)
"""When Twilio is asked, counted from the end of the lease."""
LOOK_AGAIN_MS = 30_000


@dataclass(frozen=True, slots=True)
class Overdue:
    """Attempts whose reports are overdue, and the store's clock when they were taken."""

    now: int
    attempts: list[Attempt]


@dataclass(frozen=True, slots=True)
class ListedCall:
    """A call in Twilio's list, and when it was created, to the second."""

    sid: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Adopt:
    """This call is the attempt's; the others rang the same person for it and are to be cancelled."""

    sid: str
    cancel: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LookAgain:
    """It is not known yet whether the call was placed."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """There is no such call: it was never placed."""


def next_look(attempt: Attempt, *, now: int) -> int:
    """Return when to ask Twilio next; the last time may come late, and then comes again."""
    since = now - attempt.lease_until
    return next((attempt.lease_until + look for look in LOOKS_MS if look > since), now + LOOK_AGAIN_MS)


def reconcile(
    attempt: Attempt, listed: Sequence[ListedCall], bound: Iterable[str], *, now: int
) -> Adopt | LookAgain | GiveUp:
    """Decide what follows from Twilio's list of calls between the attempt's numbers.

    Args:
        attempt: The intent.
        listed: What Twilio listed after `now`.
        bound: Which of those are other attempts'.
        now: The store's clock when the look began.
    """
    first, last = attempt.intent_at - BEFORE_MS, attempt.lease_until + AFTER_MS
    taken = set(bound)
    free = sorted((call for call in listed if call.sid not in taken), key=lambda call: (call.created_at, call.sid))
    found = [call for call in free if first <= call.created_at <= last]
    if found:
        return Adopt(found[0].sid, tuple(call.sid for call in found[1:]))
    near = [call for call in free if first - ASTRAY_MS <= call.created_at <= last + ASTRAY_MS]
    if near:
        return Adopt(min(near, key=lambda call: max(first - call.created_at, call.created_at - last)).sid)
    return GiveUp() if now - attempt.lease_until >= LOOKS_MS[-1] else LookAgain()
