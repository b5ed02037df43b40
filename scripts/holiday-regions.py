"""Prints telebridge/flows/nodes/data/holiday_regions.txt anew from the package of holidays."""

import re
import sys

import holidays

NAME = re.compile(r"[A-Za-z0-9]+")


def text() -> str:
    """The file: a country in each line, with the parts that have holidays of their own."""
    lines = [f"# Countries and their parts in holidays {holidays.__version__}. Written by scripts/holiday-regions.py."]
    for country, parts in sorted(holidays.list_supported_countries(include_aliases=True).items()):
        lines.append(" ".join([country, *(part for part in parts if NAME.fullmatch(part))]))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
