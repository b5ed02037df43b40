"""The calling hours of nine countries against the text of their law, as the data files quote it.

Each statement of a rule stands here once more, written by hand and without the program's tables; the holidays of the
whole country in 2026 are written out as well.
"""

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from telebridge.campaigns.calling_hours.hours import CallingHours
from telebridge.campaigns.calling_hours.law import calling_rules, is_holiday
from telebridge.campaigns.calling_hours.windows import ALL_DAY
from telebridge.campaigns.engine.contact import Lane

INSTANTS = 200
FLOOR = ("08:00", "21:00")
"""What telebridge allows anywhere."""

HOLIDAYS = {
    "CA-QC": "01-01 04-03 06-24 07-01 09-07 10-12 12-25",
    "GB": "01-01 04-03 05-04 05-25 12-25",
    "FR": "01-01 04-06 05-01 05-08 05-14 05-25 07-14 08-15 11-01 11-11 12-25",
    "DE": "01-01 04-03 04-06 05-01 05-14 05-25 10-03 12-25 12-26",
    "ES": "01-01 01-06 04-03 05-01 08-15 10-12 12-08 12-25",
    "IT": "01-01 01-06 04-05 04-06 04-25 05-01 06-02 08-15 11-01 12-08 12-25 12-26",
    "AU": "01-01 01-26 04-03 04-06 04-25 12-25",
    "BR": "01-01 04-03 04-21 05-01 09-07 10-12 11-02 11-15 12-25",
}
"""Those of the whole country in 2026; parts of it have more."""


def holiday(day: date, region: str) -> bool:
    return f"{day:%m-%d}" in HOLIDAYS.get(region, "").split()


def between(at: datetime, opens: str, closes: str) -> bool:
    return time.fromisoformat(opens) <= at.time() < time.fromisoformat(closes)


def weekend(at: datetime) -> bool:
    return at.weekday() >= 5


def canada(at):  # between 9:00 and 21:30 on weekdays and between 10:00 and 18:00 on weekends
    return between(at, "10:00", "18:00") if weekend(at) else between(at, "09:00", "21:30")


def quebec_debt(at):  # the same, and 8:00 to 20:00, Monday to Saturday, not on a statutory holiday
    return canada(at) and between(at, "08:00", "20:00") and at.weekday() != 6 and not holiday(at, "CA-QC")


def britain(at):  # none between 21 and 8 Monday to Friday, and 21 to 9 Saturday to Sunday; bank holidays as Sundays
    return between(at, "09:00" if weekend(at) or holiday(at, "GB") else "08:00", "21:00")


def france(at):  # Monday to Friday but on holidays, 10 to 13 and 14 to 20
    is_open = between(at, "10:00", "13:00") or between(at, "14:00", "20:00")
    return is_open and not weekend(at) and not holiday(at, "FR")


def germany(at):  # working days 8 to 20, Saturdays 9 to 18, never on Sundays
    if at.weekday() == 6 or holiday(at, "DE"):
        return False
    return between(at, "09:00", "18:00") if weekend(at) else between(at, "08:00", "20:00")


def spain(at):  # not before 9, not after 21, no holidays, no weekends
    return between(at, "09:00", "21:00") and not weekend(at) and not holiday(at, "ES")


def italy(at):  # 9 to 20 on weekdays, 10 to 19 on Saturdays and days before holidays, never on Sundays and holidays
    if at.weekday() == 6 or holiday(at, "IT"):
        return False
    is_eve = weekend(at) or holiday(at + timedelta(days=1), "IT")
    return between(at, "10:00", "19:00") if is_eve else between(at, "09:00", "20:00")


def italy_debt(at):  # Monday to Friday 8:30 to 21, Saturdays 8:30 to 15, never on Sundays and holidays
    if at.weekday() == 6 or holiday(at, "IT"):
        return False
    return between(at, "08:30", "15:00" if weekend(at) else "21:00")


def australia(at):  # weekdays 9 to 20, Saturdays 9 to 17
    if at.weekday() == 6 or holiday(at, "AU"):
        return False
    return between(at, "09:00", "17:00" if weekend(at) else "20:00")


def australia_debt(at):  # Monday to Friday 7:30 to 21, weekends 9 to 21, none on national holidays
    return between(at, "09:00" if weekend(at) else "07:30", "21:00") and not holiday(at, "AU")


def australia_research(at):  # weekdays 9 to 20:30, Saturdays and Sundays 9 to 17
    return between(at, "09:00", "17:00" if weekend(at) else "20:30") and not holiday(at, "AU")


def india(at):  # 10 to 21
    return between(at, "10:00", "21:00")


def india_debt(at):  # not before 8 and not after 19
    return between(at, "08:00", "19:00")


def brazil(at):  # the country 9 to 21, Saturdays 10 to 16; Rio de Janeiro Monday to Friday 8 to 18
    return between(at, "09:00", "18:00") and not weekend(at) and not holiday(at, "BR")


def brazil_debt(at):  # Espírito Santo: Monday to Friday 8 to 19
    return between(at, "08:00", "19:00") and not weekend(at) and not holiday(at, "BR")


TORONTO = Lane(("America/Toronto",), "CA-ON")
PARIS = Lane(("Europe/Paris",), "FR")
SPAIN = Lane(("Atlantic/Canary", "Europe/Madrid"), "ES")
ROME = Lane(("Europe/Rome",), "IT")
SYDNEY = Lane(("Australia/Sydney",), "AU")
KOLKATA = Lane(("Asia/Kolkata",), "IN")
BRAZIL = Lane(("America/Belem", "America/Campo_Grande", "America/Eirunepe", "America/Noronha"), "BR")

CASES = [
    (TORONTO, "telemarketing", canada),
    (TORONTO, "informational", canada),
    (Lane(("America/Toronto",), "CA-QC"), "debt", quebec_debt),
    (Lane(("Europe/London",), "GB"), "telemarketing", britain),
    (PARIS, "telemarketing", france),
    (Lane(("Europe/Berlin",), "DE"), "telemarketing", germany),
    (SPAIN, "telemarketing", spain),
    (ROME, "telemarketing", italy),
    (ROME, "debt", italy_debt),
    (SYDNEY, "telemarketing", australia),
    (SYDNEY, "debt", australia_debt),
    (SYDNEY, "other", australia_research),
    (KOLKATA, "telemarketing", india),
    (KOLKATA, "debt", india_debt),
    (BRAZIL, "telemarketing", brazil),
    (BRAZIL, "debt", brazil_debt),
]


def instants(lane: Lane, seed: str) -> list[datetime]:
    """Instants of 2026: a third at the edges of hours, a third on holidays and the days around them."""
    chosen = random.Random(seed)
    zone = ZoneInfo(lane.zones[0])
    region = next((one for one in (lane.region, lane.region[:2]) if one in HOLIDAYS), "GB")
    marked = [date.fromisoformat(f"2026-{day}") for day in HOLIDAYS[region].split()]
    found = []
    for at in range(INSTANTS):
        day = date(2026, 1, 2) + timedelta(days=chosen.randrange(360))
        if at % 3 == 0:
            day = chosen.choice(marked) + timedelta(days=chosen.choice((-1, 0, 0, 1)))
        minutes = chosen.randrange(1440)
        if at % 3 == 1:
            minutes = chosen.choice(range(420, 1320, 30)) + chosen.choice((-1, 0, 1))
        local = datetime.combine(day, time(minutes // 60, minutes % 60), zone)
        found.append(local.astimezone(UTC))
    return found


@pytest.mark.parametrize(("lane", "kind", "stated"), CASES, ids=[stated.__name__ + kind for _, kind, stated in CASES])
def test_calling_hours_are_those_of_the_text_of_the_law(lane, kind, stated):
    hours = CallingHours(dict.fromkeys(range(7), (ALL_DAY,)), kind=kind, rules=calling_rules())
    told = set()
    for instant in instants(lane, stated.__name__):
        clocks = [instant.astimezone(ZoneInfo(zone)) for zone in lane.zones]
        is_open = hours.open_until(lane, wallclock=instant) is not None
        allowed = all(stated(at) and between(at, *FLOOR) for at in clocks)
        assert allowed or not is_open, instant
        days = {at.date() + timedelta(days=more) for at in clocks for more in (0, 1)}
        is_ordinary = not any(is_holiday(day, lane.region, any_part=True) for day in days)
        assert is_open or not allowed or not is_ordinary, instant
        told.add(is_open)
    assert told == {True, False}
