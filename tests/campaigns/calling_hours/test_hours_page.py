"""The table of hours in docs/campaigns.md says what the program enforces."""

from pathlib import Path

import pytest

from telebridge.campaigns.calling_hours.law import calling_rules

PAGE = Path(__file__).parents[3] / "docs" / "campaigns.md"
COUNTRIES = {
    "Canada": "CA",
    "United Kingdom": "GB",
    "France": "FR",
    "Germany": "DE",
    "Spain": "ES",
    "Italy": "IT",
    "Australia": "AU",
    "India": "IN",
    "Brazil": "BR",
}


def row(country: str) -> list[str]:
    [line] = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {country} | ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def written(country: str, *day_kinds) -> str:
    windows = calling_rules().usual_hours(country, "telemarketing", day_kinds)
    return ", ".join(str(window).removeprefix("0").replace("-0", "-") for window in windows) or "closed"


@pytest.mark.parametrize(("name", "country"), COUNTRIES.items())
def test_the_page_has_the_hours_and_caps_of_each_country(name, country):
    _, weekdays, saturday, sunday, holidays, attempts, _ = row(name)
    eve = written(country, "holiday_eves")
    usual = written(country)
    assert weekdays == (usual if eve == usual else f"{usual}, before holidays {eve}")
    assert (saturday, sunday) == (written(country, "saturday"), written(country, "sunday"))
    closed = written(country, "holidays")
    assert holidays == ("as any day" if closed == usual else closed)
    caps = calling_rules().attempt_caps(country, "telemarketing")
    spans = [f"{cap.within_hours // 24} days" if cap.within_hours > 24 else "24 hours" for cap in caps]
    assert attempts == ", ".join(f"{cap.at_most} in {span}" for cap, span in zip(caps, spans, strict=True))
