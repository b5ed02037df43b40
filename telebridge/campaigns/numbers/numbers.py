"""Reads telephone numbers as people write them, and returns them in E.164.

It uses `phonenumbers`, Google's metadata of the world's numbering plans, imported with the first number: a process
without campaigns never needs it. Numbers with the calling code 1 take a faster path to the same result, because most
imports have no others.

One rule: a number that cannot be read without guessing is refused with a reason that its author understands.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal

from telebridge.campaigns.numbers.punctuation import PUNCTUATION, NumberProblem, unpunctuated
from telebridge.campaigns.numbers.regions import regions_of_area_code

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

NumberCheck = Literal["valid", "possible"]
"""`valid`: in a range that is given out. `possible`: of the right length, for ranges newer than the metadata."""

AMERICAN = re.compile(r"(?:\+1|1?)([2-9]\d\d[2-9]\d{6})", re.ASCII)
TERRITORIES = frozenset({"US-AS", "US-GU", "US-MP", "US-PR", "US-VI"})
WHOLE_CODE, LONGEST_RANGE = 4, 7
"""How many digits the metadata look at: area codes of states are given out whole, others by the thousand."""


@cache
def _lengths() -> Mapping[int, str]:
    """What is wrong with a number's length, by the library's verdict."""
    from phonenumbers import ValidationResult

    return {
        ValidationResult.TOO_SHORT: "is too short for a number of",
        ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks its area code for a number of",
        ValidationResult.TOO_LONG: "is too long for a number of",
        ValidationResult.INVALID_LENGTH: "has the wrong length for a number of",
    }


@cache
def _not_placed() -> Mapping[int, str]:
    """The types of numbers whose digits say nothing of where they ring."""
    from phonenumbers import PhoneNumberType

    return {
        PhoneNumberType.TOLL_FREE: "toll-free",
        PhoneNumberType.PREMIUM_RATE: "premium-rate",
        PhoneNumberType.SHARED_COST: "shared-cost",
        PhoneNumberType.PERSONAL_NUMBER: "personal",
        PhoneNumberType.PAGER: "pager",
        PhoneNumberType.UAN: "company-wide",
        PhoneNumberType.VOICEMAIL: "voicemail",
    }


@dataclass(frozen=True, slots=True)
class DialableNumber:
    """A number that can be called.

    Args:
        e164: As Twilio takes it, `+12125550123`.
        country: By ISO 3166, `US`; empty for numbers of no country.
        special: What it is if its digits say nothing of where it rings: `toll-free`, `premium-rate`, …; else empty.
    """

    e164: str
    country: str
    special: str = ""


def read_number(written: str, *, country: str, check: NumberCheck = "valid") -> DialableNumber | NumberProblem:
    """The number that was written.

    Args:
        written: With or without `+` and its country, with any punctuation.
        country: Whose number it is when it has no `+`, by ISO 3166.
        check: How sure it must be that it exists.
    """
    found = AMERICAN.fullmatch(written.translate(PUNCTUATION))  # by far the most, with no slash behind ten digits
    if found is not None and (found[0][0] == "+" or is_american(country)):
        return _american(found[1], check)
    plain = unpunctuated(written)
    return plain if isinstance(plain, NumberProblem) else _read(written.strip(), plain.digits, country, check)


def country_exists(country: str) -> bool:
    """Whether numbers of that country are known."""
    from phonenumbers import SUPPORTED_REGIONS

    return country in SUPPORTED_REGIONS


@lru_cache(maxsize=300)
def is_american(country: str) -> bool:
    """Whether a country's numbers have the calling code 1: an area code of three digits, and seven more."""
    from phonenumbers import country_code_for_region

    return country_code_for_region(country) == 1


def _read(text: str, digits: str, country: str, check: NumberCheck) -> DialableNumber | NumberProblem:
    """Read digits; `text` is how they were written, for reasons."""
    from phonenumbers import NumberParseException, parse

    try:
        number = parse(digits, country)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and (country or digits[0] == "+"):
            return NumberProblem(f"'{text}' begins with no country's code")
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            return NumberProblem(f"'{text}' has no country: write it with + and the country's code")
        if error.error_type == NumberParseException.TOO_LONG:
            return NumberProblem(f"'{text}' is too long for a number")
        return NumberProblem(f"'{text}' is too short for a number of {country}")
    return _checked(text, number, check)


def _checked(text: str, number: "PhoneNumber", check: NumberCheck) -> DialableNumber | NumberProblem:
    import phonenumbers

    country = phonenumbers.region_code_for_number(number)
    named = country or phonenumbers.region_code_for_country_code(number.country_code or 0)
    if (problem := _lengths().get(phonenumbers.is_possible_number_with_reason(number))) is not None:
        return NumberProblem(f"'{text}' {problem} {named}")
    kind = phonenumbers.number_type(number)
    if kind == phonenumbers.PhoneNumberType.UNKNOWN and check == "valid":
        return NumberProblem(f"'{text}' is in no range that {named} has given out")
    placed = "" if named == "001" else named
    special = _not_placed().get(kind, "") if placed else "international"
    return DialableNumber(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), placed, special)


def _american(digits: str, check: NumberCheck) -> DialableNumber | NumberProblem:
    country, special = _range(digits[:WHOLE_CODE] if _is_of_a_state(digits[:3]) else digits[:LONGEST_RANGE])
    if country is None:
        if check == "valid":
            return NumberProblem(f"'+1{digits}' is in no range that US has given out")
        country = "US"
    return DialableNumber(f"+1{digits}", country, special)


@lru_cache(maxsize=100_000)
def _range(prefix: str) -> tuple[str | None, str]:
    """Country and peculiarity of the numbers that begin so."""
    import phonenumbers

    number = phonenumbers.PhoneNumber(country_code=1, national_number=int(prefix.ljust(10, "0")))
    kind = phonenumbers.number_type(number)
    country = None if kind == phonenumbers.PhoneNumberType.UNKNOWN else phonenumbers.region_code_for_number(number)
    return country, _not_placed().get(kind, "")


@lru_cache(maxsize=1000)
def _is_of_a_state(area_code: str) -> bool:
    """Of a state or province: islands have numbering plans of their own."""
    return any("-" in region and region not in TERRITORIES for region in regions_of_area_code(area_code))
