"""The schema and the tables of fields say what the models say; the published copy of the schema is the same."""

import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from telebridge.flows.model import NODES
from telebridge.flows.schema import FieldRow, flow_schema, markdown_table, meaning, rows

ROOT = Path(__file__).parent.parent.parent
VALIDATOR = Draft202012Validator(flow_schema())
EXAMPLES = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "flows.md").read_text(), re.DOTALL)


def as_json(value):
    """Keys are text in JSON, and in what editors make of YAML."""
    if isinstance(value, dict):
        return {str(key): as_json(each) for key, each in value.items()}
    return [as_json(each) for each in value] if isinstance(value, list) else value


def valid(text):
    return VALIDATOR.is_valid(as_json(yaml.safe_load(text)))


def flow_with(node):
    return f"flow: x\nstart: a\nnodes:\n  a: {node}\n"


def test_the_schema_is_one():
    Draft202012Validator.check_schema(flow_schema())


def test_the_published_copy_is_the_same():
    published = json.loads((ROOT / "docs" / "flow.schema.json").read_text())
    assert published == flow_schema(), "print it anew: telebridge flow schema -o docs/flow.schema.json"


@pytest.mark.parametrize("path", sorted((ROOT / "config" / "flows").glob("*.yaml")), ids=lambda path: path.name)
def test_the_flows_that_come_along_are_valid(path):
    assert valid(path.read_text())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("\n")[0])
def test_the_examples_are_valid(example):
    assert valid(example)


@pytest.mark.parametrize(
    "node",
    [
        "{wait: 300ms, then: a}",
        "{wait: 1.5 s, then: a}",
        "{wait: 2, then: a}",
        "{set: {größe: 1}, then: a}",
        "{hang_up: null}",
        "{menu: x, choices: {1: a, '*': a, '#': a}}",
        "{say: x, then: a, speech: {speed_alpha: 1.1, lang: spa}}",
    ],
)
def test_what_loads_is_valid(node):
    assert valid(flow_with(node))


@pytest.mark.parametrize(
    "node",
    [
        "{sya: x, then: a}",
        "{say: x}",
        "{say: '  ', then: a}",
        "{say: x, hang_up: x, then: a}",
        "{say: x, then: a, barg_in: any}",
        "{say: x, then: a, barge_in: never}",
        "{wait: soon, then: a}",
        "{wait: 0, then: a}",
        "{wait: 3601, then: a}",
        "{menu: x, choices: {}}",
        "{menu: x, choices: {12: a}}",
        "{menu: x, choices: {1: a}, no_input: {reprompt: 21}}",
        "{menu: x, choices: {1: a}, no_input: {after: never}}",
        "{collect: x, into: 2x, then: a}",
        "{set: {2x: 1}, then: a}",
        "{choose: []}",
        "[say]",
    ],
)
def test_what_is_wrong_in_a_node_is_not_valid(node):
    assert not valid(flow_with(node))


@pytest.mark.parametrize("text", ["{}", "[]", "{flow: x, start: a, nodes: {}}", flow_with("{hang_up: x}") + "extra: 1"])
def test_what_is_wrong_as_a_whole_is_not_valid(text):
    assert not valid(text)


def test_every_verb_is_one_form_of_a_node():
    forms = flow_schema()["properties"]["nodes"]["additionalProperties"]["oneOf"]
    assert [form["$ref"].split("/")[-1] for form in forms] == [kind.__name__ for kind in NODES.values()]


def test_every_field_is_described():
    schema = flow_schema()
    for definition in [schema, *schema["$defs"].values()]:
        for field, described in definition.get("properties", {}).items():
            assert described["description"], field


# Tables of fields.


def test_a_row_has_the_default_as_a_file_spells_it():
    by_field = {row.field: row.default for part in ("no_input", "digits", "menu", "case") for row in rows(part)}
    assert {field: by_field[field] for field in ("after", "reprompt", "type_ahead", "finish_on_key", "menu", "if")} == {
        "after": "5s",
        "reprompt": "2",
        "type_ahead": "true",
        "finish_on_key": '"#"',
        "menu": "required",
        "if": "",
    }


def test_a_table_is_markdown():
    assert rows("wait")[0] == FieldRow("wait", "required", "How long the line is silent.")
    assert markdown_table("wait") == (
        "| `wait` | default | |\n"
        "|---|---|---|\n"
        "| `wait` | required | How long the line is silent. |\n"
        "| `then` | required | The node that follows. |\n"
    )


def test_the_meaning_of_a_part_is_its_first_paragraph():
    assert meaning("flow") == "A whole flow."
    assert meaning("menu") == "Ask for one key, or for what stands for it, and go where it leads."
