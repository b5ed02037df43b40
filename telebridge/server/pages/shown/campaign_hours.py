"""When the contacts of a campaign who wait may be called: zone by zone, today and next.

One rule: the calling hours are asked; nothing is worked out here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from telebridge.campaigns.calling_hours.hours import CallingLaw
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.claim import CampaignLane
from telebridge.campaigns.store.protocols import WaitingLane
from telebridge.timing.epoch import iso_instant

MOST_ZONES = 30
MOST_SPANS = 6
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ZoneHours:
    """The contacts in one zone.

    Args:
        zones: The zones that they may be in.
        region: Their region; empty when it is not known.
        waiting: How many wait.
        local: The time there, HH:MM.
        now: How much of their day is over, in percent.
        open_today: When they may be called today: from and length, in percent of their day.
        until: Until when they may be called now, as an ISO instant; None when they may not.
        opens: When they may be called next, when not now; None for not within the next weeks.
    """

    zones: str
    region: str
    waiting: int
    local: str
    now: float
    open_today: tuple[tuple[float, float], ...]
    until: str | None
    opens: str | None


def zone_hours(campaign: Campaign, lanes: list[WaitingLane], law: CallingLaw, wallclock: datetime) -> list[ZoneHours]:
    """The zones in which contacts wait, those with most contacts first.

    Args:
        campaign: The campaign.
        lanes: Where its contacts wait.
        law: The calling hours.
        wallclock: The aware instant.
    """
    ordered = sorted(lanes, key=lambda lane: (-_waiting(lane), lane.lane.zones))
    return [
        _hours(CampaignLane(lane.id, campaign, lane.lane, 0), lane, law, wallclock) for lane in ordered[:MOST_ZONES]
    ]


def _hours(place: CampaignLane, lane: WaitingLane, law: CallingLaw, wallclock: datetime) -> ZoneHours:
    local = wallclock.astimezone(ZoneInfo(lane.lane.zones[0]))
    until = law.open_until(place, wallclock)
    opens = None if until is not None else law.opens_at(place, wallclock)
    return ZoneHours(
        " and ".join(zone.replace("_", " ") for zone in lane.lane.zones),
        lane.lane.region,
        _waiting(lane),
        f"{local:%H:%M}",
        _share(local, local),
        tuple(_open_spans(place, law, local)),
        None if until is None else iso_instant(until.astimezone(UTC)),
        None if opens is None else iso_instant(opens.astimezone(UTC)),
    )


def _open_spans(place: CampaignLane, law: CallingLaw, local: datetime) -> Iterator[tuple[float, float]]:
    at = local.replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = at + DAY
    for _ in range(MOST_SPANS):
        opening = at if law.open_until(place, at) is not None else law.opens_at(place, at)
        if opening is None or opening >= tomorrow or (closing := law.open_until(place, opening)) is None:
            return
        begin, end = _share(opening.astimezone(local.tzinfo), local), _share(closing.astimezone(local.tzinfo), local)
        yield round(begin, 2), round(end - begin, 2)
        if closing >= tomorrow:
            return
        at = closing


def _share(moment: datetime, day: datetime) -> float:
    """Where a moment is in a day by the clock on the wall, in percent."""
    if moment.date() != day.date():
        return 0.0 if moment.date() < day.date() else 100.0
    return 100 * (moment.hour * 60 + moment.minute) / (24 * 60)


def _waiting(lane: WaitingLane) -> int:
    return lane.due + sum(lane.later.values())
