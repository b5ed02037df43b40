"""Numbers as people write them."""

import random
import re
import unicodedata

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.campaigns.numbers.numbers import (
    DialableNumber,
    country_exists,
    read_number,
)
from telebridge.campaigns.numbers.punctuation import NumberProblem


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


@pytest.mark.parametrize(
    ("written", "country", "reason"),
    [
        ("313-5550 mom", "US", "'313-5550 mom' has letters ('mom'): write the number alone"),
        ("030 1234567 privat", "DE", "'030 1234567 privat' has letters ('privat'): write the number alone"),
        ("2125550126x", "US", "'2125550126x' has letters ('x'): write the number alone"),
        ("1-800-FLOWERS", "US", "'1-800-FLOWERS' has letters ('FLOWERS'): write the number alone"),
        ("mobile 2125550123", "US", "'mobile 2125550123' has letters ('mobile'): write the number alone"),
        ("212555O123", "US", "'212555O123' has letters ('O'): write the number alone"),
        ("tel:+12125550123", "US", "'tel:+12125550123' has letters ('tel'): write the number alone"),
        ("2125550123*", "US", "'2125550123*' has the character '*': write the number alone"),
        ("2,125,550,123", "US", "'2,125,550,123' has the character ',': write the number alone"),
        ("+1 212 555+0123", "US", "'+1 212 555+0123' has the character '+': write the number alone"),
        (
            "030 1234567/68",
            "DE",
            "'030 1234567/68' has digits behind a slash, of an extension or a second number: write one number alone",
        ),
        ("2125550123", "", "'2125550123' has no country: write it with + and the country's code"),
    ],
)
def test_nothing_is_dropped_or_read_as_keys(written, country, reason):
    assert read_number(written, country=country) == NumberProblem(reason)


@pytest.mark.parametrize(
    "extension",
    [
        "x12",
        " x 12",
        "ext12",
        " ext. 12",
        " Ext: 12",
        " extension 12",
        ";ext=12",
        "#12",
        " #12",
        ",,12",
        " DW 12",
        " Dw. 12",
        " Durchwahl 12",
        " poste 12",
        " int. 12",
        " anexo 12",
        " ramal 12",
        " Apparat 12",
        " (ext. 12)",
        " доб. 12",
    ],
)
def test_a_known_extension_is_named_as_what_it_is(extension):
    read = read_number(f"2125550123{extension}", country="US")
    assert read == NumberProblem(f"'2125550123{extension}' has an extension, which cannot be dialled")


@pytest.mark.parametrize(
    ("written", "country", "e164"),
    [
        ("'+12125550123", "US", "+12125550123"),
        ('="2125550123"', "US", "+12125550123"),
        ("\u202a+1 212 555 0123\u202c", "GB", "+12125550123"),
        ("\ufeff(212)\u2009555\u201401\u00ad23\r\n", "US", "+12125550123"),
        ("(+49) 30 1234567", "US", "+49301234567"),
        ("+44 (0)20 7946 0123", "US", "+442079460123"),
        ("030/1234567", "DE", "+49301234567"),
        ("030 12345-67", "DE", "+49301234567"),
        ("\uff0b\uff14\uff14 20 7946 0123", "US", "+442079460123"),
    ],
)
def test_what_spreadsheets_and_address_books_add_is_no_part_of_a_number(written, country, e164):
    read = read_number(written, country=country)
    assert isinstance(read, DialableNumber)
    assert read.e164 == e164


PREFIXES = {
    "US": ("1", ("", "1", "0111", "01111", "11")),
    "DE": ("49", ("", "0", "49", "490", "0049", "00490")),
    "GB": ("44", ("", "0", "44", "440", "0044", "00440")),
    "FR": ("33", ("", "0", "33", "330", "0033", "00330")),
}
"""A country's calling code, and what may stand before the digits of its numbers."""
NUMBERS = st.sampled_from(
    ["212-555-0123", "+1 313 555 0166", "(0)30 1234567", "+49 30 123456", "020 7946 0123", "06 12 34 56 78", "313-5550"]
)
REMARKS = st.text(st.sampled_from("0123456789 -./()+#,;xXabcmoprivateDWext\u00a0\u00e9\uff13\u0664*~"), max_size=14)


@given(
    st.one_of(
        REMARKS, st.builds("{}{}{}".format, REMARKS, NUMBERS, REMARKS), st.builds("{}{}".format, NUMBERS, REMARKS)
    ),
    st.sampled_from(sorted(PREFIXES)),
    st.sampled_from(["valid", "possible"]),
)
def test_the_digits_of_a_number_are_those_that_were_written(written, country, check):
    """No letter is ever taken, and no digit is added or left out but for a country's and a trunk's prefix."""
    read = read_number(written, country=country, check=check)
    if not isinstance(read, DialableNumber):
        return
    assert not any(character.isalpha() for character in written)
    digits = "".join(str(unicodedata.decimal(each)) for each in written if each.isdecimal())
    explained = {read.e164[1:]}
    for code, prefixes in PREFIXES.values():
        if read.e164.startswith(f"+{code}"):
            explained |= {prefix + read.e164[len(code) + 1 :] for prefix in prefixes}
    with_other_country = {idd + read.e164[1:] for idd in ("00", "011")}
    assert digits in explained | with_other_country
