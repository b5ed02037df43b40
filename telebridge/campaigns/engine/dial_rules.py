"""The decisions of a dialer: in which order lanes are asked, when a claim may still be dialled, what an answer means.

Follows Twilio's error dictionary, and its word that a 429 was never processed.

One rule: when it is not certain that a call was not placed, it may have been, and nobody dials again before that is
known.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from telebridge.campaigns.engine.attempt import Unplaced
from telebridge.campaigns.engine.campaign import Campaign, Cap
from telebridge.campaigns.engine.claim import CampaignLane, Claim, OpenLane
from telebridge.epoch import epoch_ms, instant
from telebridge.errors import TwilioAPIError
from telebridge.twilio.calls import CallRequest

OpenUntil = Callable[[CampaignLane, datetime], datetime | None]
"""Until when everybody in a lane may be called, at an aware UTC instant; None while they may not."""

CapsOf = Callable[[CampaignLane], tuple[Cap, ...]]
"""How often the people in a lane may be called."""

CALLBACK_RETRIES = "#rc=3&rp=all"
"""Twilio repeats a callback that failed, whatever the failure; see Twilio, "Webhooks: connection overrides"."""

SLOW_DOWN = frozenset({20429, 10004})
BAD_NUMBER = frozenset({21202, 21211, 21214, 21216, 21217})
STOP = frozenset(
    {
        20003,
        20005,
        10001,
        10002,
        20008,
        21210,
        21212,
        20422,
        21201,
        21205,
        21206,
        21208,
        21213,
        21218,
        21234,
        21609,
        21626,
    }
)
"""The account, the caller's number or the request is wrong: every further call would fail the same way."""


class FairShare:
    """Shares calls among campaigns of one priority by their weight."""

    def __init__(self) -> None:
        self._served: dict[str, float] = {}

    def served(self, campaign: Campaign) -> float:
        """How much it has had, the heavier the less; a campaign that comes later starts level with the hindmost."""
        if campaign.id not in self._served:
            self._served[campaign.id] = min(self._served.values(), default=0.0)
        return self._served[campaign.id]

    def count(self, campaign: Campaign) -> None:
        """It has had one more call."""
        self._served[campaign.id] = self.served(campaign) + 1.0 / max(campaign.plan.weight, 1e-6)

    def keep(self, campaigns: Iterable[str]) -> None:
        """Forget all others."""
        self._served = {known: self._served[known] for known in set(campaigns) & set(self._served)}


APART_SECONDS = 30.0
"""Further apart, one of the two clocks is wrong, and nobody knows whether people may be called."""


def clocks_apart(wallclock: datetime, store_ms: int) -> str:
    """Why a process must not dial: its clock and the store's differ; empty while they agree."""
    ahead = (wallclock - instant(store_ms)) / timedelta(seconds=1)
    if abs(ahead) <= APART_SECONDS:
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


def in_order(
    openings: Iterable[Opening],
    share: FairShare,
    caps_of: CapsOf,
    *,
    wallclock: datetime,
    request_seconds: float = 0.0,
) -> list[OpenLane]:
    """The lanes to ask: by the campaign's priority, its share so far, the contacts' priority, and what closes first.

    Args:
        openings: What is open; what closes before a call has rung out is not asked.
        share: How much each campaign has had.
        caps_of: The laws' bounds on calls to one number.
        wallclock: The aware UTC instant.
        request_seconds: How long a request for a call may take.
    """

    def place(opening: Opening) -> tuple[float, float, float, datetime]:
        campaign = opening.lane.campaign
        return -campaign.plan.priority, share.served(campaign), -opening.lane.priority, opening.closes_at

    return [
        OpenLane(one.lane.id, one.lane.campaign.id, epoch_ms(one.closes_at), caps_of(one.lane))
        for one in sorted((one for one in openings if one.leaves_time(request_seconds, wallclock=wallclock)), key=place)
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
class MayRing:
    """Nobody knows whether the call was placed: the intent stays as it is, and rescue asks Twilio."""


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """The call was certainly not placed.

    Args:
        why: What that means for the contact.
        back_off: Everybody must be quiet for a while.
        stop: The campaign must pause, for this reason; empty when it may go on.
    """

    why: Unplaced
    back_off: bool = False
    stop: str = ""


def after_error(error: TwilioAPIError) -> MayRing | NotPlaced:
    """What an error of `TwilioCalls.create` means for the attempt."""
    if not error.surely_not_done:
        return MayRing()
    if not error.sent or error.status == 429 or error.code in SLOW_DOWN:
        return NotPlaced(Unplaced.AGAIN, back_off=True)
    if error.code in STOP or (error.code is None and error.status in {401, 403, 404}):
        return NotPlaced(Unplaced.AGAIN, stop=str(error))
    if error.code in BAD_NUMBER:
        return NotPlaced(Unplaced.BAD_NUMBER)
    return NotPlaced(Unplaced.REFUSED)


@dataclass(frozen=True, slots=True)
class AttemptUrls:
    """Where Twilio asks and reports for one attempt; each of them names it."""

    voice: str
    status: str
    machine_detection: str


def attempt_urls(public_url: str, claim: Claim) -> AttemptUrls:
    """The addresses below our public URL."""
    base, named = f"{public_url.rstrip('/')}/twilio", f"?attempt={claim.attempt_id}"
    return AttemptUrls(
        voice=f"{base}/voice/{claim.campaign.plan.flow}{named}{CALLBACK_RETRIES}",
        status=f"{base}/status{named}{CALLBACK_RETRIES}",
        machine_detection=f"{base}/amd{named}{CALLBACK_RETRIES}",
    )


def call_request(claim: Claim, urls: AttemptUrls) -> CallRequest:
    """What Twilio is asked for."""
    plan = claim.campaign.plan
    return CallRequest(
        to=claim.contact.phone,
        from_=claim.from_number,
        url=urls.voice,
        status_callback=urls.status,
        ring_seconds=plan.ring_seconds,
        time_limit_seconds=plan.time_limit_seconds,
        machine_detection=plan.machine_detection,
        amd_callback=urls.machine_detection,
    )
