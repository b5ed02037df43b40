"""A flow goes on by whether it is open: by its hours on the clock that it is given, or as somebody set it by hand."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.flow_walk import flow_of

from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import Flow
from telebridge.flows.nodes.opening_hours import OpeningHours, OpeningState
from telebridge.flows.nodes.surroundings import FlowSurroundings

BERLIN = ZoneInfo("Europe/Berlin")
CLINIC = OpeningHours.read(
    "Europe/Berlin",
    {"mon-fri": "08:00-12:00, 13:00-17:00", "sat": "22:00-02:00"},
    {"2026-12-24": "08:00-10:00", "12-31": "closed", "2026-01-06": "09:00-10:00"},
    "DE-BY",
)


def state(local, hours=CLINIC):
    return hours.at(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(hours.zone))).value


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-03-02T07:59:59", "closed"),
        ("2026-03-02T08:00", "open"),
        ("2026-03-02T12:00", "closed"),
        ("2026-03-02T13:00", "open"),
        ("2026-03-02T17:00", "closed"),
        ("2026-03-07T21:59", "closed"),
        ("2026-03-07T22:00", "open"),
        ("2026-03-08T01:59", "open"),  # of Saturday's window, over midnight
        ("2026-03-08T02:00", "closed"),
        ("2026-12-24T09:00", "open"),
        ("2026-12-24T14:00", "closed"),  # the exception, not the weekday
        ("2026-12-25T09:00", "holiday"),
        ("2026-12-31T09:00", "closed"),
        ("2031-12-31T09:00", "closed"),  # of every year
        ("2026-01-06T09:30", "open"),  # a holiday of Bavaria with hours of its own
        ("2026-01-06T14:00", "closed"),
        ("2025-01-06T09:30", "holiday"),  # Epiphany, in Bavaria and not in all of Germany
    ],
)
def test_hours_are_those_of_the_date(local, expected):
    assert state(local) == expected


def test_the_wall_clock_counts_on_the_days_on_which_it_changes():
    night = OpeningHours.read("Europe/Berlin", {"sun": "01:30-03:30"})
    spring = [datetime(2026, 3, 29, 0, 45, tzinfo=UTC) + timedelta(minutes=15 * step) for step in range(4)]
    assert [night.at(each).value for each in spring] == ["open", "open", "open", "closed"]  # 01:45, 03:00, 03:15, 03:30
    twice = [datetime(2026, 10, 25, hour, 45, tzinfo=UTC) for hour in (0, 1, 2)]
    assert [night.at(each).value for each in twice] == ["open", "open", "closed"]  # 02:45 twice, then 03:45


@given(st.integers(0, 7 * 366 * 24 * 60))
def test_hours_and_their_complement_are_never_both_open(minutes):
    day = OpeningHours.read("Europe/Berlin", {"daily": "06:00-22:00"})
    night = OpeningHours.read("Europe/Berlin", {"daily": "22:00-06:00"})
    instant = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    assert {day.at(instant), night.at(instant)} == {OpeningState.OPEN, OpeningState.CLOSED}


FLOW = Flow.model_validate(
    {
        "flow": "clinic",
        "zone": "Europe/Berlin",
        "start": "opening",
        "nodes": {
            "opening": {
                "hours": {"week": {"mon-fri": "08:00-17:00"}, "holidays": "DE"},
                "open": "hello",
                "closed": "closed",
                "holiday": "holiday",
            },
            "hello": {"say": "Open at {{ now.strftime('%H:%M') }}.", "then": "bye"},
            "closed": {"say": "Closed.", "then": "bye"},
            "holiday": {"say": "Holiday.", "then": "bye"},
            "bye": {"hang_up": None},
        },
    }
)


def said(local, by_hand=None):
    now = datetime.fromisoformat(local).replace(tzinfo=BERLIN)
    surroundings = FlowSurroundings(lambda: now.astimezone(UTC), {"clinic": by_hand}.get)
    return FlowInterpreter(FLOW, {}, surroundings).start().text


def test_a_flow_goes_on_by_the_clock_that_it_is_given():
    assert said("2026-03-02T09:15") == "Open at 09:15."
    assert said("2026-03-01T09:15") == "Closed."
    assert said("2026-12-25T09:15") == "Holiday."


def test_what_is_set_by_hand_comes_before_the_hours():
    assert said("2026-03-02T09:15", OpeningState.CLOSED) == "Closed."
    assert said("2026-03-01T09:15", OpeningState.OPEN) == "Open at 09:15."
    assert said("2026-03-01T09:15", OpeningState.HOLIDAY) == "Holiday."


def test_a_holiday_without_a_way_of_its_own_is_closed():
    hours = {"week": {"daily": "00:00-24:00"}, "holidays": "US", "zone": "America/New_York"}
    flow = flow_of(
        opening={"hours": hours, "open": "yes", "closed": "no"},
        yes={"say": "Yes.", "then": "no"},
        no={"hang_up": "No."},
    )
    july = FlowSurroundings(lambda: datetime(2026, 7, 4, 18, tzinfo=UTC))
    assert FlowInterpreter(flow, {}, july).start().text == "No."


def test_a_variable_of_the_flow_named_now_stays_its_own():
    flow = flow_of(a={"say": "{{ now }}", "then": "b"}, b={"hang_up": None}, variables={"now": "noon"})
    assert FlowInterpreter(flow, {}, FlowSurroundings(lambda: datetime.now(UTC))).start().text == "noon"
