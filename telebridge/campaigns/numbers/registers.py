"""The do-not-call registers of countries and states, by the names that commands use.

One rule: only the import of a register of the called country, under its name, counts as a comparison; a private list
has no such name.
"""

import re

from telebridge.campaigns.numbers.numbers import country_exists
from telebridge.campaigns.numbers.regions import zones_of
from telebridge.errors import ConfigurationError

KEEPING = frozenset({"AR", "AU", "BE", "BR", "CA", "ES", "FR", "GB", "IE", "IN", "IT", "MX", "SG", "US"})
"""Countries with a register with which telemarketing must compare its contacts. Others may exist: ask counsel."""

NATIONAL = re.compile(r"([a-z]{2})-national")
OF_A_STATE = re.compile(r"us-([a-z]{2})")


def register_of(country: str) -> str | None:
    """The name of a country's register, such as `us-national`; None if no register is known."""
    return f"{country.lower()}-national" if country in KEEPING else None


def check_register(name: str) -> None:
    """Check the name of a register.

    Raises:
        ConfigurationError: It is not the name of a register.
    """
    national, state = NATIONAL.fullmatch(name), OF_A_STATE.fullmatch(name)
    if national and country_exists(national[1].upper()):
        return
    if state and zones_of(f"US-{state[1].upper()}"):
        return
    hint = "write 'us-national', 'gb-national', ... or 'us-fl' for a state's; a list of your own needs no name"
    raise ConfigurationError("--register", f"'{name}' is no register", hint)
