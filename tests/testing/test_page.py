"""docs/testing-your-app.md: what it shows runs, and what it lists is all there is."""

import re
from pathlib import Path

import telebridge.testing.picture
import telebridge.testing.scenarios.collecting  # noqa: F401 - pytester forgets what is imported in a run
from telebridge.testing.faults import FAULTS
from telebridge.testing.scenarios.model import STEPS, Scenario, ScenarioEnd

PAGE = (Path(__file__).parents[2] / "docs" / "testing-your-app.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_tutorial_runs_as_it_is_printed(pytester):
    flow, scenario, _ = blocks("yaml")
    (pytester.path / "desk.yaml").write_text(flow)
    (pytester.path / "billing.call.yaml").write_text(scenario)
    pytester.makepyfile(test_desk=blocks("python")[0])
    pytester.runpytest_inprocess("-p", "no:schemathesis", "-p", "no:anyio").assert_outcomes(passed=3)


def test_the_campaign_runs_as_it_is_printed(pytester):
    pytester.makepyfile(blocks("python")[1])
    (pytester.path / "reminder.yaml").write_text(
        "flow: reminder\nneeds: [name]\nstart: ask\nnodes:\n"
        '  ask: {menu: "Hello {{ name }}. Press 1.", choices: {1: bye}}\n  bye: {hang_up: Goodbye.}\n'
    )
    pytester.runpytest_inprocess("-p", "no:schemathesis", "-p", "no:anyio").assert_outcomes(passed=1)


def test_it_lists_every_fault():
    table = "\n".join(f"| `{fault.name}` | {fault.meaning} |" for fault in FAULTS)
    assert f"<!-- faults -->\n\n| `fault` | |\n|---|---|\n{table}\n\n<!-- end of faults -->" in PAGE


def test_it_names_every_field_and_step():
    reference = PAGE[PAGE.index("## The format of scenario files") :]
    named = set(re.findall(r"`(\w+)", reference))
    assert set(Scenario.model_fields) | set(ScenarioEnd.model_fields) | set(STEPS) <= named
