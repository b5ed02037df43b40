"""The lane of a contact, from what the import knows of it."""

import pytest

from telebridge.campaigns.engine.contact import Lane
from telebridge.campaigns.numbers.location import NoLane, codes_disagree, lane_of, zone_problem
from telebridge.campaigns.numbers.numbers import DialableNumber, read_number

BOTH = ("America/Chicago", "America/New_York")


def number(e164: str) -> DialableNumber:
    read = read_number(e164, country="US")
    assert isinstance(read, DialableNumber)
    return read


@pytest.mark.parametrize(
    ("e164", "region"), [("+12195550123", "US-IN"), ("+12705550123", "US-KY"), ("+18505550123", "US-FL")]
)
def test_a_number_of_a_split_state_may_be_in_both_of_its_zones(e164, region):
    assert lane_of(number(e164)) == Lane(BOTH, region)


def test_a_number_of_a_country_may_be_in_all_of_its_zones():
    assert lane_of(number("+442079460123")) == Lane(("Europe/London",), "GB")
    assert lane_of(number("+34612345678")) == Lane(("Atlantic/Canary", "Europe/Madrid"), "ES")


def test_a_zone_of_its_own_goes_before_the_postal_code_and_the_number():
    lane = lane_of(number("+12195550123"), zone="America/Denver", postal_code="10001", default_zone="Europe/Paris")
    assert lane == Lane(("America/Denver",), "US-NY")


def test_a_postal_code_goes_before_the_number():
    assert lane_of(number("+13055550123"), postal_code="10001") == Lane(("America/New_York",), "US-NY")
    assert lane_of(number("+12125550123"), postal_code="46320") == Lane(BOTH, "US-IN")


def test_a_postal_code_that_means_nothing_is_no_reason_to_guess():
    assert lane_of(number("+13055550123"), postal_code="ABC") == NoLane(
        "'ABC' is no postal code of a state or province"
    )


def test_a_postal_code_of_another_country_says_nothing():
    assert lane_of(number("+442079460123"), postal_code="10001") == Lane(("Europe/London",), "GB")


def test_a_zone_that_does_not_exist_is_refused_with_the_nearest_name():
    refused = lane_of(number("+12125550123"), zone="america/new york")
    assert refused == NoLane("'america/new york' is no time zone that people live in; did you mean 'America/New_York'?")
    assert "did you mean 'Europe/Paris'" in zone_problem("Europe/Pariss")
    assert "named like" in zone_problem("EST")


@pytest.mark.parametrize(
    ("e164", "reason"),
    [
        ("+61491570156", "AU has 7 time zones, more than 4"),
        ("+18675550123", "area code 867 has 5 time zones, more than 4"),
        ("+18005550123", "it is a number of no place (toll-free)"),
        ("+80012345678", "it is a number of no place (international)"),
    ],
)
def test_where_the_hour_cannot_be_told_there_is_a_lane_only_if_the_owner_answers_for_it(e164, reason):
    hint = "give the contact a zone, or the campaign a default_zone"
    assert lane_of(number(e164)) == NoLane(f"{reason}: {hint}")
    lane = lane_of(number(e164), default_zone="America/New_York")
    assert isinstance(lane, Lane)
    assert lane.zones == ("America/New_York",)


def test_an_area_code_newer_than_the_table_has_no_lane():
    refused = lane_of(DialableNumber("+12005550123", "US"))
    assert isinstance(refused, NoLane)
    assert refused.reason.startswith("where area code 200 lies is not known")


def test_two_provinces_with_one_clock_are_one_lane_under_their_country():
    assert lane_of(number("+19025550123")) == Lane(("America/Halifax",), "CA")


def test_a_premium_rate_number_is_never_called():
    refused = lane_of(number("+19005550123"), zone="America/New_York", default_zone="America/New_York")
    assert refused == NoLane("it is a premium-rate number")


FLORIDIAN = "+13055550123"


def test_a_postal_code_of_another_state_decides_alone_unless_both_shall_count():
    assert lane_of(number(FLORIDIAN), postal_code="98101") == Lane(("America/Los_Angeles",), "US-WA")
    both = lane_of(number(FLORIDIAN), postal_code="98101", both=True)
    assert both == Lane(("America/Chicago", "America/Los_Angeles", "America/New_York"), "US-FL+US-WA")
    assert both.countries == ("US",)


def test_a_zone_that_is_given_is_the_zone_under_the_laws_of_both():
    lane = lane_of(number(FLORIDIAN), zone="America/Los_Angeles", postal_code="98101", both=True)
    assert lane == Lane(("America/Los_Angeles",), "US-FL+US-WA")


@pytest.mark.parametrize(
    ("e164", "postal_code"),
    [(FLORIDIAN, "33101"), (FLORIDIAN, ""), ("+18675550123", "Y1A 1A1"), ("+442079460123", "10001")],
)
def test_codes_that_agree_or_that_tell_nothing_change_no_lane(e164, postal_code):
    plain = lane_of(number(e164), postal_code=postal_code)
    assert lane_of(number(e164), postal_code=postal_code, both=True) == plain
    assert not isinstance(plain, Lane) or not codes_disagree(e164, plain)


def test_codes_of_two_countries_are_called_by_the_law_of_both():
    lane = lane_of(number("+14165550123"), postal_code="10001", both=True)
    assert isinstance(lane, Lane)
    assert lane.region == "CA-ON+US-NY"
    assert lane.countries == ("CA", "US")
    assert codes_disagree("+14165550123", lane)
