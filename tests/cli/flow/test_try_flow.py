"""`telebridge flow try` prints what would be said, and takes what a caller would press."""

import json

import pytest
from support.flow_command import FRONT_DESK, flow, refused


def test_a_flow_is_tried_with_keys():
    done = flow("try", FRONT_DESK, "--keys", "2w123456#", "--set", "company=Bloom")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "welcome          says     Thank you for calling Bloom.",
        "main             asks     For opening hours, press 1. To check an appointment, press 2. "
        "To hear this again, press star.",
        "> 2",
        "appointment      asks     Please enter your six digit account number, then press pound.",
        "> 123456#",
        "found            says     Thank you. Account 1 2 3 4 5 6 has an appointment on Tuesday at ten.",
        "more             asks     To go back to the choices, press 1. Otherwise, just hang up.",
        ">",
        "bye              says     Thank you for calling Bloom. Goodbye.",
        "bye              hangs up",
        "",
        "path: welcome → main → appointment → found → more → bye",
        "  account = '123456'",
        "  company = 'Bloom'",
        "  from = '+15550100001'",
        "  to = '+15550100002'",
    ]


def test_answers_come_from_a_pipe_and_its_end_hangs_up():
    done = flow("try", FRONT_DESK, typed="1\nx\n\n")
    assert done.exit_code == 0, done.output
    assert "'x' is no telephone key" in done.stderr
    assert done.stdout.endswith("to = '+15550100002'\n")
    assert "bye              hangs up" in done.stdout
    done = flow("try", FRONT_DESK, "--json", typed="1\n")
    told = json.loads(done.stdout)
    assert told["path"] == ["welcome", "main", "hours", "more"]
    assert told["lines"][-1] == {"node": "more", "what": "caller hangs up", "text": ""}


def test_a_walk_that_ends_with_the_apology_fails(tmp_path):
    (tmp_path / "flow.yaml").write_text(
        "flow: x\nstart: a\nvariables: {count: 1, sure: false}\n"
        "nodes:\n  a: {menu: '{{ 1 / count }} {{ sure }}', choices: {1: b}}\n  b: {hang_up: null}\n"
    )
    assert flow("try", tmp_path / "flow.yaml", "--keys", "1").exit_code == 0
    done = flow("try", tmp_path / "flow.yaml", "--set", "count=0", "--set", "sure=true", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert (told["variables"]["count"], told["variables"]["sure"]) == (0, True), "as the flow's own are"
    assert told["failure"].startswith("ZeroDivisionError")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--set", "compny=X"], "--set: the flow has no variable 'compny'; did you mean 'company'?"),
        (["--set", "company"], "--set: 'company' is not NAME=VALUE; for example --set name=Jane"),
        (["--keys", "1x"], "keys: 'x' is no telephone key; 0 to 9"),
    ],
)
def test_what_cannot_be_tried_is_told(arguments, told):
    assert refused(flow("try", FRONT_DESK, *arguments)).startswith(told)
