"""The lane of a contact: the time zones it may be in, and whose law applies.

The most exact field of the import decides: the zone, then the postal code, then the number. A number alone gives all
zones of its state or country, because `phonenumbers` assigns unknown exchanges of a split area code to one of its
zones, and no call may come an hour too early.

One rule: if the local time cannot be determined there is no lane, unless the campaign's owner sets `default_zone`.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache

from telebridge.campaigns.engine.contact import Lane, joined_regions, regions_in
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
    """Why the legal hours of a contact cannot be determined."""

    reason: str


def lane_of(
    number: DialableNumber, *, zone: str = "", postal_code: str = "", default_zone: str = "", both: bool = False
) -> Lane | NoLane:
    """Return the time zones and the law that decide when a contact may be called.

    Args:
        number: Its number.
        zone: Its zone in the IANA database, if the import has it.
        postal_code: Its ZIP code or Canadian postal code; those of other countries are ignored.
        default_zone: The zone set by the campaign's owner for contacts of unknown place.
        both: Where the postal code and the area code disagree, the zones and the laws of both count.
    """
    area_code = _digits_that_count(number.e164)
    lane = _lane(area_code, number.country, number.special, zone, postal_code.strip(), default_zone)
    if not both or not isinstance(lane, Lane) or not codes_disagree(number.e164, lane):
        return lane
    by_number = _lane(area_code, number.country, number.special, zone, "", default_zone)
    if not isinstance(by_number, Lane):
        return by_number
    zones = (zone,) if zone else tuple(sorted({*lane.zones, *by_number.zones}))
    return Lane(zones, joined_regions((lane.region, by_number.region)))


def codes_disagree(e164: str, lane: Lane) -> bool:
    """Whether a contact's postal code, which made its lane, names another state than its area code.

    A number moves with its owner, or its owner lives beyond the border; the calling hours of the two may differ.
    """
    of_number = regions_of_area_code(_digits_that_count(e164))
    stated = [region for region in regions_in(lane.region) if "-" in region]
    return bool(of_number) and any(region not in of_number for region in stated)


def zone_problem(zone: str) -> str:
    """Return the mistake in the name of a zone; empty if there is none."""
    if zone in zone_names():
        return ""
    near = get_close_matches(zone, zone_names(), n=1, cutoff=0.6)
    folded = {name.casefold(): name for name in zone_names()}
    close = folded.get(zone.casefold().replace(" ", "_")) or (near[0] if near else "")
    hint = f"; did you mean '{close}'?" if close else "; zones are named like 'America/New_York'"
    return f"'{zone}' is no time zone that people live in{hint}"


def _digits_that_count(e164: str) -> str:
    """The area code of a +1 number; empty for other numbers, whose country is enough."""
    return e164[2:5] if e164.startswith("+1") else ""


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
        return NoLane(problem) if (problem := zone_problem(zone)) else _shared_lane((zone,), region)
    if 0 < len(zones) <= MOST_ZONES:
        return _shared_lane(zones, region)
    return _shared_lane((default_zone,), region) if default_zone else NoLane(_why(area_code, country, special, zones))


@cache
def _shared_lane(zones: tuple[str, ...], region: str) -> Lane:
    """One object for equal lanes: a batch of rows goes from process to process with each of them once."""
    return Lane(zones, region)


def _of_number(area_code: str, country: str, special: str) -> tuple[str, tuple[str, ...]]:
    """The place that follows from the number itself."""
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
