"""The zones of a campaign: today's hours along the day, now and next, by the calling hours alone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from telebridge.campaigns.engine.contact import Lane
from telebridge.campaigns.store.protocols import WaitingLane
from telebridge.server.pages.shown.campaign_hours import zone_hours

NEW_YORK, TOKYO = "America/New_York", "Asia/Tokyo"


class Weekdays:
    """Hours from 9 to 12 and from 13 to 18 in each zone; none in Tokyo."""

    def _spans(self, zone, instant):
        for day in range(-1, 3):
            noon = (instant.astimezone(ZoneInfo(zone)) + timedelta(days=day)).replace(hour=12, minute=0)
            yield noon - timedelta(hours=3), noon
            yield noon + timedelta(hours=1), noon + timedelta(hours=6)

    def open_until(self, place, instant):
        zone = place.lane.zones[0]
        spans = () if zone == TOKYO else self._spans(zone, instant)
        return next((end for begin, end in spans if begin <= instant < end), None)

    def opens_at(self, place, instant):
        zone = place.lane.zones[0]
        spans = () if zone == TOKYO else self._spans(zone, instant)
        return next((begin for begin, _ in spans if begin > instant), None)


def test_todays_hours_lie_along_the_day_of_each_zone():
    lanes = [WaitingLane(1, Lane((TOKYO,), ""), 1, {}, None), WaitingLane(2, Lane((NEW_YORK,), "US-NY"), 3, {"": 4}, 9)]
    wallclock = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
    new_york, tokyo = zone_hours(None, lanes, Weekdays(), wallclock)
    assert (new_york.zones, new_york.region, new_york.waiting) == ("America/New York", "US-NY", 7)
    assert (new_york.local, round(new_york.now, 1)) == ("10:00", 41.7)
    assert new_york.open_today == ((37.5, 12.5), (54.17, 20.83))
    assert (new_york.until, new_york.opens) == ("2026-03-04T17:00:00Z", None)
    assert (tokyo.open_today, tokyo.until, tokyo.opens) == ((), None, None)
