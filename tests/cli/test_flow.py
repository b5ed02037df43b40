"""What the `telebridge flow` commands print and leave, and how they say that something is wrong."""

from pathlib import Path

from typer.testing import CliRunner

from telebridge.cli.main import app
from telebridge.errors import ConfigurationError

FRONT_DESK = str(Path(__file__).parent.parent.parent / "config" / "flows" / "front-desk.yaml")


def flow(*arguments, typed=None):
    return CliRunner().invoke(app, ["flow", *map(str, arguments)], input=typed)


def refused(done):
    """The one line that `telebridge` prints before it exits with 2."""
    assert isinstance(done.exception, ConfigurationError), done.output
    return str(done.exception)


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
    assert refused(flow("draw", FRONT_DESK, "-o", "flow.png")).startswith("--output: flow.png says not what to draw")
    assert "cannot be written" in refused(flow("draw", FRONT_DESK, "-o", tmp_path / "none" / "flow.svg"))
    (tmp_path / "bad.yaml").write_text("flow: bad\nstart: a\nnodes:\n  a: {say: Hello, then: b}\n")
    assert refused(flow("draw", tmp_path / "bad.yaml")).endswith("bad.yaml:4:24: there is no node 'b' in node 'a'")
