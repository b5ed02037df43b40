"""Files that change are in service for the next call; wrong ones are told in one line, and what was good stays."""

import asyncio

import pytest
from structlog.testing import capture_logs
from support.faults import fault

from telebridge.call.flows import reload as flow_reload
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.flows.reload import FlowReload
from telebridge.errors import ConfigurationError

FLOW = "flow: {name}\nstart: bye\nnodes:\n  bye: {{hang_up: {word}}}\n"


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "one.yaml", "one", "first")
    return tmp_path


def write(path, name="one", word="x"):
    path.write_text(FLOW.format(name=name, word=word))


def catalogue(folder):
    flows = FlowCatalogue(folder)
    flows.load()
    return flows


def settle(reload):
    """Look twice, as two seconds do; the log of it."""
    with capture_logs() as logs:
        for _ in range(2):
            for found in reload.look():
                reload.apply(found)
    return logs


def word(flows, name="one"):
    return flows.find(name).nodes["bye"].hang_up


def test_a_changed_file_is_in_service_and_what_was_handed_out_is_as_it_was(folder):
    flows = catalogue(folder)
    reload, held = FlowReload(flows), flows.find("one")
    write(folder / "one.yaml", word="second")
    assert settle(reload) == [
        {"event": "flow reloaded", "log_level": "info", "flow": "one", "file": str(folder / "one.yaml")}
    ]
    assert word(flows) == "second"
    assert held.nodes["bye"].hang_up == "first"
    assert settle(reload) == [], "told once"


@fault(
    "A flow file is changed into one with a mistake while the bridge runs.",
    caller="The last good version of the flow.",
    operator="One warning with file, line, column and what to write.",
    kept="The flow in service.",
)
def test_a_file_that_became_wrong_leaves_the_last_good_version_and_one_line(folder):
    flows = catalogue(folder)
    reload = FlowReload(flows)
    (folder / "one.yaml").write_text("flow: one\nstart: bye\nnodes:\n  bye: {hang_upp: x}\n")
    [line] = settle(reload)
    assert line["log_level"] == "warning"
    assert line["error"].startswith(f"{folder / 'one.yaml'}:4:3: has no verb in node 'bye'")
    assert word(flows) == "first"
    assert settle(reload) == []
    write(folder / "one.yaml", word="mended again")
    settle(reload)
    assert word(flows) == "mended again"


def test_new_files_and_files_that_are_gone_are_noticed(folder):
    flows = catalogue(folder)
    reload = FlowReload(flows)
    write(folder / "two.yaml", "two")
    (folder / "three.yaml").write_text("nothing")
    logs = settle(reload)
    assert [line["event"] for line in logs] == ["flow file is wrong; what is in service stays", "flow added"]
    assert flows.names == ["one", "two"]
    (folder / "two.yaml").unlink()
    (folder / "three.yaml").unlink()
    [line] = settle(reload)
    assert line["event"] == "flow file is gone, and its flow with it"
    assert flows.names == ["one"]


def test_a_flow_that_settings_name_outlives_its_file(folder):
    flows = catalogue(folder)
    flows.need(["one"])
    reload = FlowReload(flows)
    (folder / "one.yaml").unlink()
    [line] = settle(reload)
    assert line["event"] == "flow file is gone; settings name its flow, so it stays"
    assert word(flows) == "first"
    write(folder / "one.yaml", word="back")
    settle(reload)
    assert word(flows) == "back"


def test_a_renamed_flow_is_found_by_its_new_name_only(folder):
    flows = catalogue(folder)
    reload = FlowReload(flows)
    write(folder / "one.yaml", "uno")
    settle(reload)
    assert flows.names == ["uno"]
    flows.need(["uno"])
    write(folder / "one.yaml", "eins")
    settle(reload)
    assert flows.names == ["eins", "uno"], "settings name it"


def test_two_files_of_one_name_are_refused(folder):
    flows = catalogue(folder)
    reload = FlowReload(flows)
    write(folder / "other.yaml", "one", "other")
    [line] = settle(reload)
    assert line["error"] == (
        f"{folder / 'other.yaml'}: names its flow 'one', as {folder / 'one.yaml'} does; names must differ"
    )
    assert word(flows) == "first"
    with pytest.raises(ConfigurationError, match="names must differ"):
        catalogue(folder)


def test_a_file_from_elsewhere_goes_before_those_of_the_folder_and_is_watched_too(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "one.yaml"
    write(elsewhere, word="elsewhere")
    flows = catalogue(folder)
    assert flows.add_file(elsewhere) == "one"
    reload = FlowReload(flows)
    assert settle(reload) == []
    write(elsewhere, word="changed there")
    settle(reload)
    assert word(flows) == "changed there"


def test_a_file_of_the_folder_that_is_named_otherwise_is_one_file(folder):
    flows = catalogue(folder)
    (folder / "in").mkdir()
    flows.add_file(folder / "in" / ".." / "one.yaml")
    reload = FlowReload(flows)
    write(folder / "one.yaml", word="second")
    assert [line["event"] for line in settle(reload)] == ["flow reloaded"]


async def test_the_task_looks_until_it_is_cancelled(folder, monkeypatch):
    monkeypatch.setattr(flow_reload, "LOOK_SECONDS", 0.001)
    flows, applied = catalogue(folder), asyncio.Event()
    reload = FlowReload(flows)
    monkeypatch.setattr(reload, "apply", lambda found: (FlowReload.apply(reload, found), applied.set()))
    running = asyncio.create_task(reload.run())
    write(folder / "one.yaml", word="second")
    await applied.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert word(flows) == "second"


@fault(
    "The folder of flow files cannot be read for a while.",
    caller="The flows as they were.",
    operator="The log line 'flow files cannot be looked at' once.",
    kept="The flows in service; changes are seen again afterwards.",
)
async def test_trouble_with_the_folder_is_told_once_and_outlived(folder, monkeypatch):
    monkeypatch.setattr(flow_reload, "LOOK_SECONDS", 0)
    reload, looks = FlowReload(catalogue(folder)), []

    def look():
        looks.append(1)
        if len(looks) < 3:
            raise PermissionError(13, "Permission denied")
        return []

    monkeypatch.setattr(reload, "look", look)
    with capture_logs() as logs:
        running = asyncio.create_task(reload.run())
        while len(looks) < 4:  # noqa: ASYNC110 - the looks come from a thread
            await asyncio.sleep(0.001)
        running.cancel()
        await asyncio.wait([running])
    assert [line["event"] for line in logs] == ["flow files cannot be looked at"]


def test_a_folder_that_does_not_exist_holds_none_and_may_come(tmp_path):
    flows = catalogue(tmp_path / "later")
    reload = FlowReload(flows)
    assert settle(reload) == []
    (tmp_path / "later").mkdir()
    write(tmp_path / "later" / "one.yaml")
    settle(reload)
    assert flows.names == ["one"]
