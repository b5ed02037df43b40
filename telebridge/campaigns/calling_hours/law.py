"""The hours and numbers of attempts that the law allows, from `data/us_calling_rules.toml`.

They are data with a date and a source each, because legislatures change them by the month. Where no rule speaks of a
country, the rule of region `*` still does.

One rule: all rules that fit hold together, so the strictest wins.
"""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Annotated, Literal

import holidays
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from telebridge.campaigns.calling_hours.windows import (
    ALL_DAY,
    Window,
    read_window,
    within,
)

CallKind = Literal["telemarketing", "informational", "debt", "other"]
"""What a call is about; most laws speak of telemarketing."""

EVERYWHERE = "*"
TOO_OLD = timedelta(days=183)
SATURDAY, SUNDAY = 5, 6


def _hours(written: object) -> Window | None:
    return None if written == "closed" else read_window(str(written))


Hours = Annotated[Window | None, BeforeValidator(_hours)]


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    region: str
    kinds: tuple[CallKind, ...]
    source: str

    def fits(self, region: str, kind: CallKind) -> bool:
        """Whether it speaks of calls of that kind to that region."""
        return kind in self.kinds and self.region in (EVERYWHERE, region, region.partition("-")[0])


class HoursRule(_Rule):
    """Hours on the wall clock of the person called; None is closed for the whole day.

    Args:
        hours: On every day.
        saturday: Narrower hours on Saturdays; so with Sundays and holidays.
    """

    hours: Hours
    saturday: Hours = ALL_DAY
    sunday: Hours = ALL_DAY
    holidays: Hours = ALL_DAY

    def limits_on(self, day: date, region: str) -> tuple[Window | None, ...]:
        """The limits of a day in a region, which hold together."""
        limits = [self.hours]
        limits += [self.saturday] if day.weekday() == SATURDAY else []
        limits += [self.sunday] if day.weekday() == SUNDAY else []
        limits += [self.holidays] if self.holidays != ALL_DAY and is_holiday(day, region) else []
        return tuple(limits)


class AttemptCap(_Rule):
    """At most so many attempts at one number within so many hours.

    Args:
        conversations: Only attempts in which a person was spoken to count.
    """

    at_most: Annotated[int, Field(ge=1)]
    within_hours: Annotated[int, Field(gt=0)]
    conversations: bool = False


class CallingRules(BaseModel):
    """All rules.

    Args:
        checked: When somebody last compared them with their sources.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    checked: date
    hours: tuple[HoursRule, ...]
    attempts: tuple[AttemptCap, ...]

    @property
    def version(self) -> str:
        """What an attempt keeps, to say later by which rules it was placed."""
        return self.checked.isoformat()

    def hours_on(self, day: date, region: str, kind: CallKind) -> Window | None:
        """The hours of a day in which everybody in a region may be called; None when nobody may be."""
        allowed: tuple[Window, ...] = (ALL_DAY,)
        for rule in self.hours:
            if rule.fits(region, kind):
                for limit in rule.limits_on(day, region):
                    allowed = within(allowed, limit) if limit is not None else ()
        return allowed[0] if allowed else None

    def attempt_caps(self, region: str, kind: CallKind) -> tuple[AttemptCap, ...]:
        """How often one number may be tried; all of them hold."""
        return tuple(cap for cap in self.attempts if cap.fits(region, kind))

    def age_warning(self, *, wallclock: datetime) -> str:
        """What to tell whoever starts a campaign when the rules are old; empty while they are not."""
        if wallclock.date() - self.checked <= TOO_OLD:
            return ""
        return (
            f"the calling rules were last checked on {self.checked}: laws have changed since, have them checked again"
        )


@cache
def calling_rules() -> CallingRules:
    """The rules that telebridge ships.

    Call it once before calls are live: the tables of holidays take a third of a second to load, the first time.
    """
    text = (files("telebridge.campaigns.calling_hours") / "data" / "us_calling_rules.toml").read_text(encoding="utf-8")
    rules = CallingRules.model_validate(tomllib.loads(text))
    is_holiday(rules.checked, "US")
    return rules


@lru_cache(maxsize=10_000)
def is_holiday(day: date, region: str) -> bool:
    """Whether a day is a public holiday, or observed as one, in a state."""
    return day in _holidays(region, day.year)


@lru_cache(maxsize=1_000)
def _holidays(region: str, year: int) -> Mapping[date, str]:
    country, _, part = region.partition("-")
    try:
        return dict(holidays.country_holidays(country, subdiv=part or None, years=year))
    except NotImplementedError:  # how it says that it does not know a country or a part of one
        return {} if not part else _holidays(country, year)
