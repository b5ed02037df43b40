"""docs/testing-your-app.md and docs/testing-reference.md: what they show runs, and what they list is all there is."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from typer.main import get_command

import telebridge.testing.picture
import telebridge.testing.scenarios.collecting  # noqa: F401 - pytester forgets what is imported in a run
from telebridge.cli.main import app
from telebridge.testing import Phone, PlacedCall, TwimlApplication
from telebridge.testing.faults import FAULTS
from telebridge.testing.scenarios.model import STEPS, Scenario, ScenarioEnd

DOCS = Path(__file__).parents[2] / "docs"
TUTORIAL = (DOCS / "testing-your-app.md").read_text()
REFERENCE = (DOCS / "testing-reference.md").read_text()
NOT_FOR_TESTS = {"tasks_of_calls", "live_calls", "drop_stream"}
ARGUMENTS = ("-p", "no:schemathesis", "-p", "no:anyio", "-o", "asyncio_default_fixture_loop_scope=function")


def blocks(language, page=TUTORIAL):
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_tutorial_runs_as_it_is_printed(pytester):
    flow, scenario, *_ = blocks("yaml")
    (pytester.path / "desk.yaml").write_text(flow)
    (pytester.path / "billing.call.yaml").write_text(scenario)
    pytester.makepyfile(test_desk=blocks("python")[0], test_async=blocks("python", REFERENCE)[0])
    pytester.runpytest_inprocess(*ARGUMENTS).assert_outcomes(passed=4)


@pytest.mark.slow
def test_the_campaign_runs_as_it_is_printed(pytester):
    pytester.makepyfile(blocks("python", REFERENCE)[1])
    (pytester.path / "reminder.yaml").write_text(
        "flow: reminder\nneeds: [name]\nstart: ask\nnodes:\n"
        '  ask: {menu: "Hello {{ name }}. Press 1.", choices: {1: bye}}\n  bye: {hang_up: Goodbye.}\n'
    )
    pytester.runpytest_inprocess(*ARGUMENTS).assert_outcomes(passed=1)


def test_it_lists_every_fault():
    table = "\n".join(f"| `{fault.name}` | `{fault.python}` | {fault.meaning} |" for fault in FAULTS)
    assert (
        f"<!-- faults -->\n\n| `fault` | in Python | |\n|---|---|---|\n{table}\n\n<!-- end of faults -->" in REFERENCE
    )


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.python.startswith(("phone.rime", "phone.twilio"))]
)
def test_both_spellings_of_a_fault_are_one(fault):
    by_name, in_python = Phone(), Phone()
    by_name.inject(fault.name)
    eval(fault.python, {"phone": in_python})
    assert vars(by_name.rime) == vars(in_python.rime)
    assert vars(by_name.twilio) == vars(in_python.twilio)


def test_it_names_every_field_and_step():
    named = set(re.findall(r"`(\w+)", REFERENCE[REFERENCE.index("## The format of scenario files") :]))
    assert set(Scenario.model_fields) | set(ScenarioEnd.model_fields) | set(STEPS) <= named


def test_it_names_every_verb_and_whatever_can_be_read():
    named = set(re.findall(r"[`. ](\w+)", REFERENCE))
    public = {name for name in dir(PlacedCall) if not name.startswith("_")}
    assert public - {"drop_stream"} <= named
    assert {field.name for field in fields(TwimlApplication)} <= named
    assert {name for name in dir(Phone) if not name.startswith("_")} - NOT_FOR_TESTS <= named


def test_it_names_every_option_of_the_command():
    options = {name for parameter in get_command(app).commands["test"].params for name in parameter.opts}
    assert {name for name in options if name.startswith("--")} <= set(re.findall(r"--[\w-]+", REFERENCE))
