"""Turns a row of a CSV into a contact, or into a reject with the reason.

One rule: a row is taken as a whole or not at all; any content gives either a contact or a reject.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo

from telebridge.campaigns.definition.model import CampaignDefinition, ColumnTable
from telebridge.campaigns.engine.contact import Lane, NewContact
from telebridge.campaigns.numbers.location import NoLane, lane_of
from telebridge.campaigns.numbers.numbers import read_number
from telebridge.campaigns.numbers.punctuation import NumberProblem
from telebridge.errors import ConfigurationError
from telebridge.flows.inspection import folded_name, matched_variables

MOST_COLUMNS = 500
LONGEST_CELL = 10_000
BROKEN_BYTE = re.compile("[\udc80-\udcff]")
UNSAFE = re.compile(r"\W+", re.ASCII)
RESERVED = frozenset(
    {"and", "as", "elif", "else", "false", "for", "from", "if", "import", "in", "is", "loop", "none", "not", "or"}
    | {"self", "to", "true", "False", "None", "True"}
)
"""Names that templates or flows keep for themselves."""


PHONE_COLUMNS = (
    *("phone", "phonenumber", "mobile", "mobilephone", "mobilenumber", "mobileno", "cell", "cellphone", "cellnumber"),
    *(
        "telephone",
        "telephonenumber",
        "tel",
        "phoneno",
        "primaryphone",
        "phone1",
        "phone1value",
        "homephone",
        "workphone",
    ),
    *("businessphone", "contactnumber", "number", "msisdn", "e164", "handy", "handynummer", "mobil", "mobilnummer"),
    *(
        "telefon",
        "telefonnummer",
        "telefonno",
        "rufnummer",
        "portable",
        "numero",
        "telephonemobile",
        "telefono",
        "movil",
    ),
    *("celular", "cellulare", "telefone", "whatsapp", "téléphone", "numéro", "teléfono", "móvil"),
)
"""What a column of numbers is called, the likeliest first, as `folded_name` makes it."""


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A rejected row.

    Args:
        line: The line in the file where it begins, counted from 1.
        reason: Why, for the author of the file.
        raw: Its original cells.
    """

    line: int
    reason: str
    raw: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """Which cell of a row is what.

    Args:
        header: The columns as the file names them.
        fields: The position of each field that the campaign knows, by its key in `[columns]`.
        variables: The position of every other column, by the name under which a flow knows it.
        needs: The position of each variable that the flow needs, by its name.
        phones: The positions of the numbers, in the order in which they are tried.
    """

    header: tuple[str, ...]
    fields: dict[str, int]
    variables: dict[str, int]
    needs: dict[str, int]
    phones: tuple[int, ...]


def layout_of(header: Sequence[str], columns: ColumnTable, *, where: str, needs: Iterable[str] = ()) -> ColumnLayout:
    """What the header of a file says.

    Args:
        header: Its cells.
        columns: Which of them the campaign asks for.
        where: The file and line, for errors.
        needs: The variables that the flow needs.

    Raises:
        ConfigurationError: A column is missing, there twice, or one of too many.
    """
    names = tuple(name.strip() for name in header)
    if len(names) > MOST_COLUMNS:
        raise ConfigurationError(where, f"has {len(names)} columns, more than {MOST_COLUMNS}", "leave some out")
    twice = next((name for at, name in enumerate(names) if name and name in names[:at]), None)
    if twice is not None:
        raise ConfigurationError(where, f"has two columns '{twice}'", "give each a name of its own")
    fields = _fields(names, columns, where)
    variables = _variables(names, columns, set(fields.values()), where)
    phones = tuple(at for field, at in fields.items() if field.startswith("phone"))
    return ColumnLayout(names, fields, variables, _needed(needs, names, variables, where), phones)


def variable_name(column: str, at: int) -> str:
    """Under which name a flow knows a column: letters, digits and `_` alone, and no word of the template language."""
    name = UNSAFE.sub("_", column).strip("_") or f"column_{at + 1}"
    name = f"_{name}" if name[0].isdecimal() else name
    return f"{name}_" if name in RESERVED else name


def read_row(
    cells: Sequence[str], layout: ColumnLayout, definition: CampaignDefinition, *, line: int
) -> NewContact | RejectedRow:
    """The contact of a row. Cells that are missing at its end are empty: spreadsheets leave them out."""
    if len(cells) < len(layout.header):
        cells = [*cells, *[""] * (len(layout.header) - len(cells))]
    problem = _unreadable(cells, layout)
    if problem:
        return RejectedRow(line, problem, tuple(cells))
    try:
        return _contact(cells, layout, definition)
    except _Refused as refused:
        return RejectedRow(line, str(refused), tuple(cells))


class _Refused(Exception):
    """A row is rejected; the message is the reason."""


def _fields(names: tuple[str, ...], columns: ColumnTable, where: str) -> dict[str, int]:
    """Where each field stands. A column that the campaign names itself must be there, and the number always."""
    fields: dict[str, int] = {}
    for field, column in columns.fields.items():
        at = _position(column, names)
        if at is not None:
            fields[field] = at
        elif field in columns.named:
            raise ConfigurationError(where, f"has no column '{column}'", _near(column, names, field))
    return fields


def _variables(names: tuple[str, ...], columns: ColumnTable, fields: set[int], where: str) -> dict[str, int]:
    """Where each variable of the flow stands: those that the campaign names, and every column that is left."""
    variables: dict[str, int] = {}
    for name, column in columns.variables.items():
        at = _position(column, names)
        if at is None:
            raise ConfigurationError(where, f"has no column '{column}'", _near(column, names, name))
        variables[name] = at
    left = [at for at in range(len(names)) if at not in fields and at not in variables.values()]
    found = {folded_name(name): at for name, at in variables.items()}
    for at in left:
        variable = variable_name(names[at], at)
        other = found.setdefault(folded_name(variable), at)
        if other != at:
            problem = f"the columns '{names[other]}' and '{names[at]}' would both be '{variable}' in a flow"
            raise ConfigurationError(where, problem, "rename one of them")
        variables[variable] = at
    return variables


def _needed(needs: Iterable[str], names: tuple[str, ...], variables: dict[str, int], where: str) -> dict[str, int]:
    """Where each variable stands that the flow needs."""
    found = matched_variables(variables, needs)
    for need in needs:
        if need not in found:
            raise ConfigurationError(where, f"has no column '{need}', which the flow needs", _near(need, names, need))
    return {need: found[need] for need in needs}


def _position(column: str, names: tuple[str, ...]) -> int | None:
    """Where a column stands: under its name, or under one that differs in case and blanks alone."""
    if column in names:
        return names.index(column)
    folded = folded_name(column)
    return next((at for at, name in enumerate(names) if folded and folded_name(name) == folded), None)


def _near(column: str, names: tuple[str, ...], key: str) -> str:
    """A hint at the column that may be meant."""
    by_folded = {folded_name(name): name for name in reversed(names) if name}
    known = next((by_folded[name] for name in PHONE_COLUMNS if name in by_folded), "") if key == "phone" else ""
    if not known:
        near = get_close_matches(folded_name(column), list(by_folded), n=1, cutoff=0.6)
        known = by_folded[near[0]] if near else ""
    if known:
        return f"did you mean '{known}'? Then set columns.{key}"
    if sum(map(bool, names)) == 1 < len(names):
        return "a title stands there: delete the lines above the names of the columns"
    known = f"it has {', '.join(name for name in names[:8] if name)}"
    return known if key == "phone" else f"{known}; set columns.{key} to the one that is meant"


def _unreadable(cells: Sequence[str], layout: ColumnLayout) -> str:
    """What makes a whole row unreadable, looked for in all of its text at once."""
    if len(cells) > len(layout.header):
        return f"has {len(cells)} cells where the header has {len(layout.header)}: is a delimiter in a cell not quoted?"
    text = "".join(cells)
    if len(text) <= LONGEST_CELL and text.isascii() and "\0" not in text:
        return ""
    return next((problem for name, cell in zip(layout.header, cells, strict=True) if (problem := _bad(name, cell))), "")


def _bad(name: str, cell: str) -> str:
    if "\0" in cell:
        return f"column '{name}' holds a NUL character"
    if len(cell) > LONGEST_CELL:
        return f"column '{name}' is longer than {LONGEST_CELL:,} characters"
    if broken := BROKEN_BYTE.search(cell):
        return f"byte 0x{ord(broken[0]) - 0xDC00:02X} in column '{name}' is not UTF-8: save the file as UTF-8"
    return ""


def _contact(cells: Sequence[str], layout: ColumnLayout, definition: CampaignDefinition) -> NewContact:
    def cell(field: str) -> str:
        at = layout.fields.get(field)
        return "" if at is None else cells[at].strip()

    for name, at in layout.needs.items():
        if not cells[at].strip():
            raise _Refused(f"has no {{{{ {name} }}}}, which the flow needs: its column '{layout.header[at]}' is empty")
    places = layout.phones
    if len(places) > 1:  # those that hold a number; the first where none does, for its reason
        places = tuple(at for at in places if cells[at].strip()) or places[:1]
    (phone, lane), *others = [
        _number(cells[at], definition, "" if at == layout.phones[0] else layout.header[at], cell) for at in places
    ]
    consented_at = _instant("consent_at", cell("consent_at"), lane)
    if definition.needs_consent and (consented_at is None or not cell("consent_source")):
        missing = "consent_at" if consented_at is None else "consent_source"
        raise _Refused(f"has no {missing}, which this campaign requires")
    return NewContact(
        phone=phone,
        lane=lane,
        variables={name: cells[at] for name, at in layout.variables.items()},
        priority=_priority(cell("priority")),
        due_at=_instant("due_at", cell("due_at"), lane),
        consented_at=consented_at,
        consent_source=cell("consent_source"),
        others=_each_once(phone, others) if others else (),
    )


def _number(written: str, definition: CampaignDefinition, column: str, cell: Callable[[str], str]) -> tuple[str, Lane]:
    """A number in E.164, and when it may be called; `column` is named in the reason of a reject."""
    number = read_number(written.strip(), country=definition.default_country, check=definition.number_check)
    if isinstance(number, NumberProblem):
        raise _Refused(f"column '{column}': {number.reason}" if column else number.reason)
    lane = lane_of(
        number,
        zone=cell("zone"),
        postal_code=cell("postal_code"),
        default_zone=definition.default_zone,
        both=definition.zones == "both",
    )
    if isinstance(lane, NoLane):
        raise _Refused(f"column '{column}': {lane.reason}" if column else lane.reason)
    return number.e164, lane


def _each_once(first: str, others: Sequence[tuple[str, Lane]]) -> tuple[tuple[str, Lane], ...]:
    """Further numbers, without those that stand in two columns."""
    lanes = {phone: lane for phone, lane in reversed(others) if phone != first}
    return tuple((phone, lanes[phone]) for phone in dict.fromkeys(phone for phone, _ in others) if phone in lanes)


def _priority(written: str) -> int:
    if not written:
        return 0
    if not re.fullmatch(r"[+-]?\d{1,4}", written, re.ASCII) or abs(int(written)) > 1000:
        raise _Refused(f"priority '{written[:20]}' is no whole number from -1000 to 1000")
    return int(written)


def _instant(field: str, written: str, lane: Lane) -> datetime | None:
    """A date, or a date and time; without an offset on the contact's own clock, on the latest if it may be several."""
    if not written:
        return None
    try:
        instant = datetime.fromisoformat(written)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
        return max(instant.replace(tzinfo=_zone(zone)).astimezone(UTC) for zone in lane.zones)
    except (ValueError, OverflowError):
        problem = f"{field} '{written[:40]}' is no date and time: write it as 2026-03-02 or 2026-03-02T09:30-05:00"
        raise _Refused(problem) from None


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
