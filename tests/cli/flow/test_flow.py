"""What the `telebridge flow` commands print and leave, and how they say that something is wrong."""

import json

from support.flow_command import FRONT_DESK, flow, refused

# check


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
