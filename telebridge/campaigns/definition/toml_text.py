"""Writes plain values as TOML, for campaign files that are changed by a command.

Source: TOML 1.0. `tomllib` reads it and does not write it.

One rule: what is written is read again as the same values.
"""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(values: Mapping[str, Any]) -> str:
    """Return a TOML document: plain keys first, then a table for each mapping; mappings in lists and tables are inline.

    Args:
        values: Strings, numbers, truth values, dates and times, lists, and mappings of these.

    Raises:
        TypeError: A value is none of these.
    """
    plain = {key: value for key, value in values.items() if not isinstance(value, Mapping)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for name, table in values.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{_key(name)}]", *(f"{_key(key)} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return key if BARE_KEY.fullmatch(key) else _string(key)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _string(value)
        case datetime() | date() | time():
            return value.isoformat()
        case Mapping():
            return "{" + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_value, value)) + "]"
        case _:
            raise TypeError(f"TOML has no {type(value).__name__}")


def _string(text: str) -> str:
    """A basic string: JSON's escapes are TOML's too, and DEL needs one besides."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
