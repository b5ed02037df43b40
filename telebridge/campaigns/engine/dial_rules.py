"""The decisions of a dialer: the order of lanes, whether a claim may still be dialled, what an error of Twilio means.

Follows Twilio's statement that a request answered with 429 was not processed.

One rule: a call that may have been placed is not dialled again before it is known that it was not.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.campaign import Campaign, Cap
from telebridge.campaigns.engine.claim import CampaignLane, Claim, OpenLane
from telebridge.campaigns.engine.refusals import RefusalCause, refusal_cause
from telebridge.errors import TwilioAPIError
from telebridge.timing.epoch import epoch_ms, instant
from telebridge.twilio.calls import CallRequest

OpenUntil = Callable[[CampaignLane, datetime], datetime | None]
"""Until when everybody in a lane may be called, at an aware UTC instant; None while they may not."""

OpensAt = Callable[[CampaignLane, datetime], datetime | None]
"""When everybody in a lane may be called next, from an aware UTC instant on; None when that is too far away to tell."""

CapsOf = Callable[[CampaignLane], tuple[Cap, ...]]
"""How often the people in a lane may be called."""

CALLBACK_RETRIES = "#rc=3&rp=all"
"""Twilio repeats a callback that failed, whatever the failure; see Twilio, "Webhooks: connection overrides"."""


class FairShare:
    """Shares calls among campaigns of one priority by their weight: a weighted fair queue.

    Each campaign has a virtual time, which advances with each of its calls by 1 / weight. The campaign with the
    smallest virtual time is dialled next.
    """

    def __init__(self) -> None:
        self._virtual_times: dict[str, float] = {}

    def virtual_time(self, campaign: Campaign) -> float:
        """Return the virtual time of a campaign; a new campaign starts at the smallest one there is."""
        if campaign.id not in self._virtual_times:
            self._virtual_times[campaign.id] = min(self._virtual_times.values(), default=0.0)
        return self._virtual_times[campaign.id]

    def count_call(self, campaign: Campaign) -> None:
        """Advance the virtual time of a campaign by one call."""
        self._virtual_times[campaign.id] = self.virtual_time(campaign) + 1.0 / max(campaign.plan.weight, 1e-6)

    def retain(self, campaigns: Iterable[str]) -> None:
        """Forget all campaigns but these ids."""
        known = set(campaigns) & set(self._virtual_times)
        self._virtual_times = {campaign_id: self._virtual_times[campaign_id] for campaign_id in known}


MAX_SKEW_SECONDS = 30.0
"""With a larger difference one of the two clocks is wrong, and it is not known whether people may be called."""


def clock_skew(wallclock: datetime, store_ms: int) -> str:
    """Return why a process must not dial because its clock and the store's differ; empty while they agree."""
    ahead = (wallclock - instant(store_ms)) / timedelta(seconds=1)
    if abs(ahead) <= MAX_SKEW_SECONDS:
        return ""
    return f"this machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the database's"


@dataclass(frozen=True, slots=True)
class Opening:
    """A lane that may be called, and until when."""

    lane: CampaignLane
    closes_at: datetime

    def leaves_time(self, request_seconds: float, *, wallclock: datetime) -> bool:
        """Whether a call that is asked for now has rung out before the lane closes, or the campaign ends."""
        plan = self.lane.campaign.plan
        closes_at = self.closes_at if plan.end_at is None else min(self.closes_at, instant(plan.end_at))
        return wallclock + timedelta(seconds=request_seconds + plan.ring_seconds) <= closes_at


def dialing_order(
    openings: Iterable[Opening],
    share: FairShare,
    caps_of: CapsOf,
    *,
    wallclock: datetime,
    request_seconds: float = 0.0,
) -> list[OpenLane]:
    """Return the lanes to claim from, ordered by campaign priority, virtual time, contact priority and closing time.

    Args:
        openings: What is open; lanes that close before a call has rung out are left out.
        share: The virtual times of the campaigns.
        caps_of: The laws' bounds on calls to one number.
        wallclock: The aware UTC instant.
        request_seconds: How long a request for a call may take.
    """

    def rank(opening: Opening) -> tuple[float, float, float, datetime]:
        campaign = opening.lane.campaign
        return -campaign.plan.priority, share.virtual_time(campaign), -opening.lane.priority, opening.closes_at

    return [
        OpenLane(one.lane.id, one.lane.campaign.id, epoch_ms(one.closes_at), caps_of(one.lane))
        for one in sorted((one for one in openings if one.leaves_time(request_seconds, wallclock=wallclock)), key=rank)
    ]


@dataclass(frozen=True, slots=True)
class Lease:
    """How long a claim may still be dialled.

    It is measured by two clocks: one runs on while the process is stopped, the other while the machine sleeps.

    Args:
        begun: Monotonic seconds, read before the claim was asked for, so that the lease here ends before the store's.
        begun_at: The wall clock, read then too.
        seconds: How long it is.
    """

    begun: float
    begun_at: datetime
    seconds: float

    def allows(self, needed_seconds: float, *, now: float, wallclock: datetime) -> bool:
        """Whether that much of it is left."""
        elapsed = max(now - self.begun, (wallclock - self.begun_at) / timedelta(seconds=1))
        return elapsed + needed_seconds <= self.seconds


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """It is not known whether the call was placed: the intent stays, and the reconciler asks Twilio."""


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """The call was certainly not placed.

    Args:
        why: What that means for the contact.
        back_off: Whether all processes must back off.
        stop: The campaign must pause, for this reason; empty when it may go on.
    """

    why: NotPlacedReason
    back_off: bool = False
    stop: str = ""


_REASONS = {
    RefusalCause.NUMBER: NotPlacedReason.BAD_NUMBER,
    RefusalCause.DESTINATION: NotPlacedReason.REFUSED,
    RefusalCause.COUNTRY: NotPlacedReason.COUNTRY,
    RefusalCause.ACCOUNT: NotPlacedReason.AGAIN,
    RefusalCause.REQUEST: NotPlacedReason.AGAIN,
    RefusalCause.LATER: NotPlacedReason.AGAIN,
    RefusalCause.UNCLEAR: NotPlacedReason.UNCLEAR,
}
_STOPS = frozenset({RefusalCause.ACCOUNT, RefusalCause.REQUEST})


def after_error(error: TwilioAPIError) -> OutcomeUnknown | NotPlaced:
    """What an error of `TwilioCalls.create` means for the attempt."""
    if not error.surely_not_done:
        return OutcomeUnknown()
    cause = refusal_cause(error)
    stop = str(error) if cause in _STOPS else ""
    return NotPlaced(_REASONS[cause], back_off=cause is RefusalCause.LATER, stop=stop)


def call_request(claim: Claim, public_url: str) -> CallRequest:
    """Return the request for the call of a claim. Every address in it is below our public URL and names the attempt."""
    plan = claim.campaign.plan
    base, query = f"{public_url.rstrip('/')}/twilio", f"?attempt={claim.attempt_id}{CALLBACK_RETRIES}"
    return CallRequest(
        to=claim.contact.called_phone,
        from_=claim.from_number,
        url=f"{base}/voice/{plan.flow}{query}",
        status_callback=f"{base}/status{query}",
        ring_seconds=plan.ring_seconds,
        time_limit_seconds=plan.time_limit_seconds,
        machine_detection=plan.machine_detection,
        amd_callback=f"{base}/amd{query}",
    )
