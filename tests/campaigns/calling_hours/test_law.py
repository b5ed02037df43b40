"""What the law allows, where and when."""

from datetime import UTC, date, datetime, time

import holidays
import pytest
from pydantic import ValidationError

from telebridge.campaigns.calling_hours.law import (
    AttemptCap,
    CallingRules,
    CountryLaw,
    HoursRule,
    calling_rules,
    is_holiday,
)
from telebridge.campaigns.calling_hours.windows import read_window
from telebridge.campaigns.numbers.regions import zones_of

NINE = {"CA", "GB", "FR", "DE", "ES", "IT", "AU", "IN", "BR"}
MONDAY = date(2026, 3, 2)
SATURDAY = date(2026, 3, 7)
SUNDAY = date(2026, 3, 8)


def hours(day: date, region: str, kind: str = "telemarketing") -> str:
    windows = calling_rules().hours_on(day, region, kind)
    return " ".join(map(str, windows)) or "closed"


def exists(region: str) -> bool:
    country, _, part = region.partition("-")
    return bool(zones_of(region)) or part in holidays.country_holidays(country).subdivisions


@pytest.mark.parametrize("kind", ["telemarketing", "informational", "debt", "other"])
@pytest.mark.parametrize("region", ["US", "US-NY", "GB", "ZZ"])
def test_nobody_is_called_before_eight_or_after_nine(region, kind):
    assert hours(MONDAY, region, kind) == "08:00-21:00"


@pytest.mark.parametrize(
    ("hours_", "states"),
    [
        ("08:00-20:00", "FL OK MD MA AL LA MS WA WY"),
        ("09:00-20:00", "CT NV"),
        ("09:00-21:00", "MI MN NM TX SD IL"),
        ("10:00-21:00", "KY"),
        ("09:00-17:00", "ME"),
        ("09:00-18:00", "RI"),
    ],
)
def test_stricter_states_are_stricter_for_telemarketing_alone(hours_, states):
    for state in states.split():
        assert hours(MONDAY, f"US-{state}") == hours_
        assert hours(MONDAY, f"US-{state}", "informational") == "08:00-21:00"


@pytest.mark.parametrize("state", ["AL", "LA", "MS", "UT", "PA", "RI", "ME", "SD"])
def test_some_states_are_closed_on_sundays(state):
    assert hours(SUNDAY, f"US-{state}") == "closed"


def test_some_states_open_later_at_weekends():
    assert hours(SUNDAY, "US-TX") == "12:00-21:00"
    assert hours(SATURDAY, "US-RI") == "10:00-17:00"
    assert hours(SATURDAY, "US-TX") == "09:00-21:00"


@pytest.mark.parametrize("state", ["AL", "LA", "MS", "PA", "RI", "UT"])
def test_some_states_are_closed_on_their_holidays(state):
    assert hours(date(2026, 11, 26), f"US-{state}") == "closed"
    assert hours(date(2026, 11, 25), f"US-{state}") != "closed"
    assert hours(date(2026, 11, 26), f"US-{state}", "informational") == "08:00-21:00"


def test_a_holiday_is_one_in_its_own_state():
    pioneer_day = date(2026, 7, 24)
    assert is_holiday(pioneer_day, "US-UT")
    assert not is_holiday(pioneer_day, "US-NY")
    assert not is_holiday(pioneer_day, "ZZ")
    assert is_holiday(date(2026, 12, 25), "GB-ZZZ")


def test_a_holiday_that_falls_on_a_weekend_counts_on_the_day_it_is_observed():
    assert is_holiday(date(2026, 7, 3), "US-AL")


@pytest.mark.parametrize(
    ("region", "kind", "caps"),
    [
        ("US-FL", "telemarketing", [(3, 24, False)]),
        ("US-OK", "telemarketing", [(3, 24, False)]),
        ("US-MD", "telemarketing", [(3, 24, False)]),
        ("US-ME", "telemarketing", [(1, 8, False)]),
        ("US-FL", "informational", []),
        ("US-NY", "telemarketing", []),
        ("US-NY", "debt", [(7, 168, False), (1, 168, True)]),
        ("GB", "debt", []),
    ],
)
def test_attempts_are_capped_by_state_and_kind(region, kind, caps):
    found = calling_rules().attempt_caps(region, kind)
    assert [(cap.at_most, cap.within_hours, cap.conversations) for cap in found] == caps


def test_every_rule_names_its_source_and_a_region_that_exists():
    rules: list[HoursRule | AttemptCap] = [*calling_rules().hours, *calling_rules().attempts]
    assert [rule.region for rule in rules if len(rule.source) < 10] == []
    assert [rule.region for rule in rules if rule.region not in ("*", "US") and not exists(rule.region)] == []


def test_the_strictest_of_all_rules_wins():
    common = {"kinds": ("other",), "source": "a test of rules"}
    rules = CallingRules.model_validate(
        {
            "hours": [
                {"region": "*", "hours": "08:00-21:00", **common},
                {"region": "US", "hours": "07:00-20:00", **common},
                {"region": "US-NY", "hours": "10:00-22:00", "sunday": "11:00-12:00", **common},
                {"region": "US-FL", "hours": "closed", **common},
            ],
            "attempts": [],
        }
    )
    assert rules.hours_on(MONDAY, "US-NY", "other") == (read_window("10:00-20:00"),)
    assert rules.hours_on(SUNDAY, "US-NY", "other") == (read_window("11:00-12:00"),)
    assert rules.hours_on(MONDAY, "US-FL", "other") == ()


def test_a_rule_with_an_unknown_key_is_refused():
    with pytest.raises(ValidationError):
        HoursRule.model_validate(
            {"region": "US", "kinds": ["debt"], "hours": "closed", "source": "x", "mondays": "closed"}
        )


def test_old_rules_of_a_country_that_is_called_warn():
    rules = CallingRules(countries=(CountryLaw(country="US", checked=date(2026, 1, 1)),))
    assert rules.warnings(["US-FL"], wallclock=datetime(2026, 6, 1, tzinfo=UTC)) == []
    [warning] = rules.warnings(["US-FL", "US-NY"], wallclock=datetime(2026, 8, 1, tzinfo=UTC))
    assert "the calling rules of US were last checked on 2026-01-01" in warning
    assert rules.version == "2026-01-01"


def test_a_country_without_rules_is_named_with_the_hours_that_hold_there():
    wallclock = datetime.combine(calling_rules().law_of("FR").checked, time(12), UTC)
    [warning] = calling_rules().warnings(["FR", "SE", "JP", "FR+NO"], wallclock=wallclock)
    assert "no calling rules are known of JP, NO, SE: calls go out 08:00-21:00 on every day" in warning


def test_the_laws_of_several_regions_hold_together():
    labor_day = date(2026, 9, 7)
    assert hours(MONDAY, "US-CT+US-KY") == "10:00-20:00"
    assert hours(SUNDAY, "US-AL+US-TX") == hours(labor_day, "US-NY+US-AL") == "closed"
    pioneer_day = date(2026, 7, 24)
    assert hours(pioneer_day, "US-AL+US-UT") == hours(pioneer_day, "US-UT+US-AL") == "closed"


def test_a_part_of_a_country_whose_numbers_do_not_tell_it_closes_the_country():
    assert hours(MONDAY, "BR") == "09:00-18:00"
    assert hours(MONDAY, "BR-SP") == "09:00-21:00"
    assert hours(SATURDAY, "BR-SP") == "10:00-16:00"
    saint_george = date(2026, 4, 23)
    assert is_holiday(saint_george, "BR-RJ")
    assert hours(saint_george, "BR") == "closed"


def test_the_files_of_nine_countries_and_more_say_counsel_must_check_each_fact():
    rules = calling_rules()
    assert {law.country for law in rules.countries} == NINE | {"*", "US"}
    abroad = [one for one in (*rules.hours, *rules.attempts) if one.region != "*" and not one.region.startswith("US")]
    registers = [one for law in rules.countries if law.country != "US" for one in law.registers]
    facts = [*(one.source for one in abroad), *(one.source for one in registers)]
    assert len(facts) > 30
    assert [fact for fact in facts if "counsel must check" not in fact] == []
    assert [fact for fact in facts if "looked up 2026-" not in fact and "not looked up" not in fact] == []
