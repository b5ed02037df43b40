"""Why contacts of a campaign are not called at this moment, in counts that a person can act on.

One rule: every contact that waits is counted once, under the first reason that applies.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.claim import CAPPED, LIVE_ELSEWHERE, CampaignLane
from telebridge.campaigns.engine.contact import COUNTRY_HELD, REFUSED_HELD
from telebridge.campaigns.engine.dial_rules import OpensAt, OpenUntil
from telebridge.campaigns.engine.refusals import FEW
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.store.protocols import DialingNow, WaitingLane
from telebridge.timing.epoch import epoch_ms, instant


class Waiting(Enum):
    """What a contact waits for."""

    CAMPAIGN = "the campaign does not dial"
    START = "the campaign has not begun"
    END = "the campaign's end has come"
    HOURS = "outside the calling hours"
    CAP = "called as often as the law allows"
    OTHER_CALL = "another campaign's call to the same number"
    COUNTRY = "Twilio's permission to call their country: Voice Geographic Permissions in its console"
    REFUSED = "another try: Twilio refused their calls for a reason that telebridge does not know"
    TIME = "a retry or a start at a later time"
    NOBODY = "a process that dials: none does, `telebridge serve` or `telebridge campaign work` would"
    OTHER_ACCOUNT = "a process that dials for its Twilio account: all dial for others"
    RATE_LIMITED = "Twilio, which limits the rate of requests"
    NUMBERS = "its numbers, which have made all their calls of 24 hours"
    TURN = "its turn: calls per second and live calls are bounded"


HELD = {
    CAPPED: Waiting.CAP,
    LIVE_ELSEWHERE: Waiting.OTHER_CALL,
    COUNTRY_HELD: Waiting.COUNTRY,
    REFUSED_HELD: Waiting.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why not all contacts are called now.

    Args:
        waiting: How many contacts wait for what.
        next_due_at: When the first of those is due that wait for a later time; None when none does.
        dialers: How many processes dial for its account.
        rate_limited_until: Until when no call is placed, because Twilio limits the rate; None while one may be.
        opens_at: When the first of those may be called who wait for the calling hours; None when none does, or that is
            not known.
    """

    waiting: Mapping[Waiting, int]
    next_due_at: datetime | None
    dialers: int = 0
    rate_limited_until: datetime | None = None
    opens_at: datetime | None = None


def explain(
    campaign: Campaign,
    lanes: Iterable[WaitingLane],
    dialing: DialingNow,
    open_until: OpenUntil,
    *,
    wallclock: datetime,
    opens_at: OpensAt | None = None,
) -> Explanation:
    """Put what `ReportRecords.waiting` and `ReportRecords.dialing` answered together with the calling hours."""
    stopped, when_due = _stopped(campaign, wallclock), _reason_when_due(dialing)
    lanes = list(lanes)
    refused = _refused_countries(lanes)
    waiting: Counter[Waiting] = Counter()
    times: list[int] = []
    openings: list[datetime] = []
    for lane in lanes:
        if stopped is not None:
            waiting[stopped] += lane.due + sum(lane.later.values())
            continue
        place = CampaignLane(lane.id, campaign, lane.lane, 0)
        closed = open_until(place, wallclock) is None
        if closed and lane.due and opens_at is not None and (opening := opens_at(place, wallclock)) is not None:
            openings.append(opening)
        open_now = Waiting.COUNTRY if refused.intersection(lane.lane.countries) else when_due
        waiting[Waiting.HOURS if closed else open_now] += lane.due
        for held, count in lane.later.items():
            waiting[HELD.get(held, Waiting.TIME)] += count
        times += [] if lane.next_due_at is None else [lane.next_due_at]
    limited = None if dialing.rate_limited_until is None else instant(dialing.rate_limited_until)
    return Explanation(
        {what: count for what, count in waiting.items() if count},
        _first(times),
        dialing.dialers,
        limited,
        min(openings, default=None),
    )


def _refused_countries(lanes: Iterable[WaitingLane]) -> set[str]:
    """Return the countries that are not called now, because Twilio has refused a few calls to each."""
    held: Counter[str] = Counter()
    for lane in lanes:
        for country in lane.lane.countries:
            held[country] += lane.later.get(COUNTRY_HELD, 0)
    return {country for country, count in held.items() if count >= FEW}


def _first(times: list[int]) -> datetime | None:
    return instant(min(times)) if times else None


def _reason_when_due(dialing: DialingNow) -> Waiting:
    """Return what contacts wait for that are due and inside their hours."""
    if dialing.dialers == 0:
        return Waiting.OTHER_ACCOUNT if dialing.elsewhere else Waiting.NOBODY
    if dialing.rate_limited_until is not None:
        return Waiting.RATE_LIMITED
    return Waiting.NUMBERS if dialing.numbers_left == 0 else Waiting.TURN


def _stopped(campaign: Campaign, wallclock: datetime) -> Waiting | None:
    now = epoch_ms(wallclock)
    if campaign.ends_by(now):
        return Waiting.END
    if campaign.status is not CampaignStatus.RUNNING:
        return Waiting.CAMPAIGN
    return None if campaign.dials_at(now) else Waiting.START
