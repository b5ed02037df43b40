"""What the `telebridge flow` commands print and leave, and how they say that something is wrong."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from telebridge.cli.main import app
from telebridge.errors import ConfigurationError

FRONT_DESK = str(Path(__file__).parents[3] / "config" / "flows" / "front-desk.yaml")


def flow(*arguments, typed=None):
    return CliRunner().invoke(app, ["flow", *map(str, arguments)], input=typed)


def refused(done):
    """The one line that `telebridge` prints before it exits with 2."""
    assert isinstance(done.exception, ConfigurationError), done.output
    return str(done.exception)


# check


def test_voices_are_checked_over_the_voice_of_the_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("TELEBRIDGE_RIME__MODEL", "mistv2")
    path = tmp_path / "flow.yaml"
    path.write_text(
        "flow: x\nstart: a\nspeech: {lang: spa}\nnodes:\n"
        "  a: {say: x, then: b, speech: {lang: 3}}\n"
        "  b: {say: x, then: c, speech: {speeker: luna}}\n"
        "  c: {say: x, then: d, speech: {temperature: 0.3}}\n"
        "  d: {hang_up: x, speech: {speed_alpha: 0.9}}\n"
    )
    done = flow("check", path)
    assert done.exit_code == 2
    assert done.stdout.splitlines() == [
        f"{path}:5:39: 'lang': input should be a valid string in node 'a'",
        f"{path}:6:42: 'speeker': is no parameter of Rime's voices in node 'b'; did you mean 'speaker'?",
        f"{path}:7:46: 'temperature': mistv2 does not take it in node 'c'; it is for arcana, coda",
    ]
    path.write_text(path.read_text().replace("lang: spa", "lang: 5"))
    assert flow("check", path).stdout == f"{path}:3:16: 'lang': input should be a valid string\n", "told once"


def test_files_and_folders_are_checked_each_once(tmp_path):
    (tmp_path / "bad.yaml").write_text("flow: bad\nstart: a\nnodes:\n  a: {hang_up: x, then: a}\n")
    done = flow("check", FRONT_DESK, tmp_path, tmp_path / "bad.yaml")
    assert done.exit_code == 2
    assert done.stdout.splitlines() == [
        f"{FRONT_DESK}: no mistakes",
        f"{tmp_path / 'bad.yaml'}:4:19: 'then' is unknown in node 'a'; known are hang_up, speech",
    ]
    [mistake] = json.loads(flow("check", tmp_path, "--json").stdout)
    assert (mistake["node"], mistake["line"], mistake["hint"]) == ("a", 4, "known are hang_up, speech")


# draw


def test_a_flow_is_drawn_as_its_files_name_says(tmp_path):
    done = flow("draw", FRONT_DESK, "-o", tmp_path / "flow.svg")
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path / 'flow.svg'}: svg of {FRONT_DESK}\n")
    assert (tmp_path / "flow.svg").read_text().startswith("<svg ")
    assert flow("draw", FRONT_DESK, "-o", tmp_path / "flow.mmd").exit_code == 0
    assert (tmp_path / "flow.mmd").read_text() == flow("draw", FRONT_DESK).stdout
    assert "flowchart TD" in flow("draw", FRONT_DESK).stdout
    assert flow("draw", FRONT_DESK, "--format", "svg").stdout.startswith("<svg ")


def test_what_cannot_be_drawn_is_told(tmp_path):
    assert refused(flow("draw", FRONT_DESK, "-o", "flow.png")).startswith(
        "--output: flow.png does not say what to draw"
    )
    assert "cannot be written" in refused(flow("draw", FRONT_DESK, "-o", tmp_path / "none" / "flow.svg"))
    (tmp_path / "bad.yaml").write_text("flow: bad\nstart: a\nnodes:\n  a: {say: Hello, then: b}\n")
    assert refused(flow("draw", tmp_path / "bad.yaml")).endswith("bad.yaml:4:25: there is no node 'b' in node 'a'")


# try


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


# schema, fields


def test_the_schema_is_printed_and_left_in_a_file(tmp_path):
    printed = json.loads(flow("schema").stdout)
    assert printed["properties"]["nodes"]
    assert flow("schema", "-o", tmp_path / "flow.json").exit_code == 0
    assert json.loads((tmp_path / "flow.json").read_text()) == printed
    assert "cannot be written" in refused(flow("schema", "-o", tmp_path / "none" / "flow.json"))


def test_fields_are_printed_for_people_and_for_pages():
    told = flow("fields", "menu").stdout
    assert told.startswith("menu: Ask for one key")
    assert "choices" in told
    assert "no_match" not in flow("fields", "wait").stdout
    assert flow("fields").stdout.count("meaning") > 8
    assert flow("fields", "wait", "--markdown").stdout.startswith("| `wait` | default | |\n")
    assert refused(flow("fields", "mneu")) == "PART: there is no 'mneu' in flow files; did you mean 'menu'?"
