"""The hours and numbers of attempts that the law allows, from the files of `data`, one for each country.

They are data with a date and a source each, because legislatures change them by the month. Where no file speaks of a
country, the rule of region `*` still holds, and `CallingRules.warnings` says that nothing else is known.

One rule: all rules that fit hold together, so the strictest wins.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr

from telebridge.campaigns.calling_hours.windows import (
    ALL_DAY,
    Window,
    joined,
    read_window,
    within,
)
from telebridge.campaigns.engine.contact import regions_in

CallKind = Literal["telemarketing", "informational", "debt", "other"]
"""What a call is about; most laws speak of telemarketing."""

DayKind = Literal["saturday", "sunday", "holidays", "holiday_eves"]
"""What a day can be besides a day: a rule has a key of that name."""

EVERYWHERE = "*"
TOO_OLD = timedelta(days=183)
SATURDAY, SUNDAY = 5, 6
ONE_DAY = timedelta(days=1)


def _hours(written: object) -> tuple[Window, ...]:
    if written == "closed":
        return ()
    several = written if isinstance(written, list | tuple) else (written,)
    return joined(one if isinstance(one, Window) else read_window(str(one)) for one in several)


Hours = Annotated[tuple[Window, ...], BeforeValidator(_hours)]


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    region: str
    kinds: tuple[CallKind, ...]
    source: Annotated[str, Field(min_length=10)]

    def place(self, region: str, kind: CallKind, partless: frozenset[str]) -> str | None:
        """The place whose calendar it goes by when a call of a kind is made to a region; None when it is silent.

        Args:
            region: One region, not several.
            kind: What the call is about.
            partless: The countries whose numbers do not tell their part: the rules of all parts hold there.
        """
        country = region.partition("-")[0]
        if kind not in self.kinds:
            return None
        if self.region in (EVERYWHERE, region, country):
            return region
        is_of_some_part = region in partless and self.region.startswith(f"{region}-")
        return self.region if is_of_some_part else None


class HoursRule(_Rule):
    """Hours on the wall clock of the person called: one window, several, or "closed" for the whole day.

    Args:
        hours: On every day.
        saturday: Narrower hours on Saturdays; so with Sundays, holidays, and days before a holiday.
        holidays_of: Whose holidays count where the part of the country is not known: those of the whole country, or
            those of any part.
    """

    hours: Hours
    saturday: Hours = (ALL_DAY,)
    sunday: Hours = (ALL_DAY,)
    holidays: Hours = (ALL_DAY,)
    holiday_eves: Hours = (ALL_DAY,)
    holidays_of: Literal["country", "any_part"] = "country"

    def limits(self, day_kinds: Iterable[DayKind]) -> list[tuple[Window, ...]]:
        """The limits of a day that is of some kinds, which hold together."""
        return [self.hours, *(getattr(self, kind) for kind in day_kinds)]

    def day_kinds(self, day: date, place: str) -> list[DayKind]:
        """What a day is in a place."""
        weekend: Mapping[int, DayKind] = {SATURDAY: "saturday", SUNDAY: "sunday"}
        found = [weekend[day.weekday()]] if day.weekday() in weekend else []
        any_part = self.holidays_of == "any_part"
        if self.holidays != (ALL_DAY,) and is_holiday(day, place, any_part=any_part):
            found.append("holidays")
        if self.holiday_eves != (ALL_DAY,) and is_holiday(day + ONE_DAY, place, any_part=any_part):
            found.append("holiday_eves")
        return found


class AttemptCap(_Rule):
    """At most so many attempts at one number within so many hours.

    Args:
        conversations: Only attempts in which a person was spoken to count.
    """

    at_most: Annotated[int, Field(ge=1)]
    within_hours: Annotated[int, Field(gt=0)]
    conversations: bool = False


class RegisterFact(BaseModel):
    """A do-not-call register that a country keeps, for whoever reads the law; `registers.py` enforces it."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str
    source: Annotated[str, Field(min_length=10)]


class CountryLaw(BaseModel):
    """What is known of a country besides its hours and caps.

    Args:
        country: As ISO 3166 spells it; `*` for the rules that hold everywhere.
        territories: Codes of ISO 3166 that its law holds for, or is taken to hold for, besides.
        checked: When somebody last compared its facts with their sources.
        parts_unknown: Its numbers do not tell their part, so the rules of each part hold in all of it.
        registers: Its do-not-call registers.
        not_enforced: What the law asks for besides and the program does not do, as sentences.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    country: str
    checked: date
    territories: tuple[str, ...] = ()
    parts_unknown: bool = False
    registers: tuple[RegisterFact, ...] = ()
    not_enforced: tuple[str, ...] = ()


class _LawFile(CountryLaw):
    hours: tuple[HoursRule, ...] = ()
    attempts: tuple[AttemptCap, ...] = ()


class CallingRules(BaseModel):
    """All rules.

    Args:
        hours: Of all countries.
        attempts: The same.
        countries: The countries that rules are known of.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    hours: tuple[HoursRule, ...] = ()
    attempts: tuple[AttemptCap, ...] = ()
    countries: tuple[CountryLaw, ...] = ()
    _fitting: dict[tuple[str, CallKind], list[tuple[HoursRule, str]]] = PrivateAttr(default_factory=dict)

    @property
    def version(self) -> str:
        """What an attempt keeps, to say later by which rules it was placed: the date of the latest facts."""
        return max((one.checked.isoformat() for one in self.countries), default="")

    def law_of(self, country: str) -> CountryLaw | None:
        """What is known of a country or of a territory; None when nothing is."""
        return next((one for one in self.countries if country in (one.country, *one.territories)), None)

    def hours_on(self, day: date, region: str, kind: CallKind) -> tuple[Window, ...]:
        """The hours of a day in which everybody in a region may be called, in order; none when nobody may be."""
        fitting = self.hours_for(region, kind)
        return _strictest(limit for rule, place in fitting for limit in rule.limits(rule.day_kinds(day, place)))

    def usual_hours(self, region: str, kind: CallKind, day_kinds: Sequence[DayKind] = ()) -> tuple[Window, ...]:
        """The hours of any day that is of some kinds, such as those of a Saturday."""
        return _strictest(limit for rule, _ in self.hours_for(region, kind) for limit in rule.limits(day_kinds))

    def hours_for(self, region: str, kind: CallKind) -> list[tuple[HoursRule, str]]:
        """The rules of hours that hold in a region, each with the place whose calendar it goes by."""
        found = self._fitting.get((region, kind))
        if found is None:
            found = [(rule, place) for rule in self.hours for place in self._places(rule, region, kind)]
            self._fitting[region, kind] = found
        return found

    def attempt_caps(self, region: str, kind: CallKind) -> tuple[AttemptCap, ...]:
        """How often one number may be tried; all of them hold."""
        return tuple(cap for cap in self.attempts if self._places(cap, region, kind))

    def warnings(self, regions: Iterable[str], *, wallclock: datetime) -> list[str]:
        """What to tell whoever calls regions: of which countries no rules are known, and whose rules are old."""
        called = sorted({one.partition("-")[0] for region in regions for one in regions_in(region)})
        known = [law for country in called if (law := self.law_of(country)) is not None]
        unknown = [country for country in called if self.law_of(country) is None]
        told = [
            f"the calling rules of {law.country} were last checked on {law.checked}: compare what `telebridge campaign "
            f"law --country {law.country}` prints with the law as it is now, or ask counsel"
            for law in known
            if wallclock.date() - law.checked > TOO_OLD
        ]
        if unknown:
            told.append(
                f"no calling rules are known of {', '.join(unknown)}: calls go out {_told(self._floor)} on every day, "
                "also on Sundays and holidays; ask counsel, and set [window] and caps to what holds there"
            )
        return told

    @property
    def _floor(self) -> tuple[Window, ...]:
        return self.usual_hours(EVERYWHERE, "telemarketing")

    def _places(self, rule: _Rule, region: str, kind: CallKind) -> list[str]:
        """The places in a region, or in several, of which a rule speaks."""
        partless = frozenset(law.country for law in self.countries if law.parts_unknown)
        places = (rule.place(self._lawful(one), kind, partless) for one in regions_in(region))
        return [place for place in places if place is not None]

    def _lawful(self, region: str) -> str:
        """The region whose law holds: for a territory, that of its country."""
        law = self.law_of(region)
        return region if law is None else law.country


@cache
def calling_rules() -> CallingRules:
    """The rules that telebridge ships.

    Call it once before calls are live: the tables of holidays take a third of a second to load, the first time.
    """
    folder = files("telebridge.campaigns.calling_hours") / "data"
    known = sorted(file.name for file in folder.iterdir() if file.name.endswith(".toml"))
    laws = [_LawFile.model_validate(tomllib.loads((folder / name).read_text(encoding="utf-8"))) for name in known]
    is_holiday(laws[0].checked, "US")
    return CallingRules(
        hours=tuple(rule for law in laws for rule in law.hours),
        attempts=tuple(cap for law in laws for cap in law.attempts),
        countries=tuple(laws),
    )


@lru_cache(maxsize=10_000)
def is_holiday(day: date, region: str, *, any_part: bool = False) -> bool:
    """Whether a day is a public holiday, or observed as one, in a state or country.

    Args:
        day: The day.
        region: One region; of an unknown one no holidays are known.
        any_part: Where the region is a country, the holidays of each of its parts count.
    """
    return day in _holidays(region, day.year, any_part=any_part)


@lru_cache(maxsize=1_000)
def _holidays(region: str, year: int, *, any_part: bool) -> frozenset[date]:
    import holidays  # with the first question: a process without campaigns never asks

    country, _, part = region.partition("-")
    try:
        found = holidays.country_holidays(country, subdiv=part or None, years=year)
    except NotImplementedError:  # how it says that it does not know a country or a part of one
        return frozenset() if not part else _holidays(country, year, any_part=any_part)
    parts = found.subdivisions if any_part and not part else ()
    return frozenset(found).union(*(holidays.country_holidays(country, subdiv=one, years=year) for one in parts))


def _strictest(limits: Iterable[tuple[Window, ...]]) -> tuple[Window, ...]:
    allowed: tuple[Window, ...] = (ALL_DAY,)
    for limit in limits:
        allowed = within(allowed, limit)
    return allowed


def _told(hours: Sequence[Window]) -> str:
    return " and ".join(map(str, hours)) if hours else "never"
