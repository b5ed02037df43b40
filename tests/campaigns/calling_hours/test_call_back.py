"""When somebody is called again who named a better time."""

from datetime import datetime

import pytest

from telebridge.campaigns.calling_hours.call_back import call_back_at
from telebridge.campaigns.engine.contact import Lane
from telebridge.flows.steps import CallBack

ASKED = datetime.fromisoformat("2026-03-02T17:00Z")
LANE = Lane(("America/Chicago", "America/New_York"), "US-IN")


@pytest.mark.parametrize(
    ("wanted", "at"),
    [
        (CallBack(7200.0), "2026-03-02T19:00Z"),
        (CallBack(at=datetime.fromisoformat("2026-03-03T09:30")), "2026-03-03T15:30Z"),
        (CallBack(at=datetime.fromisoformat("2026-03-09T09:30")), "2026-03-09T14:30Z"),
        (CallBack(at=datetime.fromisoformat("2026-03-03T09:30+01:00")), "2026-03-03T08:30Z"),
        (CallBack(at=datetime.fromisoformat("2026-03-02T09:30")), "2026-03-02T17:01Z"),
        (CallBack(5.0), "2026-03-02T17:01Z"),
        (CallBack(at=datetime.fromisoformat("0001-01-01T00:00+14:00")), "2026-03-02T17:01Z"),
    ],
)
def test_a_time_without_a_zone_is_on_the_clock_of_the_first_and_none_has_gone(wanted, at):
    assert call_back_at(wanted, LANE, asked_at=ASKED) == datetime.fromisoformat(at)
