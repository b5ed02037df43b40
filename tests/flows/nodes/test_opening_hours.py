"""Which countries and parts of countries have holidays that are known."""

from pathlib import Path

import holidays
import pytest

from telebridge.flows.nodes import opening_hours
from telebridge.flows.nodes.opening_hours import require_region

REGIONS = Path(opening_hours.__file__).parent / "data" / "holiday_regions.txt"


def test_the_regions_are_those_of_the_package_of_holidays():
    for country, parts in holidays.list_supported_countries(include_aliases=True).items():
        assert require_region(country) == country
        for part in (part for part in parts if part.isalnum() and part.isascii()):
            assert require_region(f"{country}-{part}") == f"{country}-{part}"
    for unknown in ("XX", "DE-XX", "GB-ZZZ"):
        with pytest.raises(ValueError, match=r"not known|is no part"):
            require_region(unknown)
    named = [line.split() for line in REGIONS.read_text().splitlines() if not line.startswith("#")]
    for country, *parts in named:
        holidays.country_holidays(country)
        assert set(parts) <= set(holidays.list_supported_countries(include_aliases=True)[country])
