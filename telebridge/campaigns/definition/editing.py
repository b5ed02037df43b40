"""Changes of a campaign file by single keys, and what they change.

One rule: what a person changes is checked as a whole file is; nothing is taken over that a file could not say.
"""

import copy
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from pydantic import BaseModel

from telebridge.campaigns.calling_hours.windows import Window
from telebridge.campaigns.definition.model import DEFAULT_WINDOW, WEEKDAYS, CampaignDefinition, Windows, days_named
from telebridge.campaigns.definition.toml_text import toml_text
from telebridge.campaigns.engine.administration import KeyChange
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.errors import ConfigurationError

CHANGES_WHILE_RUNNING = frozenset(
    {
        *("calls_per_second", "max_live", "priority", "weight", "window", "start_at", "end_at", "from", "ring_timeout"),
        *("max_attempts", "retry", "caps", "on_unknown", "failure_breaker", "webhook", "next_number"),
        *("price_per_minute", "price_per_call"),
    }
)
"""The keys that count from the next call on, whatever is under way."""
CHANGES_WHILE_PAUSED = frozenset(
    {
        *("name", "flow", "kind", "amd", "on_machine", "message_node", "on_screening", "screening_node"),
        *("default_country", "default_zone", "zones", "number_check", "delimiter", "columns", "require_consent"),
    }
)
"""The keys by which contacts are read, or that calls under way still ask for: they need a pause."""
HIDDEN = "(secret)"
EVERY_DAY = {"mon-sun": str(DEFAULT_WINDOW)}
"""The hours of a campaign whose file has no window."""
UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))

KeyAssignment = tuple[tuple[str, ...], Any]
"""A key, with its table's before it, and its value as TOML has it; None removes the key."""


def read_change(written: str) -> KeyAssignment:
    """Read `KEY=VALUE`. The value is TOML, or a text without quotes; nothing behind the `=` removes the key.

    Raises:
        ConfigurationError: It is no such thing.
    """
    key, equals, value = (part.strip() for part in written.partition("="))
    if not equals or not key:
        raise ConfigurationError(f"'{written}'", "is no change", "write KEY=VALUE, such as max_live=20")
    read = _read_value(value) if value else None
    several = key in {"from", "next_number"} and isinstance(read, str) and "," in read
    return key_path(key), [part.strip() for part in str(read).split(",")] if several else read


def key_path(key: str) -> tuple[str, ...]:
    """A key with its table's before it: `max_live` or `retry.busy`.

    Raises:
        ConfigurationError: It has more parts, or an empty one.
    """
    path = tuple(part.strip().strip("\"'") for part in key.split("."))
    if len(path) > 2 or not all(path):
        raise ConfigurationError(
            f"'{key}'", "is no key of a campaign", "write max_live, or retry.busy for one of a table"
        )
    return path


def apply_changes(file: str, changes: Iterable[KeyAssignment]) -> str:
    """Return the text of a campaign file with other values for some keys. Comments are not kept.

    Raises:
        ConfigurationError: A key is to be removed that is not there, or a value cannot stand in a file.
    """
    values = copy.deepcopy(tomllib.loads(file))
    for path, value in changes:
        table = values
        if len(path) == 2:
            table = values.get(path[0], {})
            table = dict(table) if isinstance(table, Mapping) else {}
        if path[0] == "window" and len(path) == 2 and (days := _days(path[1])):
            values["window"] = _with_days(table or EVERY_DAY, days, value)
            continue
        if value is not None:
            table[path[-1]] = value
        elif table.pop(path[-1], None) is None:
            raise ConfigurationError(".".join(path), "is not set, so there is nothing to remove")
        if len(path) == 2:
            values[path[0]] = table
            if not table:
                del values[path[0]]
    try:
        return toml_text(values)
    except (TypeError, RecursionError) as error:
        raise ConfigurationError("changes", "a value cannot stand in a campaign file", str(error)) from error


def key_changes(before: CampaignDefinition, after: CampaignDefinition) -> tuple[KeyChange, ...]:
    """What differs between two definitions, by key; secrets are not told."""
    old, new = shown_keys(before), shown_keys(after)
    keys = [*old, *(key for key in new if key not in old)]
    changes = [KeyChange(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]
    secrets = [None if one.webhook is None else one.webhook.secret for one in (before, after)]
    if secrets[0] != secrets[1] and not any(change.key == "webhook.secret" for change in changes):
        changes.append(KeyChange("webhook.secret", HIDDEN, HIDDEN))
    return tuple(changes)


def need_pause(changes: Iterable[KeyChange]) -> list[str]:
    """The keys among these that must not change while a campaign dials."""
    return [change.key for change in changes if change.key.partition(".")[0] not in CHANGES_WHILE_RUNNING]


def shown_keys(definition: CampaignDefinition) -> dict[str, Any]:
    """All keys of a campaign file with what holds for them, also by default, as plain values in the file's spelling."""
    shown: dict[str, Any] = {}
    for key, value in _fields(definition).items():
        if isinstance(value, BaseModel):
            shown |= {f"{key}.{name}": _plain(each) for name, each in _fields(value).items() if each is not None}
        elif key == "window":
            shown[key] = _shown_windows(value)
        elif value is not None:
            shown[key] = _plain(value)
    if "webhook.secret" in shown:
        shown["webhook.secret"] = HIDDEN
    return shown


def shown_value(value: Any) -> str:
    """A value of `shown_keys` in one line, for people."""
    if value is None or value in ("", [], {}):
        return "nothing"
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case list():
            return ", ".join(map(shown_value, value))
        case Mapping() if set(value) <= {"number", "daily_cap"}:
            cap = value.get("daily_cap")
            return str(value["number"]) + (f" (at most {cap} a day)" if cap is not None else "")
        case Mapping():
            return ", ".join(f"{key} {shown_value(each)}" for key, each in value.items())
        case _:
            return str(value)


def change_text(change: KeyChange) -> str:
    """What an edit has changed, for people: `max_live 10 → 20`."""
    if change.before == change.after == HIDDEN:
        return f"{change.key} is another one"
    return f"{change.key} {shown_value(change.before)} → {shown_value(change.after)}"


def when_edit_counts(campaign: Campaign) -> str:
    """When the processes that dial go by an edit, for people."""
    if campaign.status is CampaignStatus.RUNNING:
        return "every process follows within half a second; live calls go on as they began"
    if campaign.status is CampaignStatus.DONE:
        return f"it is done: `telebridge campaign start {campaign.plan.name}` lets it dial again"
    return "it counts from the next start"


def limit_warnings(limits: Mapping[str, float], changes: Iterable[KeyChange]) -> Iterator[str]:
    """Sentences about new values that are above the limits of the account.

    Args:
        limits: Of all campaigns together, by key.
        changes: What an edit has changed.
    """
    for change in changes:
        limit = limits.get(change.key)
        if limit is not None and isinstance(change.after, int | float) and change.after > limit:
            yield f"campaigns.{change.key} is {limit:g} for all campaigns together: {change.after:g} is never reached"


def _with_days(window: Mapping[str, Any], days: range, hours: Any) -> dict[str, Any]:
    """A table of windows in which some days have other hours, or none; the other days keep theirs."""
    by_day = {WEEKDAYS[day]: of_day for named, of_day in window.items() for day in _days(named)}
    unknown = {named: of_day for named, of_day in window.items() if not _days(named)}
    changed = {WEEKDAYS[day]: hours for day in days}
    known = {day: of_day for day in WEEKDAYS if (of_day := {**by_day, **changed}.get(day)) is not None}
    return {**known, **unknown} or {WEEKDAYS[0]: []}


def _days(named: str) -> range:
    try:
        return days_named(named)
    except ValueError:  # the check of the whole file says what is wrong
        return range(0)


def _read_value(value: str) -> Any:
    if value.startswith("+") or "\n" in value:  # TOML would make a number of a telephone number
        return value
    try:
        read = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return value
    return read["value"]


def _fields(model: BaseModel) -> dict[str, Any]:
    """The fields of a model, and further keys where it takes any, as a file spells them."""
    known = type(model).model_fields
    own = {field.alias or name: getattr(model, name) for name, field in known.items()}
    return {**own, **(model.__pydantic_extra__ or {})}


def _plain(value: Any) -> Any:
    match value:
        case timedelta():
            return _duration_text(value)
        case datetime():
            return value.isoformat()
        case Enum():
            return value.value
        case BaseModel():
            return {key: _plain(each) for key, each in _fields(value).items() if each is not None}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value


def _duration_text(duration: timedelta) -> str:
    seconds = round(duration.total_seconds())
    unit, length = next((unit, length) for unit, length in UNITS if seconds % length == 0)
    return f"{seconds // length}{unit}"


def _shown_windows(windows: Windows) -> dict[str, Any]:
    """Windows by weekday, days in a row with the same windows together: `{"mon-fri": "09:00-20:00"}`."""
    shown: dict[str, Any] = {}
    first = 0
    while first < len(WEEKDAYS):
        last = first
        while last + 1 < len(WEEKDAYS) and windows.get(last + 1, ()) == windows.get(first, ()):
            last += 1
        of_days: tuple[Window, ...] = windows.get(first, ())
        if of_days:
            days = WEEKDAYS[first] if first == last else f"{WEEKDAYS[first]}-{WEEKDAYS[last]}"
            texts = [str(window) for window in of_days]
            shown[days] = texts[0] if len(texts) == 1 else texts
        first = last + 1
    return shown
