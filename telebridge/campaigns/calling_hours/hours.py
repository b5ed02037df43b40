"""When and how often a lane may be called: the campaign's windows and the law, in every zone a contact may be in.

Wall clock times become instants by `zoneinfo`. On days when the clock jumps the narrower reading holds: a window
that begins in an hour that comes twice opens at its second coming, one that ends in it closes at its first.

One rule: a lane is open only while all of its zones are.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from telebridge.campaigns.calling_hours.law import CallingRules, CallKind, calling_rules
from telebridge.campaigns.calling_hours.windows import (
    MINUTES_OF_DAY,
    Window,
    joined,
    windows_of,
    within,
)
from telebridge.campaigns.engine.campaign import Campaign, Cap
from telebridge.campaigns.engine.claim import CampaignLane
from telebridge.campaigns.engine.contact import Lane

FARTHEST = timedelta(days=14)
ONE_DAY = timedelta(days=1)
MOST_DAYS_KEPT = 50_000
SECONDS_OF_HOUR = 3600
MOST_CAMPAIGNS_KEPT = 1000

Span = tuple[datetime, datetime]
"""From an instant up to, but without, another; UTC."""


class CallingHours:
    """The hours of one campaign.

    It keeps what it has worked out, so that asking about hundreds of lanes every tick costs a look into a table each.

    Args:
        windows: The campaign's own windows by weekday, 0 being Monday; a weekday that is missing has none.
        kind: What its calls are about.
        rules: The law.
    """

    def __init__(self, windows: Mapping[int, tuple[Window, ...]], *, kind: CallKind, rules: CallingRules) -> None:
        self._windows = {weekday: joined(of_day) for weekday, of_day in windows.items()}
        self._kind: CallKind = kind
        self._rules = rules
        self._days: dict[tuple[str, str, date], tuple[Span, ...]] = {}

    def open_until(self, lane: Lane, *, wallclock: datetime) -> datetime | None:
        """Until when (UTC) a lane that is open now stays so; None when it is closed."""
        closes = None
        for zone in lane.zones:
            span = self._span_around(zone, lane.region, wallclock)
            if span is None:
                return None
            closes = span[1] if closes is None else min(closes, span[1])
        return closes

    def opens_at(self, lane: Lane, *, wallclock: datetime) -> datetime | None:
        """The next instant (UTC) at which a lane is open, now if it is; None when that is more than 14 days away."""
        instant = wallclock.astimezone(UTC)
        last = instant + FARTHEST
        while lane.zones and instant <= last:
            openings = [self._opening(zone, lane.region, instant, last) for zone in lane.zones]
            latest = max((opening for opening in openings if opening is not None), default=None)
            if latest is None or None in openings:
                return None
            if latest == instant:
                return instant
            instant = latest
        return None

    def _span_around(self, zone: str, region: str, instant: datetime) -> Span | None:
        """The span of a zone in which an instant lies."""
        day = instant.astimezone(_zone(zone)).date()
        for span in self._spans(zone, region, day):
            if span[0] <= instant < span[1]:
                return span
        return None

    def _opening(self, zone: str, region: str, instant: datetime, last: datetime) -> datetime | None:
        """The first instant from one on, up to a last, at which a zone is open."""
        day = instant.astimezone(_zone(zone)).date()
        while day <= last.astimezone(_zone(zone)).date():
            for opens, closes in self._spans(zone, region, day):
                if instant < closes:
                    return max(instant, opens) if max(instant, opens) <= last else None
            day += ONE_DAY
        return None

    def _spans(self, zone: str, region: str, day: date) -> tuple[Span, ...]:
        """The hours of a day on a zone's wall clock, as instants in order."""
        key = (zone, region, day)
        known = self._days.get(key)
        if known is None:
            if len(self._days) >= MOST_DAYS_KEPT:
                self._days.clear()
            known = self._days[key] = self._worked_out(zone, region, day)
        return known

    def _worked_out(self, zone: str, region: str, day: date) -> tuple[Span, ...]:
        limits = self._rules.hours_on(day, region, self._kind)
        spans = (_span(window, day, _zone(zone)) for window in within(self._windows.get(day.weekday(), ()), limits))
        return tuple(span for span in spans if span[0] < span[1])


class CallingLaw:
    """The calling hours and the caps of every lane. A campaign whose hours cannot be read calls nobody.

    Args:
        rules: The law; None for the one that telebridge ships, loaded with the first question (a third of a second).
    """

    def __init__(self, rules: CallingRules | None = None) -> None:
        self._given_rules = rules
        self._hours: dict[str, tuple[object, CallingHours]] = {}
        self._caps: dict[tuple[str, CallKind], tuple[Cap, ...]] = {}

    def open_until(self, lane: CampaignLane, wallclock: datetime) -> datetime | None:
        """Until when everybody in a lane may be called; None while they may not."""
        return self._hours_of(lane.campaign).open_until(lane.lane, wallclock=wallclock)

    def opens_at(self, lane: CampaignLane, wallclock: datetime) -> datetime | None:
        """When a lane opens next; None when that is more than 14 days away."""
        return self._hours_of(lane.campaign).opens_at(lane.lane, wallclock=wallclock)

    def caps_of(self, lane: CampaignLane) -> tuple[Cap, ...]:
        """How often the people in a lane may be called."""
        plan = lane.campaign.plan
        key: tuple[str, CallKind] = (lane.lane.region, plan.kind.value)
        caps = self._caps.get(key)
        if caps is None:
            legal = self._rules.attempt_caps(*key)
            caps = tuple(Cap(cap.at_most, cap.within_hours * SECONDS_OF_HOUR, cap.conversations) for cap in legal)
            self._caps[key] = caps
        return caps + plan.caps

    @property
    def _rules(self) -> CallingRules:
        return self._given_rules or calling_rules()

    def _hours_of(self, campaign: Campaign) -> CallingHours:
        kept = self._hours.get(campaign.id)
        if kept is None or kept[0] != campaign.plan.hours:
            if len(self._hours) >= MOST_CAMPAIGNS_KEPT:
                self._hours.clear()
            hours = CallingHours(windows_of(campaign.plan.hours), kind=campaign.plan.kind.value, rules=self._rules)
            kept = self._hours[campaign.id] = (campaign.plan.hours, hours)
        return kept[1]


def _span(window: Window, day: date, zone: ZoneInfo) -> Span:
    """A window as instants; of two readings of a time that comes twice or never, the one that leaves less."""
    return max(_readings(window.opens, day, zone)), min(_readings(window.closes, day, zone))


def _readings(minute: int, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    days, minute = divmod(minute, MINUTES_OF_DAY)
    local = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone) + timedelta(days=days)
    return local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
