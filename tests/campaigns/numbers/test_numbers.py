"""Numbers as people write them."""

import random
import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.campaigns.numbers.numbers import (
    DialableNumber,
    NumberProblem,
    country_exists,
    read_number,
)


@pytest.mark.parametrize(
    "written",
    [
        "+12125550123",
        "(212) 555-0123",
        "212.555.0123",
        "1-212-555-0123",
        " 212\u00a0555 0123 ",
        "+1 (212) 555\u20110123",
    ],
)
def test_a_number_is_read_however_it_is_punctuated(written):
    assert read_number(written, country="US") == DialableNumber("+12125550123", "US")


def test_a_number_without_plus_is_of_the_default_country():
    assert read_number("020 7946 0123", country="GB") == DialableNumber("+442079460123", "GB")
    assert read_number("011 44 20 7946 0123", country="US") == DialableNumber("+442079460123", "GB")
    assert isinstance(read_number("2125550123", country="GB"), NumberProblem)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "the number is missing"),
        ("   ", "the number is missing"),
        ("12", "'12' is too short for a number of US"),
        ("1", "'1' is too short for a number of US"),
        ("555-0123", "'555-0123' lacks its area code for a number of US"),
        ("212555012345", "'212555012345' is too long for a number of US"),
        ("+1 123 456 7890", "'+1 123 456 7890' is in no range that US has given out"),
        ("+999123456", "'+999123456' begins with no country's code"),
        ("Ada Abbott", "'Ada Abbott' is no telephone number"),
        ("2125550123 x12", "'2125550123 x12' has an extension, which cannot be dialled"),
        ("212-555-0123 / 212-555-0124", "'212-555-0123 / 212-555-0124' holds more than one number"),
        ("2125550123;2125550124", "'2125550123;2125550124' holds more than one number"),
        ("9" * 61, "'99999999999999999999…' is too long for a number"),
    ],
)
def test_what_is_no_number_is_refused_with_a_reason(written, reason):
    assert read_number(written, country="US") == NumberProblem(reason)


@pytest.mark.parametrize("written", ["1.21256E+10", "1,2E10", "12125550123.0"])
def test_a_number_that_a_spreadsheet_rounded_is_not_guessed_at(written):
    problem = read_number(written, country="US")
    assert isinstance(problem, NumberProblem)
    assert "rounded by a spreadsheet" in problem.reason


@pytest.mark.parametrize(
    ("written", "special"),
    [("18005550100", "toll-free"), ("+1 900 555 0100", "premium-rate"), ("+1 500 555 0006", "personal")],
)
def test_a_number_of_no_place_says_what_it_is(written, special):
    assert read_number(written, country="US") == DialableNumber(
        f"+{written.replace(' ', '').lstrip('+')}", "US", special
    )


def test_an_international_number_has_no_country():
    assert read_number("+80012345678", country="US") == DialableNumber("+80012345678", "", "international")


def test_a_possible_number_outside_of_every_range_is_taken_only_when_asked_for():
    assert isinstance(read_number("+12005550123", country="US"), NumberProblem)
    assert read_number("+12005550123", country="US", check="possible") == DialableNumber("+12005550123", "US")


@given(st.integers(min_value=2_000_000_000, max_value=9_999_999_999))
def test_the_short_way_for_american_numbers_agrees_with_the_long_one(national):
    number = phonenumbers.PhoneNumber(country_code=1, national_number=national)
    read = read_number(f"+1{national}", country="US")
    assert isinstance(read, DialableNumber) == phonenumbers.is_valid_number(number)
    if isinstance(read, DialableNumber):
        assert read.country == phonenumbers.region_code_for_number(number)


def test_the_short_way_agrees_with_the_long_one_in_every_area_code():
    chance = random.Random(5)
    wrong = []
    for code in range(200, 1000):
        for _ in range(12):
            national = code * 10_000_000 + chance.randrange(2_000_000, 10_000_000)
            number = phonenumbers.PhoneNumber(country_code=1, national_number=national)
            country = phonenumbers.region_code_for_number(number) if phonenumbers.is_valid_number(number) else None
            read = read_number(f"+1{national}", country="US")
            if (read.country if isinstance(read, DialableNumber) else None) != country:
                wrong.append(national)
    assert wrong == []


@given(st.text(max_size=80))
def test_whatever_is_written_comes_out_as_a_number_or_a_reason(written):
    read = read_number(written, country="US")
    assert isinstance(read, NumberProblem) or re.fullmatch(r"\+[0-9]{5,15}", read.e164)


def test_digits_of_other_scripts_are_digits():
    assert read_number("\u0662\u0661\u0662\u0665\u0665\u0665\u0660\u0661\u0662\u0663", country="US") == DialableNumber(
        "+12125550123", "US"
    )
    assert read_number("2\u06612555012\u0663", country="US") == DialableNumber("+12125550123", "US")


def test_countries_are_known_by_their_codes():
    assert country_exists("US")
    assert not country_exists("XX")
