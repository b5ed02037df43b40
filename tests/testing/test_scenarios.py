"""Scenario files: their mistakes, how they are played, and both ways to run them."""

import json
import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

import telebridge.testing.picture
import telebridge.testing.scenarios.collecting  # noqa: F401 - pytester forgets what is imported in a run
from telebridge.cli.main import app
from telebridge.errors import ConfigurationError
from telebridge.testing.faults import FAULTS
from telebridge.testing.scenarios.loading import load_scenarios

FLOW = """
flow: desk
start: main
nodes:
  main:
    menu: "Welcome to Acme. For billing, press 1. For sales, press 2."
    choices: {1: billing, 2: sales}
  billing: {say: "You have reached billing.", then: bye}
  sales: {transfer: "+14155550100", failed: bye}
  bye: {hang_up: "Goodbye."}
"""
BILLING = """
call: desk.yaml
caller: "+14155550123"
steps:
  - hears: press 1
    within: 4s
  - press: "1"
  - cut: 300ms
  - hears: reached billing
ends: {node: bye, by: bridge}
"""
MULTIPLIED = "\n".join(
    f"v{number}: &v{number} [{', '.join([f'*v{number - 1}' if number else '1'] * 10)}]" for number in range(7)
)
"""A file of 500 bytes with ten million values."""
SALES = """
call: desk.yaml
people: {"+14155550100": busy}
cases:
  - {name: one, key: "1", text: billing}
  - {name: two, key: "2", text: goodbye}
steps:
  - hears: press ${key}
  - press: "${key}"
  - hears: ${text}
"""
WRONG = BILLING.replace("reached billing", "reached sales")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "desk.yaml").write_text(FLOW)
    (tmp_path / "calls").mkdir()
    (tmp_path / "calls" / "desk.yaml").write_text(FLOW)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_pass(folder):
    (folder / "calls" / "billing.call.yaml").write_text(BILLING)
    (folder / "calls" / "sales.call.yaml").write_text(SALES)
    result = CliRunner().invoke(app, ["test", "calls", "--junit", "out/junit.xml"])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert [line.split()[:3] for line in lines[:3]] == [
        ["ok", "calls/billing.call.yaml", "billing"],
        ["ok", "calls/sales.call.yaml", "sales[one]"],
        ["ok", "calls/sales.call.yaml", "sales[two]"],
    ]
    assert lines[3] == "3 passed"
    suite = ElementTree.parse(folder / "out" / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "0", "0")


def test_a_failure_names_file_and_line_and_shows_the_call(folder):
    (folder / "calls" / "wrong.call.yaml").write_text(WRONG)
    result = CliRunner().invoke(app, ["test", "calls", "--dir", "kept"])
    assert result.exit_code == 1
    assert 'calls/wrong.call.yaml:9  hears "reached sales": the call is over' in result.output
    assert '▶ "You have reached billing."' in result.output
    assert (folder / "kept" / "wrong" / "call.wav").exists()
    assert "1 failed" in result.output


def test_json_of_a_run_with_a_file_that_cannot_be_run(folder):
    (folder / "calls" / "bad.call.yaml").write_text(BILLING.replace("cut: 300ms", "cuts: 300ms"))
    (folder / "calls" / "billing.call.yaml").write_text(BILLING)
    result = CliRunner().invoke(app, ["test", "--json"])
    assert result.exit_code == 2
    bad, good = json.loads(result.output)
    assert bad["problem"] == "calls/bad.call.yaml:8:5: has no verb; did you mean 'cut'?"
    assert (good["outcome"], good["name"]) == ("passed", "billing")


def test_the_same_file_twice_gives_the_same_timeline(folder):
    (folder / "billing.call.yaml").write_text(BILLING)
    one, two = (json.loads(CliRunner().invoke(app, ["test", "--json"]).output)[0] for _ in range(2))
    assert one["timeline"].encode() == two["timeline"].encode()
    assert one["call_seconds"] == two["call_seconds"]


@pytest.mark.slow
def test_two_processes_tell_the_same_whatever_their_hashes(folder):
    (folder / "sales.call.yaml").write_text(SALES)
    command = [sys.executable, "-W", "ignore", "-m", "telebridge", "test", "--json"]
    told = [
        json.loads(subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, stdout=-1, check=True).stdout)
        for seed in ("1", "77")
    ]
    assert [each["timeline"] for each in told[0]] == [each["timeline"] for each in told[1]]
    assert len(told[0]) == 2


def test_nothing_to_run_is_an_error(folder):
    result = CliRunner().invoke(app, ["test"])
    assert isinstance(result.exception, ConfigurationError)
    assert "there is no file '*.call.yaml' in this folder" in str(result.exception)
    assert isinstance(CliRunner().invoke(app, ["test", "nowhere"]).exception, ConfigurationError)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BILLING.replace('"1"', "1"), "7:12: 'press': is a number for YAML, which may"),
        (BILLING.replace('"1"', '"1x"'), "7:12: 'press': should be keys: 0 to 9"),
        (BILLING.replace("within: 4s", "withn: 4s"), "6:5: 'withn' is unknown; did you mean 'within'?"),
        (BILLING.replace("within: 4s", "within: soon"), "6:13: 'within': "),
        (BILLING.replace('"+14155550123"', "+14155550123"), "3:9: 'caller': is a number for YAML; put it in quotes"),
        (BILLING.replace("steps:", "step:"), "4:1: 'step' is unknown; did you mean 'steps'?"),
        (BILLING.replace("by: bridge", "by: nobody"), "10:23: 'by': should be 'caller' or 'bridge'"),
        (BILLING.replace("call: desk.yaml", ""), "1:1: has neither 'call' nor 'url'"),
        (BILLING + "caller: '+1'\n", "11:1: 'caller' is there twice; leave one out"),
        (BILLING.replace("- cut: 300ms", "- {cut: 300ms, press: '1'}"), "8:5: has the verbs cut and press; one verb"),
        (BILLING.replace("reached billing", "${name}"), "9:12: no row of 'cases' has a value 'name'"),
        (BILLING.replace("- cut: 300ms", "- hang up"), "8:5: a step is a table such as"),
        ("call: [", "1:8: is not YAML: "),
        (MULTIPLIED, "1:1: is not YAML: its aliases make more than 200000 values of it"),
        ("call: &all [*all]", "1:1: is not YAML: an alias in it names what it stands in"),
        ("- call", "1:1: is no scenario; it begins with 'call: …' and 'steps:'"),
    ],
)  # fmt: skip
def test_mistakes_have_a_line_and_column(tmp_path, text, problem):
    file = tmp_path / "x.call.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        load_scenarios(file)
    assert str(raised.value).startswith(f"{file}:{problem}")


def test_pytest_collects_them(pytester):
    (pytester.path / "desk.yaml").write_text(FLOW)
    (pytester.path / "wrong.call.yaml").write_text(WRONG)
    (pytester.path / "sales.call.yaml").write_text(SALES)
    (pytester.path / "bad.call.yaml").write_text("call: x\nsteps: []\n")
    (pytester.path / "other.yaml").write_text("x: 1\n")
    result = pytester.runpytest_inprocess("-p", "no:schemathesis", "-p", "no:anyio", "--continue-on-collection-errors")
    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines([
        "*bad.call.yaml:2:8: 'steps': *",
        "*wrong.call.yaml:9  hears \"reached sales\": the call is over",
        "*- call -*",
        "audio: */call.wav",
    ])  # fmt: skip


def test_every_fault_is_accepted_as_it_is_listed():
    for fault in FAULTS:
        assert re.fullmatch(fault.pattern, fault.name), fault.name
