"""States, provinces and countries: their area codes, their postal codes, their time zones.

States and provinces of the calling code 1 come from `data/regions.toml` and `data/area_codes.toml`; all other countries
from the table of the IANA time zone database that the `tzdata` package carries.

One rule: a place has all of its zones, never only the likeliest: exchanges move within an area code, and the area of a
ZIP prefix may cross the border of a zone.
"""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

SAMPLED = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
"""Zones of a country whose clocks agree in all of these years count as one."""


def zones_of(region: str) -> tuple[str, ...]:
    """Every time zone of a region, sorted; empty for an unknown region."""
    known = _regions().get(region)
    return tuple(sorted(known["zones"])) if known is not None else _country_zones(region)


def regions_of_area_code(code: str) -> tuple[str, ...]:
    """The states, provinces or countries of an area code of +1; empty for toll-free, personal and unknown ones."""
    return _area_codes().get(code, ())


def region_of_postal_code(written: str) -> str | None:
    """The state or province of a ZIP code (five digits or nine; zeros at its start may be missing) or Canadian code."""
    text = written.strip().upper()
    if text[:1].isalpha():
        return _letters().get(text[0]) if _is_canadian(text) else None
    zip_code, _, rest = text.partition("-")
    if not zip_code.isdecimal() or not 3 <= len(zip_code) <= 5 or (rest and not (rest.isdecimal() and len(rest) <= 4)):
        return None
    zip_code = zip_code.zfill(5)
    prefixes = _zip_prefixes()
    return next((prefixes[zip_code[:length]] for length in (5, 4, 3) if zip_code[:length] in prefixes), None)


@cache
def zone_names() -> frozenset[str]:
    """The zones that a person can live in: `Europe/Paris`, not `UTC` or `EST`, which have no daylight saving time."""
    listed = (files("tzdata") / "zones").read_text(encoding="utf-8").split()
    return frozenset(name for name in listed if "/" in name and not name.startswith(("Etc/", "SystemV/")))


def _is_canadian(text: str) -> bool:
    return len(text) >= 3 and text[1].isdecimal() and text[2].isalpha()


@cache
def _data(name: str) -> Mapping[str, Any]:
    return tomllib.loads((files("telebridge.campaigns.numbers") / "data" / name).read_text(encoding="utf-8"))


def _regions() -> Mapping[str, Any]:
    regions: Mapping[str, Any] = _data("regions.toml")["regions"]
    return regions


@cache
def _area_codes() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for region, codes in _data("area_codes.toml")["area_codes"].items():
        for code in codes:
            found[str(code)] = (*found.get(str(code), ()), region)
    return found


@cache
def _zip_prefixes() -> Mapping[str, str]:
    return {prefix: region for region, facts in _regions().items() for prefix in _spread(facts.get("zip", ""))}


@cache
def _letters() -> Mapping[str, str]:
    return {letter: region for region, facts in _regions().items() for letter in facts.get("letters", "")}


def _spread(ranges: str) -> Iterator[str]:
    """`010-012 055` into each of its prefixes."""
    for part in ranges.split():
        first, _, last = part.partition("-")
        for number in range(int(first), int(last or first) + 1):
            yield str(number).zfill(len(first))


@cache
def _country_zones(country: str) -> tuple[str, ...]:
    """One zone of a country for each group of zones whose clocks agree."""
    clocks: dict[tuple[timedelta | None, ...], str] = {}
    for name in _listed_zones().get(country, ()):
        clocks.setdefault(_clock(name), name)
    return tuple(sorted(clocks.values()))


@cache
def _listed_zones() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            country, _, name = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), name)
    return found


def _clock(name: str) -> tuple[timedelta | None, ...]:
    """The offsets of a zone from UTC, sampled twice a day."""
    first, last = SAMPLED
    zone = ZoneInfo(name)
    return tuple(
        (first + timedelta(hours=12 * half)).astimezone(zone).utcoffset() for half in range((last - first).days * 2)
    )
