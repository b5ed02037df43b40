"""Selects which of the due contacts may be called now, and from which number: the part of a claim without a database.

One rule: a contact that may not be called is put off or skipped, with a reason that a person can read. Instants are
epoch milliseconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.campaign import Campaign, Cap, PoolNumber
from telebridge.campaigns.engine.contact import Contact, Lane
from telebridge.campaigns.engine.do_not_call import EVERY_CAMPAIGN
from telebridge.campaigns.engine.pacing import grant
from telebridge.campaigns.engine.states import CONTACT, ContactInput, follow

LIVE_ELSEWHERE_MS = 60_000
DAY_MS = 86_400_000

DO_NOT_CALL, CAPPED, LIVE_ELSEWHERE = "do_not_call", "capped", "live_elsewhere"


@dataclass(frozen=True, slots=True)
class CampaignLane:
    """A lane of a campaign that dials: all its contacts that open and close together and have one priority."""

    id: int
    campaign: Campaign
    lane: Lane
    priority: int


@dataclass(frozen=True, slots=True)
class OpenLane:
    """A lane that may be called now.

    Args:
        id: The store's.
        campaign_id: Whose lane it is.
        closes_at: Until then.
        caps: Bounds for the people in it.
    """

    id: int
    campaign_id: str
    closes_at: int
    caps: tuple[Cap, ...] = ()


@dataclass(frozen=True, slots=True)
class PastCall:
    """An earlier attempt to reach a number, by any campaign."""

    at: int
    conversation: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A contact that only this worker may call until the lease expires.

    Args:
        attempt_id: Written already: the call that is placed now is this attempt.
        campaign: As it stood in the same transaction.
        contact: Likewise.
        n: The number of the attempt.
        from_number: Whom the call comes from.
    """

    attempt_id: str
    campaign: Campaign
    contact: Contact
    n: int
    from_number: str


@dataclass(frozen=True, slots=True)
class PhoneFacts:
    """What is known of a number to be called.

    Args:
        do_not_call: The scopes of its entries on the do-not-call list.
        live: Whether a call to it is under way.
        past: Its latest calls.
    """

    do_not_call: frozenset[str] = frozenset()
    live: bool = False
    past: tuple[PastCall, ...] = ()


@dataclass(slots=True)
class Quota:
    """What a campaign may still place in this claim."""

    campaign: Campaign
    calls: int
    pool: list[tuple[str, int | None]]

    def take_number(self) -> str | None:
        """The next number to call from; None when all have made their calls of the day."""
        for index, (number, left) in enumerate(self.pool):
            if left is None or left > 0:
                del self.pool[index]
                self.pool.append((number, None if left is None else left - 1))
                return number
        return None


def quota(campaign: Campaign, *, live: int, made: Mapping[str, int], turn: int, wanted: int, now: int) -> Quota:
    """What a campaign may place now by its own limits.

    Args:
        campaign: Whose.
        live: Its calls under way.
        made: How many calls each number with a daily cap made in the last 24 hours.
        turn: Any count that goes on with the campaign's calls; the pool is begun there.
        wanted: How many calls to place at most.
        now: The database's clock.
    """
    plan = campaign.plan
    calls = wanted if plan.max_live is None else min(wanted, max(0, plan.max_live - live))
    if plan.calls_per_second is not None:
        calls = grant(campaign.tat, plan.calls_per_second, wanted=calls, now=now).calls
    pool = _pool(plan.numbers, made, turn)
    if all(left is not None for _, left in pool):  # else its people would stand in everybody's way all day
        calls = min(calls, sum(max(0, left or 0) for _, left in pool))
    return Quota(campaign, calls, pool)


def _pool(numbers: Sequence[PoolNumber], made: Mapping[str, int], turn: int) -> list[tuple[str, int | None]]:
    pool = [(n.number, None if n.daily_cap is None else n.daily_cap - made.get(n.number, 0)) for n in numbers]
    begin = turn % len(pool) if pool else 0
    return pool[begin:] + pool[:begin]


@dataclass(frozen=True, slots=True)
class Admitted:
    """A contact to be called, from this number."""

    contact: Contact
    from_number: str

    def make_intent(
        self, attempt_id: str, campaign: Campaign, *, account: str, worker: str, lease_until: int, now: int
    ) -> tuple[Attempt, Contact]:
        """Return the attempt to be written before the request to Twilio, and its contact."""
        claimed = follow(CONTACT, self.contact.state, ContactInput.CLAIM)
        contact = replace(self.contact.with_another_claim(), state=claimed)
        attempt = Attempt(
            attempt_id,
            contact.campaign_id,
            contact.id,
            contact.claims,
            contact.called_phone,
            account,
            self.from_number,
            worker,
            intent_at=now,
            lease_until=lease_until,
            check_at=lease_until,
            ring_seconds=campaign.plan.ring_seconds,
            detects_machine=bool(campaign.plan.machine_detection),
            rules_version=campaign.plan.rules_version,
        )
        return attempt, contact


@dataclass(slots=True)
class Selection:
    """The result of `select_contacts`.

    Args:
        admitted: Contacts to be called now.
        changed: Contacts that were put off or skipped.
    """

    admitted: list[Admitted] = field(default_factory=list)
    changed: list[Contact] = field(default_factory=list)


def select_contacts(
    candidates: Sequence[Contact],
    facts: Mapping[str, PhoneFacts],
    quotas: Mapping[str, Quota],
    caps: Mapping[int, tuple[Cap, ...]],
    *,
    wanted: int,
    now: int,
) -> Selection:
    """Select the contacts to call among those that are due, in their order.

    Args:
        candidates: Due contacts. Those beyond `wanted` are left as they are.
        facts: What is known of each number.
        quotas: What each campaign may still place. They are used up as contacts are admitted.
        caps: The bounds on calls to one number, by lane.
        wanted: How many to admit at most.
        now: Epoch milliseconds.
    """
    selection = Selection()
    ringing: set[str] = set()
    for contact in candidates:
        if len(selection.admitted) == wanted:
            break
        phones = contact.phones
        refused = _refused(contact, _facts_of(phones, facts), caps.get(contact.lane_id, ()), now)
        if refused is None and not ringing.isdisjoint(phones):
            refused = _hold(contact, LIVE_ELSEWHERE, now + LIVE_ELSEWHERE_MS)
        if refused is not None:
            selection.changed.append(refused)
            continue
        allowed = quotas[contact.campaign_id]
        number = allowed.take_number() if allowed.calls > 0 else None
        if number is None:
            continue
        allowed.calls -= 1
        ringing.update(phones)
        selection.admitted.append(Admitted(contact, number))
    return selection


def _facts_of(phones: Sequence[str], facts: Mapping[str, PhoneFacts]) -> PhoneFacts:
    """What is known of a person: what is known of any of their numbers, so that caps hold for all of them together."""
    known = [facts[phone] for phone in phones if phone in facts]
    if len(known) == 1:
        return known[0]
    return PhoneFacts(
        frozenset(scope for one in known for scope in one.do_not_call),
        any(one.live for one in known),
        tuple(call for one in known for call in one.past),
    )


def _refused(contact: Contact, facts: PhoneFacts, caps: Sequence[Cap], now: int) -> Contact | None:
    """The contact as it is put off or skipped; None when it may be called."""
    if facts.do_not_call & {EVERY_CAMPAIGN, contact.campaign_id}:
        return replace(contact, state=follow(CONTACT, contact.state, ContactInput.SKIP), outcome=DO_NOT_CALL)
    if facts.live:
        return _hold(contact, LIVE_ELSEWHERE, now + LIVE_ELSEWHERE_MS)
    free_at = max((capped_until(cap, facts.past, now=now) for cap in caps), default=now)
    return _hold(contact, CAPPED, free_at) if free_at > now else None


def capped_until(cap: Cap, past: Sequence[PastCall], *, now: int) -> int:
    """When a number may be called again by this cap; `now` when it may be already."""
    within = round(cap.within_seconds * 1000)
    counted = sorted(
        call.at for call in past if call.at > now - within and (call.conversation or not cap.conversations)
    )
    return now if len(counted) < cap.attempts else counted[len(counted) - cap.attempts] + within


def _hold(contact: Contact, why: str, until: int) -> Contact:
    return replace(contact, state=follow(CONTACT, contact.state, ContactInput.HOLD), due_at=until, held=why)
