"""Scenario files that are written from a walk through a flow, and from the record of a call."""

import json
import re
from pathlib import Path

import pytest
from support.flow_command import FRONT_DESK, flow
from typer.testing import CliRunner

from telebridge.cli.main import app
from telebridge.flows.loading import load_flow
from telebridge.testing import Phone
from telebridge.testing.scenarios.drafting import ScenarioDraft, draft_of_record
from telebridge.testing.scenarios.loading import load_scenarios
from telebridge.testing.scenarios.running import play


def test_a_walk_is_saved_and_played(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = flow("try", FRONT_DESK, "--keys", "2w123456#ww", "--save", tmp_path / "calls" / "appointment")
    assert done.exit_code == 0, done.output
    file = tmp_path / "calls" / "appointment.call.yaml"
    assert f"wrote {file}" in done.output
    [loaded] = load_scenarios(file)
    assert loaded.scenario.ends.node == "bye"
    ran = CliRunner().invoke(app, ["test", "calls", "--json"])
    [result] = json.loads(ran.output)
    assert result["outcome"] == "passed", result


def test_a_call_becomes_a_scenario_that_passes(tmp_path):
    with Phone(flow=FRONT_DESK, folder=tmp_path) as phone, phone.call(caller="+14155550123") as call:
        call.hears("press star")
        call.press("2")
        call.hears("press pound")
        call.press("123456#")
        call.hears("tuesday at ten")
        call.ends(within=60)
    text = draft_of_record(
        ScenarioDraft(FRONT_DESK, caller="+14155550123"), call.record.as_json(), load_flow(tmp_path / FRONT_DESK)
    ).text()
    file = tmp_path / "real.call.yaml"
    file.write_text(text)
    [loaded] = load_scenarios(file)
    assert [next(iter(step.model_dump())) for step in loaded.scenario.steps][:4] == ["hears", "hears", "press", "hears"]
    with Phone(folder=tmp_path) as phone:
        play(loaded, phone)
    assert phone.calls[0].digits == call.digits


@pytest.mark.parametrize(("end", "step"), [("caller hung up", {"hangs_up": None}), ("hung up by the flow", None)])
def test_a_call_of_a_flow_that_is_not_there(end, step):
    record = {
        "path": ["ask"],
        "digits": ["1", "22"],
        "end_reason": end,
        "utterances": [
            {"text": "Press 1.", "heard_text": "Press", "interrupted_by": "key"},
            {"text": "Enter your number.", "heard_text": "", "interrupted_by": "speech"},
        ],
    }
    draft = draft_of_record(ScenarioDraft("gone"), record, None)
    assert draft.steps[:2] == [{"hears": "Press"}, {"press": "1"}]
    assert {"press": "22"} in draft.steps
    assert ("hangs_up" in draft.steps[-1]) is (step is not None)
    assert draft.comments


DESK = re.search(
    r"```yaml\n(.*?)```", (Path(__file__).parents[2] / "docs/tutorials/front-desk.md").read_text(), re.DOTALL
)


@pytest.mark.parametrize(
    ("keys", "at", "heard"), [("1w2", "2026-03-02T09:00", "one Green Street"), ("w", "2026-12-25T09:00", "Nobody can")]
)
def test_a_saved_walk_passes_at_its_time_and_after_a_transfer_that_rings_out(tmp_path, monkeypatch, keys, at, heard):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "desk.yaml").write_text(DESK[1])
    done = flow("try", "desk.yaml", "--keys", keys, "--at", at, "--save", "desk")
    assert done.exit_code == 0, done.output
    assert heard in (tmp_path / "desk.call.yaml").read_text()
    [loaded] = load_scenarios(tmp_path / "desk.call.yaml")
    with Phone(folder=tmp_path) as phone:
        play(loaded, phone)
