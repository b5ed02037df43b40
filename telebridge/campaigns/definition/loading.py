"""Loads campaign files, TOML, and finds every mistake in them.

Whether the flow of a campaign exists is checked by the caller, who knows where flows are.

One rule: a mistake names the file, the line and the key, and what to write instead where that can be known.
"""

import re
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from telebridge.campaigns.calling_hours.law import EVERYWHERE, CallingRules, DayKind, calling_rules
from telebridge.campaigns.calling_hours.windows import within
from telebridge.campaigns.definition.model import (
    PARTS,
    WEEKDAYS,
    CampaignDefinition,
    keys_of,
)
from telebridge.campaigns.numbers.location import zone_problem
from telebridge.campaigns.numbers.numbers import DialableNumber, country_exists, read_number
from telebridge.errors import ConfigurationError

LARGEST_BYTES = 1 << 20
TABLE = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]+")
KEY = re.compile(r"\s*([\w.\"'-]+)\s*=")
PLAIN = {
    "int_type": "is no whole number",
    "int_parsing": "is no whole number",
    "int_from_float": "is no whole number",
    "float_type": "is no number",
    "float_parsing": "is no number",
    "finite_number": "is no number",
}
"""What pydantic says of the format of a value, in the words of this page."""
_WEEKENDS: dict[int, tuple[DayKind, ...]] = {5: ("saturday",), 6: ("sunday",)}
"""What a weekday is for the rules, by its number from Monday, 0."""

Path_ = tuple[str, ...]


def load_campaign(path: Path) -> CampaignDefinition:
    """Load the campaign of a file.

    Raises:
        ConfigurationError: The first mistake in it.
    """
    definition, errors = parse_file(path)
    if errors or definition is None:
        raise errors[0]
    return definition


def read_campaign(text: str, *, where: str) -> CampaignDefinition:
    """Parse the campaign of a text.

    Args:
        text: TOML.
        where: What to call it in errors.

    Raises:
        ConfigurationError: The first mistake in it.
    """
    definition, errors = _read_text(text, where)
    if errors or definition is None:
        raise errors[0]
    return definition


def parse_file(path: Path) -> tuple[CampaignDefinition | None, list[ConfigurationError]]:
    """Return the campaign of a file, None if it has none, and every mistake in it.

    Mistakes of the whole are looked for once all keys are right.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        return None, [ConfigurationError(str(path), f"cannot be read ({error.strerror})")]
    if len(content) > LARGEST_BYTES:
        return None, [ConfigurationError(str(path), "is larger than a mebibyte, which no campaign file is")]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return None, [ConfigurationError(str(path), f"is not TOML: {error}")]
    return _read_text(text, str(path))


def _read_text(text: str, where: str) -> tuple[CampaignDefinition | None, list[ConfigurationError]]:
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        return None, [ConfigurationError(where, f"is not TOML: {error}")]
    file = _File(where, text)
    try:
        definition = CampaignDefinition.model_validate(values)
    except ValidationError as error:
        return None, [file.explained(mistake) for mistake in error.errors()]
    except (RecursionError, OverflowError):
        return None, [ConfigurationError(where, "is nested too deeply, or has a number that is too large")]
    return definition, [file.error(*mistake) for mistake in _mistakes(definition, calling_rules())]


def _mistakes(definition: CampaignDefinition, rules: CallingRules) -> Iterator[tuple[Path_, str, str]]:
    """What contradicts itself or the world although each key is right."""
    if not country_exists(definition.default_country):
        yield ("default_country",), f"'{definition.default_country}' is no country", "write it by ISO 3166, as 'US'"
    else:
        yield from _wrong_numbers(definition)
    if definition.default_zone and (problem := zone_problem(definition.default_zone)):
        yield ("default_zone",), *_halves(problem)
    yield from _closed_windows(definition, rules)
    if definition.start_at and definition.end_at and definition.end_at <= definition.start_at:
        yield ("end_at",), "is not after start_at", ""
    if definition.on_machine == "leave_message" and not definition.message_node:
        yield ("message_node",), "is missing", "on_machine = 'leave_message' needs the node where the message begins"
    if definition.message_node and definition.on_machine != "leave_message":
        yield ("message_node",), "is never used", "set on_machine = 'leave_message', or leave it out"
    if definition.on_screening == "answer" and not definition.screening_node:
        yield ("screening_node",), "is missing", "on_screening = 'answer' needs the node that says who calls"
    if definition.screening_node and definition.on_screening != "answer":
        yield ("screening_node",), "is never used", "set on_screening = 'answer', or leave it out"
    if definition.amd == "off" and "on_machine" in definition.model_fields_set:
        yield ("on_machine",), "is never used, because machines are not looked for", "set amd = 'on', or leave it out"
    if definition.delimiter and (definition.delimiter.isalnum() or definition.delimiter in "\"'\r\n+"):
        yield ("delimiter",), f"{definition.delimiter!r} cannot stand between cells", "',', ';', '|' and '\\t' can"
    yield from _columns_twice(definition)


def _wrong_numbers(definition: CampaignDefinition) -> Iterator[tuple[Path_, str, str]]:
    seen: set[str] = set()
    for at, caller in enumerate(definition.from_):
        number = read_number(caller.number, country=definition.default_country, check="possible")
        if not isinstance(number, DialableNumber):
            yield ("from", str(at), "number"), number.reason, "for example '+12125550123'"
        elif number.e164 in seen:
            yield ("from", str(at), "number"), f"'{caller.number}' is there twice", ""
        else:
            seen.add(number.e164)


def _closed_windows(definition: CampaignDefinition, rules: CallingRules) -> Iterator[tuple[Path_, str, str]]:
    """Windows that are closed in every country, and windows that are all closed in the campaign's own."""
    opens = closed = False
    for weekday, windows in sorted(definition.window.items()):
        legal = rules.usual_hours(EVERYWHERE, definition.kind)
        of_country = rules.usual_hours(definition.default_country, definition.kind, _WEEKENDS.get(weekday, ()))
        for window in windows:
            opens = opens or bool(within([window], of_country))
            if not within([window], legal):
                closed = True
                hint = f"calls of its kind are allowed {' and '.join(map(str, legal))}"
                yield ("window",), f"a window that never opens: {WEEKDAYS[weekday]} {window}", hint
    if any(definition.window.values()) and not opens and not closed:
        country = definition.default_country
        hint = f"`telebridge campaign law --country {country}` has the hours in which such calls are allowed"
        yield ("window",), f"never opens in {country}, the default_country", hint
    if not any(definition.window.values()):
        yield ("window",), "a window that never opens: it names no hours", "write it as mon-fri = '09:00-20:00'"


def _columns_twice(definition: CampaignDefinition) -> Iterator[tuple[Path_, str, str]]:
    seen: dict[str, str] = {}
    for key, column in {**definition.columns.fields, **definition.columns.variables}.items():
        if column in seen:
            yield ("columns", key), f"column '{column}' is '{seen[column]}' already", "each column holds one thing"
        seen.setdefault(column, key)


class _File:
    """One file and where everything in it stands."""

    def __init__(self, where: str, text: str) -> None:
        self._path = where
        self._lines = dict(_places(text))

    def error(self, path: Path_, problem: str, hint: str = "") -> ConfigurationError:
        key = ".".join(path)
        known = (self._lines.get(path[:length]) for length in range(len(path), 0, -1))
        line = next((f":{line}" for line in known if line is not None), "")
        return ConfigurationError(f"{self._path}{line}: {key}" if key else f"{self._path}{line}", problem, hint)

    def explained(self, mistake: ErrorDetails) -> ConfigurationError:
        """A mistake as pydantic tells it, in the words of a campaign's owner."""
        path = tuple(str(part) for part in mistake["loc"])
        if mistake["type"] == "extra_forbidden":
            return self.error(path, "is no key of a campaign", _known_keys(path))
        if mistake["type"] == "missing":
            return self.error(path, "is missing")
        if mistake["type"] == "timezone_aware":
            return self.error(path, "has no time zone", "write it with its offset, as 2026-03-02T09:00:00-05:00")
        if mistake["type"] == "string_too_short" and mistake["input"] == "":
            hint = "write a number of your Twilio account, as '+12125550100'" if path[0] == "from" else ""
            return self.error(path[:1] if path[0] == "from" else path, "is empty", hint)
        if mistake["type"] == "string_pattern_mismatch" and path[0] == "columns":
            return self.error(path[:2], "is no name of a variable", "letters, digits and _ make one")
        if mistake["type"] == "string_pattern_mismatch" and path == ("name",):
            return self.error(path, "is no name of a campaign", "letters, digits, '.', '_' and '-' make one")
        if mistake["type"] == "string_pattern_mismatch" and path == ("default_country",):
            hint = "whose numbers those without + are, by ISO 3166: 'US', 'GB'"
            return self.error(path, f"'{mistake['input']}' is no country", f"write {hint}")
        if words := PLAIN.get(mistake["type"]):
            return self.error(path, "is empty" if mistake["input"] == "" else f"{mistake['input']!r} {words}")
        message = mistake["msg"].removeprefix("Value error, ")
        return self.error(path, *_halves(f"{message[:1].lower()}{message[1:]}{_given(mistake['input'])}"))


def _places(text: str) -> Iterator[tuple[Path_, int]]:
    """The line of each key, near enough: inline tables count as their key, quoted texts of many lines are not told."""
    table: Path_ = ()
    for line, content in enumerate(text.splitlines(), 1):
        if found := TABLE.match(content):
            table = tuple(part.strip(" \"'") for part in found[1].split("."))
            yield table, line
        elif found := KEY.match(content):
            yield (*table, *(part.strip("\"'") for part in found[1].split("."))), line


def _known_keys(path: Path_) -> str:
    *above, key = path
    part = PARTS.get(above[0]) if above else CampaignDefinition
    known = keys_of(part) if part is not None else []
    near = get_close_matches(key, known, n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"


def _given(value: Any) -> str:
    return f", not {value!r}" if isinstance(value, str | int | float) and len(repr(value)) <= 40 else ""


def _halves(problem: str) -> tuple[str, str]:
    """A problem and its hint, where a semicolon parts them."""
    first, _, rest = problem.partition("; ")
    return first, rest
