"""What a flow file can hold, as a JSON Schema for editors and as tables of fields for people.

The schema follows JSON Schema 2020-12. Editors complete fields by it, explain them, and underline mistakes. What no
schema can express (targets that do not exist, loops, names in templates) is found by `telebridge flow check`. The
tables are those of docs/flows.md and of `telebridge flow fields`.

One rule: nothing is described here; fields, defaults and descriptions are those of the models, and `SCHEMA_OF_READER`
says how the values that our own validators accept look in a schema.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, BeforeValidator
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import override

from telebridge.flows.model import Flow, parts
from telebridge.flows.nodes.playing import Loops
from telebridge.flows.values import DELAY, DURATION, CallBackDelay, ChoiceOfKey, Choices, Seconds, TemplateText
from telebridge.turns.digits import KEYS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DURATION_PATTERN = rf"^\s*{DURATION.pattern}\s*$"
DELAY_PATTERN = rf"^\s*{DELAY.pattern}\s*$"
OTHER_LETTERS = r"\u0080-\uffff"
OUTSIDE_BRACKETS = re.compile(r"(?<!\[)\\w")
RENAMED = {"gt": "exclusiveMinimum", "le": "maximum"}
"""Bounds that pydantic leaves under its own names where one of our validators comes first."""


def flow_schema() -> dict[str, Any]:
    """The schema of a flow file."""
    return file_schema(Flow, FileSchemaGenerator, "telebridge flow", "What a telephone call does.")


def file_schema(
    model: type[BaseModel], generator: type["FileSchemaGenerator"], title: str, description: str
) -> dict[str, Any]:
    """The schema of a file that holds `model`."""
    whole: dict[str, Any] = _standard(model.model_json_schema(schema_generator=generator, mode="validation"))
    return {"$schema": DIALECT, **whole, "title": title, "description": description}


def _duration(_: JsonSchemaValue) -> JsonSchemaValue:
    return {
        "anyOf": [
            {"type": "string", "pattern": DURATION_PATTERN, "examples": ["300ms", "5s", "2m"]},
            {"type": "number"},
        ]
    }


def _delay(_: JsonSchemaValue) -> JsonSchemaValue:
    return {"type": "string", "pattern": DELAY_PATTERN, "examples": ["30m", "2h", "1d"]}


def _choices(inner: JsonSchemaValue) -> JsonSchemaValue:
    keys = "".join(sorted(KEYS))
    return {**inner, "propertyNames": {"pattern": f"^[{keys}]$"}}


def _loops(inner: JsonSchemaValue) -> JsonSchemaValue:
    return {"anyOf": [inner, {"const": True}]}


def _choice(inner: JsonSchemaValue) -> JsonSchemaValue:
    return {"anyOf": [{"type": "string", "minLength": 1}, inner]}


def _text(inner: JsonSchemaValue) -> JsonSchemaValue:
    return {**inner, "pattern": r"\S"}


def reader_of(annotated: object) -> object:
    """The function that reads a field before it is validated."""
    return next(each.func for each in get_args(annotated) if isinstance(each, BeforeValidator))


SCHEMA_OF_READER: Mapping[object, Callable[[JsonSchemaValue], JsonSchemaValue]] = {
    reader_of(Seconds): _duration,
    reader_of(CallBackDelay): _delay,
    reader_of(Choices): _choices,
    reader_of(TemplateText): _text,
    reader_of(Loops): _loops,
    reader_of(ChoiceOfKey): _choice,
}


class FileSchemaGenerator(GenerateJsonSchema):
    """Pydantic's generator, extended by what our validators accept.

    Attributes:
        readers: How the values that a field's reader accepts look in a schema.
    """

    readers: Mapping[object, Callable[[JsonSchemaValue], JsonSchemaValue]] = SCHEMA_OF_READER

    @override
    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        inner = super().function_before_schema(schema)
        reading = self.readers.get(schema["function"]["function"])
        return inner if reading is None else reading(inner)


def _standard(schema: Any) -> Any:
    """The schema without pydantic's titles and empty defaults, and with the standard's keywords."""
    if isinstance(schema, list):
        return [_standard(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    standard: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            standard[key] = {name: _standard(each) for name, each in value.items()}
        elif key == "patternProperties":
            standard[key] = {_any_letters(pattern): _standard(each) for pattern, each in value.items()}
            standard["additionalProperties"] = False
        elif key == "pattern":
            standard[key] = _any_letters(value)
        elif key == "minLength" and schema.get("type") == "object":
            standard["minProperties"] = value
        elif key == "title" or (key == "default" and (value is None or isinstance(value, dict))):
            continue
        else:
            standard[RENAMED.get(str(key), str(key))] = _standard(value)
    return standard


def _any_letters(pattern: str) -> str:
    r"""The pattern for ECMA 262, whose `\w` knows the letters of English only."""
    return OUTSIDE_BRACKETS.sub(lambda _: rf"[\w{OTHER_LETTERS}]", pattern.replace(r"[\w", r"[\w" + OTHER_LETTERS))


REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field of a part, as a row of a table.

    Args:
        field: Its name as a file spells it.
        default: Its default as a file would spell it; "required", or empty where there is none.
        description: What it means.
    """

    field: str
    default: str
    description: str


def rows(part: str) -> list[FieldRow]:
    """The fields of a part, in their order."""
    return [
        FieldRow(
            field.alias or name,
            REQUIRED if field.is_required() else _spelt(field.get_default()),
            field.description or "",
        )
        for name, field in parts()[part].model_fields.items()
    ]


def meaning(part: str) -> str:
    """What a part is: the first paragraph of its docstring."""
    return " ".join((parts()[part].__doc__ or "").split("\n\n")[0].split())


def markdown_table(part: str) -> str:
    """The fields of a part as a table in Markdown."""
    lines = [f"| `{part}` | default | |", "|---|---|---|"]
    for row in rows(part):
        default = row.default if row.default in ("", REQUIRED) else f"`{row.default}`"
        lines.append(f"| `{row.field}` | {default} | {row.description} |")
    return "\n".join(lines) + "\n"


def _spelt(value: Any) -> str:
    """A default as a file spells it. The only floats are durations."""
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
