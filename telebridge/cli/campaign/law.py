"""`telebridge campaign law`: the calling hours and caps that are enforced, with their sources."""

import json
from typing import Annotated

import typer

from telebridge.campaigns.calling_hours.law import EVERYWHERE, calling_rules
from telebridge.campaigns.calling_hours.law_view import law_json, law_lines
from telebridge.campaigns.numbers.numbers import country_exists
from telebridge.campaigns.numbers.regions import zones_of
from telebridge.cli.options import JsonOption
from telebridge.cli.process.printing import print_line, print_text
from telebridge.errors import ConfigurationError


def law(
    country: Annotated[
        str | None, typer.Option("--country", help="A country, `FR`, or a part of one, `US-FL`, by ISO 3166.")
    ] = None,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Show what is enforced in a country: hours, caps and registers, each with its source. It is no legal advice.

    Without **--country** it lists the countries of which rules are known.
    """
    rules = calling_rules()
    if country is None:
        known = {one.country: one.checked.isoformat() for one in rules.countries if one.country != EVERYWHERE}
        print_line(json.dumps(known) if json_ else "\n".join(f"{name}  checked {at}" for name, at in known.items()))
        return
    region = country.strip().upper()
    _check_region(region)
    if json_:
        print_line(json.dumps(law_json(rules, region), ensure_ascii=False))
        return
    for line in law_lines(rules, region):
        print_text(line)


def _check_region(region: str) -> None:
    name, _, part = region.partition("-")
    known_part = not part or zones_of(region) or any(rule.region == region for rule in calling_rules().hours)
    if not country_exists(name) or not known_part:
        hint = "write a country as 'FR', or a state or province as 'US-FL'"
        raise ConfigurationError("--country", f"'{region}' is no country or part of one", hint)
