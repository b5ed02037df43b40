"""Telephone numbers as the pages show them before somebody asks for them: the country and the last two digits."""

import re

NUMBER = re.compile(r"\+?[0-9]{5,}")
SHOWN_FIRST, SHOWN_LAST = 4, 2


def masked_number(text: str) -> str:
    """A number, or an address that has one, with most of its digits hidden."""
    return NUMBER.sub(lambda found: _masked(found[0]), text)


def _masked(number: str) -> str:
    first = SHOWN_FIRST if len(number) > SHOWN_FIRST + SHOWN_LAST + 2 else 1
    return f"{number[:first]} ••• ••{number[-SHOWN_LAST:]}"
