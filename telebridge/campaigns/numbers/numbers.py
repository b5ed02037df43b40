"""Reads telephone numbers as people write them, and returns them in E.164.

It uses `phonenumbers`, Google's metadata of the world's numbering plans. Numbers with the calling code 1 take a faster
path to the same result, because most imports have no others.

One rule: a number that cannot be read without guessing is refused with a reason that its author understands.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

from telebridge.campaigns.numbers.regions import regions_of_area_code

NumberCheck = Literal["valid", "possible"]
"""`valid`: in a range that is given out. `possible`: of the right length, for ranges newer than the metadata."""

AMERICAN = re.compile(r"\+?1?([2-9]\d\d[2-9]\d{6})", re.ASCII)
PUNCTUATION = str.maketrans("", "", " ().-/\t\u00a0\u2010\u2011\u2012\u2013")
SPREADSHEET = re.compile(r"\d+(?:[.,]\d+)?[eE]\+?\d+|\d+\.0")
SEPARATOR = re.compile(r"[;|,/\n]|\bor\b")
FEWEST_DIGITS = 7
TERRITORIES = frozenset({"US-AS", "US-GU", "US-MP", "US-PR", "US-VI"})
WHOLE_CODE, LONGEST_RANGE = 4, 7
"""How many digits the metadata look at: area codes of states are given out whole, others by the thousand."""

LONGEST_WRITTEN = 60
LENGTHS = {
    ValidationResult.TOO_SHORT: "is too short for a number of",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks its area code for a number of",
    ValidationResult.TOO_LONG: "is too long for a number of",
    ValidationResult.INVALID_LENGTH: "has the wrong length for a number of",
}
NOT_PLACED = {
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


@dataclass(frozen=True, slots=True)
class NumberProblem:
    """Why there is no number."""

    reason: str


def read_number(written: str, *, country: str, check: NumberCheck = "valid") -> DialableNumber | NumberProblem:
    """The number that was written.

    Args:
        written: With or without `+` and its country, with any punctuation.
        country: Whose number it is when it has no `+`, by ISO 3166.
        check: How sure it must be that it exists.
    """
    text = written.strip()
    found = AMERICAN.fullmatch(text.translate(PUNCTUATION))
    if found is not None and (text[0] == "+" or is_american(country)) and (text[0] != "+" or "+1" in text[:3]):
        return _american(found[1], check)
    return _unreadable(text) or _read(text, country, check)


def country_exists(country: str) -> bool:
    """Whether numbers of that country are known."""
    return country in phonenumbers.SUPPORTED_REGIONS


@lru_cache(maxsize=300)
def is_american(country: str) -> bool:
    """Whether a country's numbers have the calling code 1: an area code of three digits, and seven more."""
    return phonenumbers.country_code_for_region(country) == 1


def _unreadable(text: str) -> NumberProblem | None:
    if not text:
        return NumberProblem("the number is missing")
    if len(text) > LONGEST_WRITTEN:
        return NumberProblem(f"'{text[:20]}…' is too long for a number")
    if SPREADSHEET.fullmatch(text):
        return NumberProblem(f"'{text}' was rounded by a spreadsheet: make its column text and write the number anew")
    if sum(len(re.findall(r"\d", part)) >= FEWEST_DIGITS for part in SEPARATOR.split(text)) > 1:
        return NumberProblem(f"'{text}' holds more than one number")
    return None


def _read(text: str, country: str, check: NumberCheck) -> DialableNumber | NumberProblem:
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            return NumberProblem(f"'{text}' begins with no country's code")
        if error.error_type == NumberParseException.TOO_LONG:
            return NumberProblem(f"'{text}' is too long for a number")
        if sum(character.isdecimal() for character in text) and not re.search(r"[A-Za-z]", text):
            return NumberProblem(f"'{text}' is too short for a number of {country}")
        return NumberProblem(f"'{text}' is no telephone number")
    if number.extension:
        return NumberProblem(f"'{text}' has an extension, which cannot be dialled")
    return _checked(text, number, check)


def _checked(text: str, number: PhoneNumber, check: NumberCheck) -> DialableNumber | NumberProblem:
    country = phonenumbers.region_code_for_number(number)
    named = country or phonenumbers.region_code_for_country_code(number.country_code or 0)
    if (problem := LENGTHS.get(phonenumbers.is_possible_number_with_reason(number))) is not None:
        return NumberProblem(f"'{text}' {problem} {named}")
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN and check == "valid":
        return NumberProblem(f"'{text}' is in no range that {named} has given out")
    placed = "" if named == "001" else named
    special = NOT_PLACED.get(kind, "") if placed else "international"
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
    number = PhoneNumber(country_code=1, national_number=int(prefix.ljust(10, "0")))
    kind = phonenumbers.number_type(number)
    country = None if kind == PhoneNumberType.UNKNOWN else phonenumbers.region_code_for_number(number)
    return country, NOT_PLACED.get(kind, "")


@lru_cache(maxsize=1000)
def _is_of_a_state(area_code: str) -> bool:
    """Of a state or province: islands have numbering plans of their own."""
    return any("-" in region and region not in TERRITORIES for region in regions_of_area_code(area_code))
