"""Outside the checkout: what the package carries answers, and an own file comes before it."""

from pathlib import Path

import pytest

from telebridge.app.bridge import answering_flows
from telebridge.app.python_flows import open_flows
from telebridge.bundled import BUNDLED, BUNDLED_FLOWS
from telebridge.call.flows.python.registry import Bridge
from telebridge.call.flows.reload import FlowReload
from telebridge.settings.loading import load_settings, settings_file


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_in_an_empty_folder_the_bundled_flows_answer():
    settings = load_settings()
    assert settings.flows_dir == BUNDLED_FLOWS
    _, default = answering_flows(settings, None)
    assert default == "front-desk"


def test_a_folder_of_flows_comes_before_the_bundled_ones(empty_folder):
    (empty_folder / "config" / "flows").mkdir(parents=True)
    assert load_settings().flows_dir == Path("config/flows")


def test_a_folder_that_is_set_is_never_replaced(monkeypatch):
    monkeypatch.setenv("TELEBRIDGE_FLOWS_DIR", "mine")
    assert load_settings().flows_dir == Path("mine")


def test_python_flows_are_alone_where_there_is_no_folder():
    bridge = Bridge()

    @bridge.flow("mine")
    async def mine(call):
        pass

    flows, default = answering_flows(load_settings(), bridge)
    assert (flows.names, default) == (["mine"], "mine")
    assert len(open_flows(load_settings(), Bridge()).names) > 1, "an application of functions alone needs flow files"


def test_the_settings_of_a_project_come_before_those_in_config(empty_folder):
    assert settings_file() is None
    (empty_folder / "config").mkdir()
    (empty_folder / "config" / "telebridge.toml").write_text('default_flow = "of config"\n')
    assert load_settings().default_flow == "of config"
    (empty_folder / "telebridge.toml").write_text('default_flow = "of the project"\n')
    assert load_settings().default_flow == "of the project"


def test_what_commands_need_is_carried():
    for path in ("telebridge.toml", "flows/front-desk.yaml", "campaigns/reminders.toml", "campaigns/reminders.csv"):
        assert (BUNDLED / path).is_file()


def test_flow_files_that_were_left_out_at_the_start_do_not_come_later(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bridge = Bridge()

    @bridge.flow("mine")
    async def mine(call):
        await call.hang_up()

    flows = open_flows(load_settings(), bridge)
    reload = FlowReload(flows)
    for _ in range(3):
        for change in reload.look():
            reload.apply(change)
    assert flows.names == ["mine"]
