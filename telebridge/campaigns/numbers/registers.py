"""The do-not-call registers that the law of a country or a state keeps, by the names under which commands know them.

One rule: only a register of the country that is called counts as compared, and only under its own name; a list of one's
own has none.
"""

import re

from telebridge.campaigns.numbers.numbers import country_exists
from telebridge.campaigns.numbers.regions import zones_of
from telebridge.errors import ConfigurationError

KEEPING = frozenset({"AR", "AU", "BE", "BR", "CA", "ES", "FR", "GB", "IE", "IN", "IT", "MX", "SG", "US"})
"""Countries that keep a register which telemarketing must be compared with. Others may; counsel knows."""

NATIONAL = re.compile(r"([a-z]{2})-national")
OF_A_STATE = re.compile(r"us-([a-z]{2})")


def register_of(country: str) -> str | None:
    """The name of a country's register, `us-national`; None when it keeps none that is known here."""
    return f"{country.lower()}-national" if country in KEEPING else None


def check_register(name: str) -> None:
    """Refuse a name that is no register's.

    Raises:
        ConfigurationError: It is none.
    """
    national, state = NATIONAL.fullmatch(name), OF_A_STATE.fullmatch(name)
    if national and country_exists(national[1].upper()):
        return
    if state and zones_of(f"US-{state[1].upper()}"):
        return
    hint = "write 'us-national', 'gb-national', ... or 'us-fl' for a state's; a list of your own needs no name"
    raise ConfigurationError("--register", f"'{name}' is no register", hint)
