"""The lane of a contact: the time zones it may be in, and whose law applies.

What the import knows best counts: a zone of its own, then the postal code, then the number. A number alone gives all
zones of its state or country, because `phonenumbers` puts exchanges that it does not know into one zone of a split area
code, and an hour too early is the one mistake that nobody forgives.

One rule: where the hour cannot be told, there is no lane, unless the campaign's owner answers for one (`default_zone`).
"""

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from telebridge.campaigns.engine.contact import Lane
from telebridge.campaigns.numbers.numbers import DialableNumber
from telebridge.campaigns.numbers.regions import (
    region_of_postal_code,
    regions_of_area_code,
    zone_names,
    zones_of,
)

MOST_ZONES = 4
NEVER_CALLED = frozenset({"premium-rate"})


@dataclass(frozen=True, slots=True)
class NoLane:
    """Why it cannot be told when a contact may be called."""

    reason: str


def lane_of(number: DialableNumber, *, zone: str = "", postal_code: str = "", default_zone: str = "") -> Lane | NoLane:
    """When a contact may be called.

    Args:
        number: Its number.
        zone: Its zone by the IANA database, where the import has it.
        postal_code: Its ZIP code or Canadian postal code; those of other countries say nothing.
        default_zone: The zone that the campaign's owner vouches for where nothing else is known.
    """
    return _lane(_digits_that_count(number), number.country, number.special, zone, postal_code.strip(), default_zone)


def zone_problem(zone: str) -> str:
    """What is wrong with the name of a zone; empty when it is right."""
    if zone in zone_names():
        return ""
    near = get_close_matches(zone, zone_names(), n=1, cutoff=0.6)
    folded = {name.casefold(): name for name in zone_names()}
    close = folded.get(zone.casefold().replace(" ", "_")) or (near[0] if near else "")
    hint = f"; did you mean '{close}'?" if close else "; zones are named like 'America/New_York'"
    return f"'{zone}' is no time zone that people live in{hint}"


def _digits_that_count(number: DialableNumber) -> str:
    """The area code of +1; elsewhere the country says it all."""
    return number.e164[2:5] if number.e164.startswith("+1") else ""


@lru_cache(maxsize=100_000)
def _lane(area_code: str, country: str, special: str, zone: str, postal_code: str, default_zone: str) -> Lane | NoLane:
    if special in NEVER_CALLED:
        return NoLane(f"it is a {special} number")
    region, zones = _of_number(area_code, country, special)
    if postal_code and area_code:
        mailed = region_of_postal_code(postal_code)
        if mailed is None and not zone:
            return NoLane(f"'{postal_code}' is no postal code of a state or province")
        region, zones = (region, zones) if mailed is None else (mailed, zones_of(mailed))
    if zone:
        return NoLane(problem) if (problem := zone_problem(zone)) else Lane((zone,), region)
    if 0 < len(zones) <= MOST_ZONES:
        return Lane(zones, region)
    return Lane((default_zone,), region) if default_zone else NoLane(_why(area_code, country, special, zones))


def _of_number(area_code: str, country: str, special: str) -> tuple[str, tuple[str, ...]]:
    """Where the number itself says that it is."""
    if special:
        return country, ()
    if not area_code:
        return country, zones_of(country)
    regions = regions_of_area_code(area_code)
    zones = {zone for region in regions for zone in zones_of(region)}
    return (regions[0] if len(regions) == 1 else country), tuple(sorted(zones))


def _why(area_code: str, country: str, special: str, zones: tuple[str, ...]) -> str:
    if special:
        unknown = f"it is a number of no place ({special})"
    elif zones:
        place = f"area code {area_code}" if area_code else country
        unknown = f"{place} has {len(zones)} time zones, more than {MOST_ZONES}"
    else:
        unknown = (
            f"where area code {area_code} lies is not known" if area_code else f"no time zone of '{country}' is known"
        )
    return f"{unknown}: give the contact a zone, or the campaign a default_zone"
