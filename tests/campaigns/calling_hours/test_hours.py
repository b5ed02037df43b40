"""When a lane may be called, on ordinary days and on those when the clock jumps."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lanes import LAW, MONDAY_NOON, lane

from telebridge.campaigns.calling_hours.hours import CallingHours
from telebridge.campaigns.calling_hours.law import CallingRules, calling_rules
from telebridge.campaigns.calling_hours.windows import ALL_DAY, Window, read_window
from telebridge.campaigns.engine.campaign import CampaignKind, Cap
from telebridge.campaigns.engine.contact import Lane
from telebridge.campaigns.numbers.location import lane_of
from telebridge.campaigns.numbers.numbers import DialableNumber, read_number
from telebridge.campaigns.numbers.regions import zone_names

NO_RULES = CallingRules()
NEW_YORK = Lane(("America/New_York",), "US-NY")
BOTH = Lane(("America/Chicago", "America/New_York"), "US-IN")
EVERY_DAY = {day: (read_window("09:00-20:00"),) for day in range(7)}


def hours(windows=EVERY_DAY, *, kind="informational", rules=None) -> CallingHours:
    return CallingHours(windows, kind=kind, rules=rules or calling_rules())


def local(zone: str, *moment: int, fold: int = 0) -> datetime:
    return datetime(*moment, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def eastern(*moment: int, fold: int = 0) -> datetime:
    return local("America/New_York", *moment, fold=fold)


def test_a_lane_is_open_within_the_windows_and_closed_outside():
    closes = eastern(2026, 3, 2, 20)
    assert hours().open_until(NEW_YORK, wallclock=eastern(2026, 3, 2, 8, 59)) is None
    assert hours().open_until(NEW_YORK, wallclock=eastern(2026, 3, 2, 9)) == closes
    assert hours().open_until(NEW_YORK, wallclock=closes - timedelta(microseconds=1)) == closes
    assert hours().open_until(NEW_YORK, wallclock=closes) is None


def test_a_lane_of_two_zones_is_open_only_while_both_are():
    assert hours().open_until(BOTH, wallclock=eastern(2026, 3, 2, 9, 30)) is None
    assert hours().open_until(BOTH, wallclock=eastern(2026, 3, 2, 10)) == eastern(2026, 3, 2, 20)
    assert hours().opens_at(BOTH, wallclock=eastern(2026, 3, 2, 9, 30)) == eastern(2026, 3, 2, 10)


def test_a_lane_that_is_open_opens_now():
    now = eastern(2026, 3, 2, 12, 34)
    assert hours().opens_at(NEW_YORK, wallclock=now) == now


def test_a_lane_opens_on_the_next_day_that_has_a_window():
    weekdays = hours({day: EVERY_DAY[day] for day in range(5)})
    friday_night = eastern(2026, 3, 6, 21)
    assert weekdays.opens_at(NEW_YORK, wallclock=friday_night) == eastern(2026, 3, 9, 9)


def test_a_day_may_have_several_windows():
    lunch = hours({0: (read_window("13:30-20:00"), read_window("09:00-12:00"))})
    assert lunch.open_until(NEW_YORK, wallclock=eastern(2026, 3, 2, 11)) == eastern(2026, 3, 2, 12)
    assert lunch.open_until(NEW_YORK, wallclock=eastern(2026, 3, 2, 12)) is None
    assert lunch.opens_at(NEW_YORK, wallclock=eastern(2026, 3, 2, 12)) == eastern(2026, 3, 2, 13, 30)


def test_zones_that_are_never_open_together_never_open():
    far = Lane(("America/New_York", "Asia/Kolkata"), "ZZ")
    morning = hours({day: (read_window("09:00-12:00"),) for day in range(7)})
    assert morning.opens_at(far, wallclock=eastern(2026, 3, 2, 8)) is None


def test_a_campaign_without_windows_never_opens():
    assert hours({}).opens_at(NEW_YORK, wallclock=eastern(2026, 3, 2, 8)) is None


def test_a_lane_without_zones_is_closed():
    nowhere = Lane((), "US")
    assert hours().open_until(nowhere, wallclock=eastern(2026, 3, 2, 12)) is None
    assert hours().opens_at(nowhere, wallclock=eastern(2026, 3, 2, 12)) is None


def test_the_law_narrows_the_windows():
    wide = dict.fromkeys(range(7), (ALL_DAY,))
    florida = Lane(("America/New_York",), "US-FL")
    at_seven = eastern(2026, 3, 2, 7)
    assert hours(wide).opens_at(florida, wallclock=at_seven) == eastern(2026, 3, 2, 8)
    assert hours(wide).open_until(florida, wallclock=eastern(2026, 3, 2, 12)) == eastern(2026, 3, 2, 21)
    telemarketing = hours(wide, kind="telemarketing")
    assert telemarketing.open_until(florida, wallclock=eastern(2026, 3, 2, 12)) == eastern(2026, 3, 2, 20)


def test_a_closed_sunday_and_a_holiday_are_skipped():
    alabama = Lane(("America/Chicago",), "US-AL")
    telemarketing = hours(kind="telemarketing")
    saturday_night = local("America/Chicago", 2026, 9, 5, 21)
    assert telemarketing.opens_at(alabama, wallclock=saturday_night) == local("America/Chicago", 2026, 9, 8, 9)
    assert hours().opens_at(alabama, wallclock=saturday_night) == local("America/Chicago", 2026, 9, 6, 9)


@pytest.mark.parametrize("area_code", ["219", "270", "850"])
@pytest.mark.parametrize("day", [date(2026, 1, 15), date(2026, 3, 8), date(2026, 7, 15), date(2026, 11, 1)])
def test_numbers_of_split_area_codes_are_never_called_before_eight_central(area_code, day):
    wide = hours(dict.fromkeys(range(7), (ALL_DAY,)))
    for exchange in ("201", "555", "999"):
        number = read_number(f"+1{area_code}{exchange}0123", country="US", check="possible")
        assert isinstance(number, DialableNumber)
        lane = lane_of(number)
        assert isinstance(lane, Lane)
        eight = local("America/Chicago", day.year, day.month, day.day, 8)
        for minutes in range(1, 11 * 60):
            assert wide.open_until(lane, wallclock=eight - timedelta(minutes=minutes)) is None
        assert wide.open_until(lane, wallclock=eight) is not None


def test_a_window_in_the_hour_that_is_skipped_is_not_called_in_the_hour_before():
    night = hours({6: (read_window("02:15-03:30"),)}, rules=NO_RULES)
    opens = night.opens_at(NEW_YORK, wallclock=eastern(2026, 3, 8, 0))
    assert opens == eastern(2026, 3, 8, 3, 15)
    assert night.open_until(NEW_YORK, wallclock=opens) == eastern(2026, 3, 8, 3, 30)


def test_a_window_within_the_skipped_hour_does_not_open_that_day():
    night = hours({6: (read_window("02:15-02:45"),)}, rules=NO_RULES)
    assert night.opens_at(NEW_YORK, wallclock=eastern(2026, 3, 8, 0)) == eastern(2026, 3, 15, 2, 15)


def test_a_window_that_begins_in_the_hour_that_comes_twice_opens_the_second_time():
    night = hours({6: (read_window("01:30-04:00"),)}, rules=NO_RULES)
    opens = night.opens_at(NEW_YORK, wallclock=eastern(2026, 11, 1, 0))
    assert opens == eastern(2026, 11, 1, 1, 30, fold=1)


def test_a_window_that_ends_in_the_hour_that_comes_twice_closes_the_first_time():
    night = hours({6: (read_window("00:30-01:30"),)}, rules=NO_RULES)
    assert night.open_until(NEW_YORK, wallclock=eastern(2026, 11, 1, 0, 45)) == eastern(2026, 11, 1, 1, 30)


@cache
def jumps(zone: str) -> tuple[datetime, ...]:
    """The instants of 2026 and 2027 at which a zone's clock jumps; a new year when it never does."""
    tz, found = ZoneInfo(zone), []
    day = datetime(2026, 1, 1, tzinfo=UTC)
    while day.year < 2028:
        first, last = day, day + timedelta(days=7)
        if first.astimezone(tz).utcoffset() != last.astimezone(tz).utcoffset():
            while last - first > timedelta(minutes=1):
                middle = first + (last - first) / 2
                same = middle.astimezone(tz).utcoffset() == first.astimezone(tz).utcoffset()
                first, last = (middle, last) if same else (first, middle)
            found.append(last.replace(second=0, microsecond=0))
        day += timedelta(days=7)  # no zone's clock jumps twice within a week
    return tuple(found) or (datetime(2026, 1, 1, tzinfo=UTC),)


@cache
def jumping() -> list[str]:
    """The zones whose clocks jump, in order. Found when a test asks, for there are hundreds of zones to look at."""
    return [zone for zone in sorted(zone_names()) if len(jumps(zone)) > 1]


MINUTES = st.integers(-180, 180)
WINDOW = st.tuples(st.integers(0, 1440), st.integers(0, 1440)).filter(lambda pair: pair[0] < pair[1])
WINDOWS = st.lists(WINDOW.map(lambda pair: Window(*pair)), min_size=1, max_size=3)


@st.composite
def windows_near(draw, zone: str, jump: datetime) -> list[Window]:
    """Windows that begin and end about when the clock jumps."""
    wall = jump.astimezone(ZoneInfo(zone))
    edges = [min(1440, max(0, wall.hour * 60 + wall.minute + draw(MINUTES))) for _ in range(2)]
    opens, closes = sorted(edges)
    return [Window(opens, closes)] if opens < closes else [ALL_DAY]


def is_within(windows: list[Window], zone: str, instant: datetime) -> bool:
    wall = instant.astimezone(ZoneInfo(zone))
    return any(window.opens <= wall.hour * 60 + wall.minute < window.closes for window in windows)


@pytest.mark.slow
@settings(max_examples=5 * settings.default.max_examples)
@given(st.data(), st.deferred(lambda: st.sampled_from(jumping())), st.sampled_from(sorted(zone_names())), st.booleans())
def test_no_lane_is_open_outside_of_its_windows_when_a_clock_jumps(data, zone, other, alone):
    jump = data.draw(st.sampled_from(jumps(zone)))
    windows = data.draw(windows_near(zone, jump) if alone else WINDOWS)
    instant = jump + timedelta(minutes=data.draw(MINUTES))
    zones = {zone} if alone else {zone, other}
    lane = Lane(tuple(sorted(zones)), "ZZ")
    asked = hours(dict.fromkeys(range(7), tuple(windows)), rules=NO_RULES)
    until = asked.open_until(lane, wallclock=instant)
    if until is None:
        opens = asked.opens_at(lane, wallclock=instant)
        assert opens is None or (opens > instant and asked.open_until(lane, wallclock=opens) is not None)
        return
    assert asked.opens_at(lane, wallclock=instant) == instant
    minute = instant
    while minute < until:
        assert all(is_within(windows, each, minute) for each in zones)
        minute += timedelta(minutes=1)
    assert all(is_within(windows, each, until - timedelta(seconds=1)) for each in zones)


@pytest.mark.slow
@pytest.mark.parametrize("edges", [("00:00", "24:00"), ("01:15", "01:45"), ("00:30", "02:30"), ("02:15", "20:00")])
def test_no_zone_in_the_world_is_open_outside_of_a_window_when_its_clock_jumps(edges):
    window = read_window("-".join(edges))
    asked = hours(dict.fromkeys(range(7), (window,)), rules=NO_RULES)
    for zone in jumping():
        lane = Lane((zone,), "ZZ")
        for jump in jumps(zone):
            for minutes in range(-240, 241, 10):
                instant = jump + timedelta(minutes=minutes)
                if asked.open_until(lane, wallclock=instant) is not None:
                    assert is_within([window], zone, instant), (zone, instant)


@given(st.sampled_from(sorted(zone_names())), st.integers(-600, 2040), WINDOWS)
def test_on_days_without_a_change_a_lane_is_open_exactly_within_its_windows(zone, minutes, windows):
    instant = local(zone, 2026, 6, 10) + timedelta(minutes=minutes)
    offsets = {(instant + timedelta(days=days)).astimezone(ZoneInfo(zone)).utcoffset() for days in (-3, 0, 3)}
    asked = hours(dict.fromkeys(range(7), tuple(windows)), rules=NO_RULES)
    is_open = asked.open_until(Lane((zone,), "ZZ"), wallclock=instant) is not None
    assert len(offsets) > 1 or is_open == is_within(windows, zone, instant)


# The lanes of campaigns: windows and law together, and the caps of both.

FLORIDA = Lane(("America/New_York",), "US-FL")


def test_a_lane_is_open_until_its_window_closes_on_its_own_clock():
    assert LAW.open_until(lane(), MONDAY_NOON) == datetime(2026, 3, 2, 18, tzinfo=UTC)
    assert LAW.open_until(lane(window="13:00-14:00"), MONDAY_NOON) is None
    assert LAW.opens_at(lane(window="13:00-14:00"), MONDAY_NOON) == datetime(2026, 3, 2, 18, tzinfo=UTC)


def test_the_law_closes_what_the_window_leaves_open():
    early = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
    assert LAW.open_until(lane(window="06:00-23:00"), early) is None


def test_a_campaign_whose_plan_has_changed_goes_by_the_new_one():
    assert LAW.open_until(lane(campaign_id="same"), MONDAY_NOON) is not None
    assert LAW.open_until(lane(campaign_id="same", window="13:00-14:00"), MONDAY_NOON) is None


def test_a_campaign_without_hours_is_never_open():
    assert LAW.open_until(lane(hours={}, campaign_id="none"), MONDAY_NOON) is None


def test_the_caps_of_the_law_and_of_the_campaign_hold_together():
    own = Cap(1, 60.0)
    telemarketing = lane(FLORIDA, kind=CampaignKind.TELEMARKETING, caps=(own,))
    assert LAW.caps_of(telemarketing) == (Cap(3, 24 * 3600), own)
    assert LAW.caps_of(lane(FLORIDA, caps=(own,))) == (own,)
    debt = lane(kind=CampaignKind.DEBT)
    assert LAW.caps_of(debt) == (Cap(7, 168 * 3600), Cap(1, 168 * 3600, conversations=True))
