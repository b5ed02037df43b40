"""The JSON Schema of flow files, for editors: it completes fields, explains them, and underlines what is wrong.

Follows JSON Schema 2020-12. It is made from the models, so it says what they say; what no schema can say (targets that
do not exist, loops, names in templates) is for `telebridge flow check`.

One rule: the models say what is right, and `READ` how their readers look in a schema; nothing else is said here.

The verbs of a flow file and their fields, as tables: for the page on flows and for `telebridge flow fields`.

One rule: nothing is written here; fields and defaults are the models', and what they mean is in `field_notes`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, BeforeValidator
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import override

from telebridge.flows.model import DURATION, LATER, Choices, Flow, Later, Seconds, Text, note, parts
from telebridge.turns.digits import KEYS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DURATION_PATTERN = rf"^\s*{DURATION.pattern}\s*$"
LATER_PATTERN = rf"^\s*{LATER.pattern}\s*$"
OTHER_LETTERS = r"\u0080-\uffff"
OUTSIDE_BRACKETS = re.compile(r"(?<!\[)\\w")
RENAMED = {"gt": "exclusiveMinimum", "le": "maximum"}
"""What pydantic leaves in its own words where a validator of ours stands before a bound."""


def flow_schema() -> dict[str, Any]:
    """The schema of a flow file."""
    schema = Flow.model_json_schema(schema_generator=_Generator, mode="validation")
    named = {kind.__name__: part for part, kind in parts().items()}
    for name, definition in [(Flow.__name__, schema), *schema["$defs"].items()]:
        for field, described in definition.get("properties", {}).items():
            if (told := note(named[name], field)) is not None:
                described["description"] = told
    whole: dict[str, Any] = _mended(schema)
    return {"$schema": DIALECT, **whole, "title": "telebridge flow", "description": "What a telephone call does."}


def _duration(_: JsonSchemaValue) -> JsonSchemaValue:
    return {
        "anyOf": [
            {"type": "string", "pattern": DURATION_PATTERN, "examples": ["300ms", "5s", "2m"]},
            {"type": "number"},
        ]
    }


def _later(_: JsonSchemaValue) -> JsonSchemaValue:
    return {"type": "string", "pattern": LATER_PATTERN, "examples": ["30m", "2h", "1d"]}


def _choices(inner: JsonSchemaValue) -> JsonSchemaValue:
    keys = "".join(sorted(KEYS))
    return {**inner, "propertyNames": {"pattern": f"^[{keys}]$"}}


def _text(inner: JsonSchemaValue) -> JsonSchemaValue:
    return {**inner, "pattern": r"\S"}


def _reader(annotated: object) -> object:
    """The function that reads a field before it is validated."""
    return next(each.func for each in get_args(annotated) if isinstance(each, BeforeValidator))


READ: Mapping[object, Callable[[JsonSchemaValue], JsonSchemaValue]] = {
    _reader(Seconds): _duration,
    _reader(Later): _later,
    _reader(Choices): _choices,
    _reader(Text): _text,
}


class _Generator(GenerateJsonSchema):
    """Pydantic's, which also knows what our validators accept."""

    @override
    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        inner = super().function_before_schema(schema)
        reading = READ.get(schema["function"]["function"])
        return inner if reading is None else reading(inner)


def _mended(schema: Any) -> Any:
    """Without pydantic's titles, empty defaults and own words."""
    if isinstance(schema, list):
        return [_mended(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    mended: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            mended[key] = {name: _mended(each) for name, each in value.items()}
        elif key == "patternProperties":
            mended[key] = {_any_letters(pattern): _mended(each) for pattern, each in value.items()}
            mended["additionalProperties"] = False
        elif key == "pattern":
            mended[key] = _any_letters(value)
        elif key == "minLength" and schema.get("type") == "object":
            mended["minProperties"] = value
        elif key == "title" or (key == "default" and (value is None or isinstance(value, dict))):
            continue
        else:
            mended[RENAMED.get(str(key), str(key))] = _mended(value)
    return mended


def _any_letters(pattern: str) -> str:
    r"""The pattern for ECMA 262, whose `\w` knows the letters of English only."""
    return OUTSIDE_BRACKETS.sub(lambda _: rf"[\w{OTHER_LETTERS}]", pattern.replace(r"[\w", r"[\w" + OTHER_LETTERS))


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
