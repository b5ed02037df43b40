"""Prints telebridge/campaigns/numbers/data/area_codes.toml anew from the metadata of `phonenumbers`.

Every area code of +1 is asked for the place of a few hundred of its exchanges. All places of a code count, so that a
code that two provinces share stands under both. Codes of no place (toll-free, 5xx, 900) stand nowhere.
"""

import sys
import textwrap
from collections import Counter, defaultdict
from datetime import UTC, datetime

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, geocoder

PLACED = {PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
FEWEST_SHARE = 0.02
TERRITORIES = {"AS", "GU", "MP", "PR", "VI"}
NAMES = """
AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|DC Washington D.C.|
FL Florida|GA Georgia|HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|
MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|MT Montana|NE Nebraska|NV Nevada|
NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|
OR Oregon|PA Pennsylvania|RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont|
VA Virginia|WA Washington State|WV West Virginia|WI Wisconsin|WY Wyoming|AB Alberta|BC British Columbia|
BC British Colombia|MB Manitoba|NB New Brunswick|NL Newfoundland and Labrador|NT Northwest Territories|NS Nova Scotia|
NU Nunavut|ON Ontario|PE Prince Edward Island|QC Quebec|SK Saskatchewan|YT Yukon
"""
CODES = {name: code for code, name in (line.strip().split(" ", 1) for line in NAMES.replace("\n", "").split("|"))}


def main() -> None:
    codes: dict[str, set[int]] = defaultdict(set)
    for code in range(200, 1000):
        for region in regions(code):
            codes[region].add(code)
    print("# The area codes of +1 by state, province and country. Written by scripts/area-codes.py.")
    print(f'source = "phonenumbers {phonenumbers.__version__}, geocoding data in English"')
    print(f"checked = {datetime.now(UTC).date()}\n\n[area_codes]")
    for region, found in sorted(codes.items()):
        numbers = ", ".join(map(str, sorted(found)))
        wrapped = textwrap.wrap(numbers, 110)
        if len(wrapped) == 1:
            print(f"{region} = [{numbers}]")
        else:
            print(f"{region} = [")
            print(textwrap.indent("\n".join(wrapped) + ",", "  "))
            print("]")


def regions(code: int) -> set[str]:
    """Where a code lies; a place that hardly any of its exchanges has is a slip of the data or of a border town."""
    found: Counter[str] = Counter()
    for exchange in range(200, 1000):
        number = PhoneNumber(country_code=1, national_number=code * 10_000_000 + exchange * 10_000 + 1234)
        if phonenumbers.number_type(number) not in PLACED:
            continue
        country = phonenumbers.region_code_for_number(number)
        if country in TERRITORIES:
            found[f"US-{country}"] += 1
        elif country in ("US", "CA"):
            found.update(f"{country}-{part}" for part in parts(geocoder.description_for_number(number, "en"), code))
        else:
            found[country] += 1
    return {region for region, count in found.items() if count >= FEWEST_SHARE * found.total()}


def parts(described: str, code: int) -> set[str]:
    """`Gary, IN`, `Indiana` and `Nova Scotia/Prince Edward Island` into codes."""
    place = described.rpartition(", ")[2]
    if place in CODES.values():
        return {place}
    known = {CODES[name] for name in place.split("/") if name in CODES}
    if not known:
        sys.stderr.write(f"{code}: {described!r} is no state\n")
    return known


if __name__ == "__main__":
    main()
