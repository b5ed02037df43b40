"""States, provinces and countries, and what tells them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from phonenumbers import PhoneNumber, is_valid_number, timezone

from telebridge.campaigns.numbers.regions import (
    _area_codes,
    _regions,
    _zip_prefixes,
    region_of_postal_code,
    regions_of_area_code,
    zone_names,
    zones_of,
)

SPLIT = ["AK", "AZ", "FL", "ID", "IN", "KS", "KY", "MI", "ND", "NE", "NV", "OR", "SD", "TN", "TX"]


@pytest.mark.parametrize("state", SPLIT)
def test_a_state_on_both_sides_of_a_line_has_both_zones(state):
    assert len(zones_of(f"US-{state}")) == 2


def test_there_are_all_states_and_provinces():
    regions = _regions()
    assert len([region for region in regions if region.startswith("US-")]) == 51 + 5
    assert len([region for region in regions if region.startswith("CA-")]) == 13


def test_every_zone_of_a_region_is_a_zone():
    assert [zone for facts in _regions().values() for zone in facts["zones"] if zone not in zone_names()] == []


def test_every_region_of_an_area_code_is_known():
    assert [region for found in _area_codes().values() for region in found if not zones_of(region)] == []


def test_no_area_code_lies_in_two_states():
    american = {code: found for code, found in _area_codes().items() if found[0].startswith("US-")}
    assert {code: found for code, found in american.items() if len(found) > 1} == {}


@pytest.mark.parametrize(("code", "state"), [("219", "US-IN"), ("270", "US-KY"), ("850", "US-FL"), ("787", "US-PR")])
def test_an_area_code_tells_its_state(code, state):
    assert regions_of_area_code(code) == (state,)


@pytest.mark.parametrize("code", ["800", "900", "500", "200", "xyz", ""])
def test_an_area_code_of_no_place_tells_nothing(code):
    assert regions_of_area_code(code) == ()


def test_no_exchange_has_a_clock_that_its_state_lacks():
    summer, winter = datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 1, 5, 12, tzinfo=UTC)

    def clock(zone: str) -> tuple[timedelta | None, ...]:
        return tuple(at.astimezone(ZoneInfo(zone)).utcoffset() for at in (summer, winter))

    unknown = set()
    american = {code: found for code, found in _area_codes().items() if found[0].startswith("US-")}
    for code, regions in american.items():
        ours = {clock(zone) for region in regions for zone in zones_of(region)}
        for exchange in range(200, 1000, 40):
            number = PhoneNumber(country_code=1, national_number=int(code) * 10_000_000 + exchange * 10_000 + 1234)
            if not is_valid_number(number):
                continue
            theirs = {clock(zone) for zone in timezone.time_zones_for_number(number) if zone != "Etc/Unknown"}
            theirs = set() if len(theirs) > 10 else theirs  # all zones of +1: nothing is known
            unknown |= {(code, regions) for each in theirs - ours}
    assert unknown == set()


@pytest.mark.parametrize(
    ("written", "region"),
    [
        ("33101", "US-FL"),
        ("33101-1234", "US-FL"),
        ("2139", "US-MA"),
        ("501", "US-NY"),
        ("00601", "US-PR"),
        ("88510", "US-TX"),
        ("06390", "US-NY"),
        ("06001", "US-CT"),
        ("96799", "US-AS"),
        ("96701", "US-HI"),
        ("96910", "US-GU"),
        ("k1a 0b1", "CA-ON"),
        ("V6B1A1", "CA-BC"),
    ],
)
def test_a_postal_code_tells_its_state_or_province(written, region):
    assert region_of_postal_code(written) == region


@pytest.mark.parametrize("written", ["", "12", "123456", "ABCDE", "33101-12345", "99", "09001", "96960", "X0A 0H0"])
def test_a_postal_code_of_no_state_tells_nothing(written):
    assert region_of_postal_code(written) is None


def test_no_two_states_share_a_zip_prefix():
    ranges = [
        prefix
        for facts in _regions().values()
        for part in facts.get("zip", "").split()
        for prefix in range(int(part.split("-")[0]), int(part.split("-")[-1]) + 1)
        if len(part.split("-")[0]) == 3
    ]
    assert len(ranges) == len(set(ranges))
    assert len(_zip_prefixes()) == len(ranges) + 7


def test_a_country_has_one_zone_for_each_of_its_clocks():
    assert zones_of("GB") == ("Europe/London",)
    assert zones_of("ES") == ("Atlantic/Canary", "Europe/Madrid")
    assert len(zones_of("BR")) == 4
    assert len(zones_of("AU")) > 4
    assert zones_of("ZZ") == ()


def test_zones_of_no_place_are_no_zones():
    assert not zone_names() & {"UTC", "EST", "GMT", "Etc/GMT+5", "EST5EDT"}
    assert {"America/New_York", "Europe/Paris", "US/Eastern"} <= zone_names()
