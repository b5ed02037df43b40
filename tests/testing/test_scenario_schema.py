"""The JSON Schema of scenario files: what a file can hold, and what the schema says of it, is the same."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from telebridge.cli.main import app
from telebridge.testing.faults import FAULTS
from telebridge.testing.scenarios.model import STEPS, Scenario
from telebridge.testing.scenarios.schema import scenario_schema

PUBLISHED = Path(__file__).parents[2] / "docs" / "call.schema.json"
VALIDATOR = Draft202012Validator(scenario_schema())
GOOD = """
url: http://127.0.0.1:5000/voice
caller: "+14155550123"
people: {"+14155550100": [busy, "human; wait"]}
web: {"https://api.example.com/x": {"down": true}, "https://api.example.com/y": 503}
faults: [rime slow 2s, "rime closes 1006"]
cases: [{key: "1", time: 3s}]
steps:
  - {hears: press, within: "${time}", heard: begun}
  - press: "${key}w#"
  - {stands_in: street, level: -30}
  - {cut: 0.3}
  - {makes: "mm-hm"}
  - {transferred_to: "${number}"}
  - {hangs_up: }
ends: {by: caller, status: completed}
"""


def test_the_published_schema_is_of_these_models():
    Draft202012Validator.check_schema(scenario_schema())
    printed = CliRunner().invoke(app, ["test", "--schema"]).output
    assert json.loads(printed) == scenario_schema()
    assert json.loads(PUBLISHED.read_text()) == scenario_schema(), "print it anew: telebridge test --schema"


def test_it_knows_every_field_step_and_fault():
    schema = json.dumps(scenario_schema())
    assert set(scenario_schema()["properties"]) == set(Scenario.model_fields)
    for verb, step in STEPS.items():
        assert set(scenario_schema()["$defs"][step.__name__]["properties"]) == set(step.model_fields), verb
    assert all(f'"{fault.name}"' in schema for fault in FAULTS)


def test_a_right_file_is_right():
    assert list(VALIDATOR.iter_errors(yaml.safe_load(GOOD))) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"${key}w#"', "1"), ('"${key}w#"', '"12x"'), ("heard: begun", "heard: some"), ("makes:", "make:"),
        ('caller: "+14155550123"', "caller: 14155550123"), ("{hangs_up: }", "{hang_up: }"),
        ('within: "${time}"', "within: soon"), ("by: caller", "by: nobody"), ("url: http", "url: ftp"),
        ("url:", "call: desk\nurl:"), ("level: -30", "level: 3"),
    ],
)  # fmt: skip
def test_a_mistake_is_one(right, wrong):
    assert right in GOOD
    assert list(VALIDATOR.iter_errors(yaml.safe_load(GOOD.replace(right, wrong))))
