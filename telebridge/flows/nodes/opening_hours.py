"""When something is open: hours of the week, holidays, single dates, on the wall clock of a zone.

A window that ends before it begins goes on over midnight and belongs to the day on which it begins. On the days on
which the clock changes the wall clock counts: an hour that comes twice is open twice.

One rule: a date has one set of hours. An exception is looked at first, then whether it is a holiday, then the weekday.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*[-\u2013]\s*(\d{1,2}):(\d\d)")
DAYS = re.compile(r"([a-z]{3})[a-z]*(?:\s*[-\u2013]\s*([a-z]{3})[a-z]*)?")
REGION = re.compile(r"([A-Z]{2,3})(?:-([A-Za-z0-9]+))?")
CLOSED = "closed"
MINUTES_OF_DAY = 24 * 60


class OpeningState(Enum):
    """Whether something is open."""

    OPEN = "open"
    CLOSED = "closed"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class DayWindow:
    """Minutes after midnight from `opens` up to, but without, `closes`, which is the next day's if it is not later."""

    opens: int
    closes: int

    @property
    def crosses_midnight(self) -> bool:
        """Whether it ends on the next day."""
        return self.closes <= self.opens


DayWindows = tuple[DayWindow, ...]


def read_spans(written: str) -> DayWindows:
    """Read hours of a day: `08:00-12:00, 13:00-17:00`, `22:00-06:00`, or `closed`.

    Raises:
        ValueError: They are none.
    """
    if written.strip().casefold() == CLOSED:
        return ()
    return tuple(_read_span(part.strip()) for part in written.split(","))


def _read_span(written: str) -> DayWindow:
    found = SPAN.fullmatch(written)
    if found is None:
        raise ValueError(f"'{written}' are no hours: write 08:00-17:00, several with commas between, or closed")
    opens_hour, opens_minute, closes_hour, closes_minute = map(int, found.groups())
    span = DayWindow(opens_hour * 60 + opens_minute, closes_hour * 60 + closes_minute)
    if max(opens_minute, closes_minute) > 59 or span.opens >= MINUTES_OF_DAY or span.closes > MINUTES_OF_DAY:
        raise ValueError(f"'{written}' are no hours: a day has 24 hours and an hour 60 minutes")
    if span.opens == span.closes:
        raise ValueError(f"'{written}' begins when it ends: write 00:00-24:00 for the whole day")
    return span


def read_days(written: str) -> tuple[int, ...]:
    """Read days of the week as numbers, Monday 0: `mon`, `mon-fri`, `sat, sun`, `daily`.

    Raises:
        ValueError: They are none.
    """
    if written.strip().casefold() == "daily":
        return tuple(range(len(WEEKDAYS)))
    return tuple(day for part in written.casefold().split(",") for day in _read_day_range(part.strip()))


def _read_day_range(written: str) -> Iterator[int]:
    found = DAYS.fullmatch(written)
    first, last = (None, None) if found is None else (found[1], found[2] or found[1])
    if first not in WEEKDAYS or last not in WEEKDAYS:
        raise ValueError(f"'{written}' is no day: write mon, mon-fri, 'sat, sun' or daily")
    at, end = WEEKDAYS.index(first), WEEKDAYS.index(last)
    for offset in range((end - at) % len(WEEKDAYS) + 1):
        yield (at + offset) % len(WEEKDAYS)


def read_date(written: str) -> tuple[int | None, int, int]:
    """Read a date as year, month and day: `2026-12-24`; of `12-24` the year is None, which is every year.

    Raises:
        ValueError: It is none.
    """
    parts = written.strip().split("-")
    try:
        if len(parts) == 2:
            every = date(2024, int(parts[0]), int(parts[1]))  # a leap year, for the 29th of February
            return None, every.month, every.day
        single = date.fromisoformat(written.strip())
    except ValueError:
        raise ValueError(f"'{written}' is no date: write 2026-12-24, or 12-24 for every year") from None
    return single.year, single.month, single.day


def require_region(written: str) -> str:
    """Refuse a country or a part of one whose holidays are not known.

    Raises:
        ValueError: It is not known.
    """
    found = REGION.fullmatch(written.strip())
    if found is None:
        raise ValueError(f"'{written}' is no country: write its code, as DE or US, with a part of it as DE-BY or US-CA")
    country, part = found[1], found[2]
    parts = _regions().get(country)
    if parts is None:
        raise ValueError(f"the holidays of '{country}' are not known")
    if part is not None and part not in parts:
        known = f"it has {', '.join(parts)}" if parts else "it has none"
        raise ValueError(f"'{part}' is no part of {country} with holidays of its own: {known}")
    return written.strip()


@cache
def _regions() -> Mapping[str, tuple[str, ...]]:
    """The countries whose holidays are known, with their parts.

    They are kept in a file because the package of holidays takes a third of a second to import, at each start.
    """
    lines = (Path(__file__).parent / "data" / "holiday_regions.txt").read_text("ascii").splitlines()
    return {country: tuple(parts) for country, *parts in (line.split() for line in lines if not line.startswith("#"))}


@lru_cache(maxsize=256)
def holidays_in(region: str, year: int) -> frozenset[date]:
    """The public holidays of a country, or a part of one, in a year."""
    import holidays

    country, _, part = region.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """The hours of something.

    Args:
        zone: The IANA name of the zone on whose wall clock the hours are, such as Europe/Berlin.
        week: Hours by weekday, Monday 0; a day that is missing is closed.
        exceptions: Hours of single dates, by year, month and day; a year of None is every year.
        holidays: A country such as DE, or a part of one such as DE-BY, closed on its public holidays; empty for none.
    """

    zone: str
    week: Mapping[int, DayWindows] = field(default_factory=dict)
    exceptions: Mapping[tuple[int | None, int, int], DayWindows] = field(default_factory=dict)
    holidays: str = ""

    @classmethod
    def read(
        cls, zone: str, week: Mapping[str, str], exceptions: Mapping[str, str] | None = None, holidays: str = ""
    ) -> "OpeningHours":
        """Read hours as they are written: `OpeningHours.read("Europe/Berlin", {"mon-fri": "08:00-17:00"})`.

        Raises:
            ValueError: Something cannot be read.
        """
        days: dict[int, DayWindows] = {}
        for written, hours in week.items():
            for day in read_days(written):
                days[day] = (*days.get(day, ()), *read_spans(hours))
        dates = {read_date(written): read_spans(hours) for written, hours in (exceptions or {}).items()}
        return cls(zone, days, dates, holidays and require_region(holidays))

    @property
    def tzinfo(self) -> ZoneInfo:
        """The zone."""
        return ZoneInfo(self.zone)

    def at(self, instant: datetime) -> OpeningState:
        """Whether it is open at an aware instant."""
        local = instant.astimezone(self.tzinfo)
        minute, today = local.hour * 60 + local.minute, local.date()
        before = any(span.crosses_midnight and minute < span.closes for span in self._spans(today - timedelta(days=1)))
        if before or any(_has_begun(span, minute) for span in self._spans(today)):
            return OpeningState.OPEN
        return (
            OpeningState.HOLIDAY if self._exception(today) is None and self._is_holiday(today) else OpeningState.CLOSED
        )

    def _spans(self, day: date) -> DayWindows:
        exception = self._exception(day)
        if exception is not None:
            return exception
        return () if self._is_holiday(day) else self.week.get(day.weekday(), ())

    def _exception(self, day: date) -> DayWindows | None:
        single = self.exceptions.get((day.year, day.month, day.day))
        return self.exceptions.get((None, day.month, day.day)) if single is None else single

    def _is_holiday(self, day: date) -> bool:
        return bool(self.holidays) and day in holidays_in(self.holidays, day.year)


def _has_begun(span: DayWindow, minute: int) -> bool:
    return span.opens <= minute and (span.crosses_midnight or minute < span.closes)
