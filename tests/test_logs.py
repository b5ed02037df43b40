"""Lines of the log: JSON unless a person reads them, from a level on."""

import io
import json

import pytest
import structlog

from telebridge.logs import configure_logs, logger


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def configured():
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_lines_are_json_with_level_time_and_what_was_bound():
    stream = io.StringIO()
    configure_logs(stream=stream)
    logger("telebridge.call").bind(call_sid="CA1").warning("stream lost", silent_ms=900)
    line = json.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {"call_sid": "CA1", "silent_ms": 900, "event": "stream lost", "level": "warning"}


def test_lines_below_the_level_are_left_out():
    stream = io.StringIO()
    configure_logs(level="warning", stream=stream)
    logger("telebridge").info("call arrived")
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("json_", "is_json"), [(None, False), (True, True)])
def test_a_terminal_gets_lines_to_read_unless_json_is_wanted(json_, is_json):
    stream = Terminal()
    configure_logs(json=json_, stream=stream)
    logger("telebridge").info("call arrived")
    assert "call arrived" in stream.getvalue()
    assert stream.getvalue().startswith("{") is is_json


def test_an_exception_is_one_line_with_its_traceback():
    stream = io.StringIO()
    configure_logs(stream=stream)
    try:
        raise ValueError("no such mark")
    except ValueError:
        logger("telebridge").exception("call broke off")
    [line] = stream.getvalue().splitlines()
    assert "ValueError: no such mark" in json.loads(line)["exception"]
