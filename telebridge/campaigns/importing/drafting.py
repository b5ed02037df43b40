"""A campaign file for a CSV of contacts, from the columns that it has.

One rule: what cannot be known is written as an empty value or a comment, never guessed in silence.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from textwrap import wrap

from telebridge.campaigns.importing.csv_file import ContactFile
from telebridge.campaigns.importing.row import PHONE_COLUMNS, RejectedRow, variable_name
from telebridge.campaigns.numbers.numbers import DialableNumber, is_american, read_number
from telebridge.errors import ConfigurationError
from telebridge.flows.checking import BUILT_IN
from telebridge.flows.inspection import folded_name, used_variables, variables_set_by
from telebridge.flows.model import Flow

SAMPLED_ROWS = 500
COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IT", "AU", "IN", "BR", "NL", "BE", "AT", "CH", "IE", "MX", "PL", "SE", "PT")
ZONE_COLUMNS = ("zone", "timezone", "tz", "timezonename")
POSTAL_COLUMNS = ("postalcode", "zip", "zipcode", "postcode", "zippostalcode", "mailingzip", "mailingpostalcode")
FEWEST_READABLE = 0.5
AS_WELL = 0.5
"""A country is possible when so many numbers exist in it, as a share of those in the country in which most exist."""
WIDTH = 76
"""Of a comment, in characters."""
UNSAFE_IN_NAME = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class SampledList:
    """The header and the first rows of a CSV.

    Args:
        header: The names of its columns.
        rows: Its first rows, as many cells each as the header has.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, at: int) -> list[str]:
        """The cells of a column that hold something."""
        return [row[at] for row in self.rows if row[at].strip()]


@dataclass(frozen=True, slots=True)
class NumberCountry:
    """The country of the numbers in a column that have no `+`.

    Args:
        country: By ISO 3166; empty where the numbers do not tell.
        others: The countries in which they exist as well, or all of them where none is told.
        reason: What tells the country, for people; empty when the numbers do.
    """

    country: str
    others: tuple[str, ...] = ()
    reason: str = ""


def sample_list(path: Path) -> SampledList:
    """Read the header and the first rows of a CSV.

    Raises:
        ConfigurationError: It cannot be read.
    """
    with ContactFile(path) as file:
        header = tuple(name.strip() for name in file.header)
        width = len(header)
        rows = [row[2] for row in islice(file.rows(), SAMPLED_ROWS) if not isinstance(row, RejectedRow)]
    return SampledList(header, tuple(tuple((*row, *[""] * width)[:width]) for row in rows))


def draft_campaign(
    contacts: SampledList, flow: Flow | None, *, name: str, flow_name: str, from_number: str = "", country: str = ""
) -> str:
    """The text of a campaign file.

    Args:
        contacts: What the CSV holds.
        flow: The flow that speaks; None for one in Python, or for none.
        name: The name of the campaign; characters that no name has become `-`.
        flow_name: The flow's.
        from_number: The number that it calls from; empty when it is not known yet.
        country: Whose numbers those without `+` are; empty to find it out from the numbers.

    Raises:
        ConfigurationError: No column holds telephone numbers.
    """
    phone = _phone_column(contacts, country)
    whose = NumberCountry(country) if country else country_of(contacts.column(phone), from_number)
    country = whose.country or whose.others[0]
    columns = {"phone": contacts.header[phone], **_places(contacts.header, country)}
    given = json.dumps(from_number)
    lines = [
        "# docs/campaign-files.md has every key.",
        f"name = {json.dumps(UNSAFE_IN_NAME.sub('-', name).strip('-')[:100] or 'campaign')}",
        f"flow = {json.dumps(flow_name, ensure_ascii=False)}",
        "# What the call is: telemarketing, informational, debt or other. The law asks.",
        'kind = "informational"',
        f"from = {given}" + ("" if from_number else '       # a number of your Twilio account, such as "+12125550100"'),
        *_country_lines(whose, contacts.column(phone)),
        "",
        "[columns]",
    ]
    filled, _ = _variables(contacts.header, flow, set(columns.values()))
    further = _further_phones(contacts, phone, country, {*columns.values(), *filled.values()})
    _, comments = _variables(contacts.header, flow, {*columns.values(), *further})
    lines += [f"{key} = {json.dumps(column, ensure_ascii=False)}" for key, column in {**columns, **filled}.items()]
    if further:
        numbers = json.dumps([columns["phone"], *further], ensure_ascii=False)
        comments[:0] = ["# If these are numbers of the same person, tried in this order:", f"# phone = {numbers}"]
    return "\n".join([*lines, *comments]) + "\n"


def _phone_column(contacts: SampledList, country: str) -> int:
    """The column of numbers: by its name, or by what stands in it."""
    folded = [folded_name(name) for name in contacts.header]
    named = [folded.index(name) for name in PHONE_COLUMNS if name in folded]
    for at in (*named, *(at for at in range(len(folded)) if at not in named)):
        cells = contacts.column(at)
        countries = (country,) if country else COUNTRIES
        if cells and max(_readable_in(cells, each) for each in countries) >= FEWEST_READABLE * len(cells):
            return at
    if named:
        return named[0]
    names = ", ".join(name for name in contacts.header[:8] if name)
    raise ConfigurationError("contacts", "no column holds telephone numbers", f"it has {names}")


def _further_phones(contacts: SampledList, phone: int, country: str, taken: set[str]) -> list[str]:
    """Columns besides the first that hold numbers, too."""
    others = [at for at, name in enumerate(contacts.header) if at != phone and name and name not in taken]
    cells = {at: contacts.column(at) for at in others}
    return [
        contacts.header[at]
        for at in others
        if cells[at] and _readable_in(cells[at], country) >= FEWEST_READABLE * len(cells[at])
    ]


def country_of(numbers: Sequence[str], from_number: str = "") -> NumberCountry:
    """Return the country of national numbers, as far as it is known.

    Most national numbers exist in several countries: a list of `06…` may be German or French. So the numbers tell the
    country only when it is the only one in which they exist. Otherwise those among them that have a `+` tell it, or the
    number that the campaign calls from.

    Args:
        numbers: As they are written.
        from_number: The number that the campaign calls from, in E.164; empty when it is not known.
    """
    whole = {written: country for written in numbers if (country := _country_with_plus(written)) is not None}
    national = [written for written in numbers if written not in whole]
    counts = {country: _readable_in(national, country) for country in COUNTRIES if national}
    most = max(counts.values(), default=0)
    possible = tuple(country for country, count in counts.items() if count >= AS_WELL * most)
    hints = [(country, "as most with + are") for country, _ in Counter(whole.values()).most_common(1)]
    for country, reason in (*hints, (_country_with_plus(from_number), "as `from` is")):
        if country and _readable_in(national, country) >= AS_WELL * most:
            return NumberCountry(country, tuple(each for each in possible if each != country), reason)
    return NumberCountry(possible[0]) if len(possible) == 1 else NumberCountry("", possible or COUNTRIES)


def _country_with_plus(number: str) -> str | None:
    """The country of a number that has a `+`, "" for none; None for any other text."""
    read = read_number(number, country="", check="possible")
    return read.country if isinstance(read, DialableNumber) else None


def _country_lines(whose: NumberCountry, numbers: Sequence[str]) -> list[str]:
    others = ", ".join(whose.others[:8])
    if whose.country:
        readable = f"{_readable_in(numbers, whose.country)} of the first {len(numbers)} can be called"
        reason = f", {whose.reason}" if whose.reason else ""
        alike = f"; they exist in {others}, too" if others else ""
        told = f"Whose numbers those without + are{reason}; {readable}{alike}."
    else:
        told = f"Whose numbers are those without +? These exist in {others} alike."
    return [f"# {line}" for line in wrap(told, WIDTH)] + [f'default_country = "{whose.country}"']


def _readable_in(numbers: Iterable[str], country: str) -> int:
    return sum(isinstance(read_number(written, country=country), DialableNumber) for written in numbers)


def _places(header: Sequence[str], country: str) -> dict[str, str]:
    """The columns that tell where a contact is; postal codes are known of the United States and Canada."""
    known = {"zone": ZONE_COLUMNS, **({"postal_code": POSTAL_COLUMNS} if is_american(country) else {})}
    folded = {folded_name(name): name for name in reversed(header)}
    found = {key: next((folded[name] for name in names if name in folded), "") for key, names in known.items()}
    return {key: column for key, column in found.items() if column}


def _variables(header: Sequence[str], flow: Flow | None, taken: set[str]) -> tuple[dict[str, str], list[str]]:
    """The columns of the variables that a flow uses, and comments on what does not fit."""
    if flow is None:
        return {}, []
    set_in_call = frozenset[str]().union(*(variables_set_by(node) for node in flow.nodes.values()))
    used = sorted(used_variables(flow) - BUILT_IN - set_in_call)
    left = {folded_name(variable_name(name, at)): name for at, name in enumerate(header) if name not in taken}
    filled = {name: left[folded_name(name)] for name in used if folded_name(name) in left}
    comments = []
    for name in used:
        if name in flow.needs and name not in filled:
            comments.append(f'# {name} = ""   # the flow needs {{{{ {name} }}}}: which column has it?')
        elif name not in filled:
            comments.append(f"# no column fills {{{{ {name} }}}}: everybody hears {flow.variables.get(name)!r}")
    if unused := [name for name in left.values() if name and name not in filled.values()]:
        comments.append(f"# no text uses the columns {', '.join(map(repr, unused))}")
    return filled, comments
