"""The verbs of a flow file and their fields, as tables: for the page on flows and for `telebridge flow fields`.

One rule: nothing is written here; fields and defaults are the models', and what they mean is in `field_notes`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from telebridge.flows.field_notes import note, parts

REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field of a part.

    Args:
        field: As a file spells it.
        default: What holds without it, as a file would spell it; "required", or empty where nothing holds.
        note: What it means.
    """

    field: str
    default: str
    note: str


def rows(part: str) -> list[FieldRow]:
    """The fields of a part, in their order."""
    return [FieldRow(field, default, note(part, field) or "") for field, default in _fields(parts()[part])]


def meaning(part: str) -> str:
    """What a part is, in a sentence or two."""
    return " ".join((parts()[part].__doc__ or "").split("\n\n")[0].split())


def markdown_table(part: str) -> str:
    """The fields of a part as a table in Markdown."""
    lines = [f"| `{part}` | default | |", "|---|---|---|"]
    for row in rows(part):
        default = row.default if row.default in ("", REQUIRED) else f"`{row.default}`"
        lines.append(f"| `{row.field}` | {default} | {row.note} |")
    return "\n".join(lines) + "\n"


def _fields(kind: type[BaseModel]) -> Iterator[tuple[str, str]]:
    for name, field in kind.model_fields.items():
        yield field.alias or name, REQUIRED if field.is_required() else _spelt(field.get_default())


def _spelt(value: Any) -> str:
    """A default as a file spells it; durations are the only numbers with a point."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}s"
        case int():
            return str(value)
        case str():
            return f'"{value}"'
        case _:
            return ""
