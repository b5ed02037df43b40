"""What a scenario file can hold, as a JSON Schema for editors.

Editors complete verbs, fields and faults by it, explain them, and underline mistakes. What no schema can express (flows
that do not exist, values that no row of `cases` has) is found when the file is run.

One rule: nothing is described here; fields, defaults and descriptions are those of the models.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic.json_schema import JsonSchemaValue

from telebridge.flows.schema import SCHEMA_OF_READER, FileSchemaGenerator, file_schema, reader_of
from telebridge.testing.faults import FAULTS
from telebridge.testing.scenarios.model import Keys, Scenario, TelephoneNumber
from telebridge.testing.vocabulary import KEYS, NUMBER

PLACEHOLDER = r"\$\{\w+\}"
"""What a row of `cases` gives a value to; it may stand for any text, number or duration."""
FIELDS_OF_FAULTS = ("fault", "faults")


def scenario_schema() -> dict[str, Any]:
    """The schema of a scenario file."""
    schema = file_schema(
        Scenario, _ScenarioGenerator, "telebridge call", "A telephone call and what is expected of it."
    )
    schema = {**schema, "not": {"required": ["call", "url"]}}
    filled: dict[str, Any] = _with_placeholders(_with_faults(schema))
    return filled


def _keys(inner: JsonSchemaValue) -> JsonSchemaValue:
    return {**inner, "pattern": f"^({KEYS.pattern}|{PLACEHOLDER})+$"}


def _number(inner: JsonSchemaValue) -> JsonSchemaValue:
    return {**inner, "pattern": f"{NUMBER}|^{PLACEHOLDER}$"}


class _ScenarioGenerator(FileSchemaGenerator):
    readers: Mapping[object, Any] = MappingProxyType(
        {**SCHEMA_OF_READER, reader_of(Keys): _keys, reader_of(TelephoneNumber): _number}
    )


def _with_faults(schema: Any) -> Any:
    """Offer the names of all faults; their values may be others."""
    if isinstance(schema, list):
        return [_with_faults(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    named = {"anyOf": [{"enum": [fault.name for fault in FAULTS]}, {"type": "string"}]}
    extended: dict[str, Any] = {}
    for key, value in schema.items():
        if key in FIELDS_OF_FAULTS and isinstance(value, dict) and value.get("type") == "array":
            extended[key] = {**value, "items": named}
        elif key in FIELDS_OF_FAULTS and isinstance(value, dict):
            extended[key] = {name: each for name, each in value.items() if name != "type"} | named
        else:
            extended[key] = _with_faults(value)
    return extended


def _with_placeholders(schema: Any) -> Any:
    """Accept a placeholder where a number or one of a few words stands."""
    if isinstance(schema, list):
        return [_with_placeholders(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    filled = {key: _with_placeholders(value) for key, value in schema.items()}
    placeholder = {"type": "string", "pattern": f"^{PLACEHOLDER}$"}
    if schema.get("type") in ("number", "integer") or ("enum" in schema and schema.get("type") == "string"):
        described = {key: filled.pop(key) for key in ("description", "default") if key in filled}
        return {**described, "anyOf": [filled, placeholder]}
    return filled
