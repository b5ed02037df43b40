"""Programs of others that answer in TwiML, called by their URL on real time."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
import sqlalchemy.dialects.postgresql  # noqa: F401 - pytester forgets what is imported in a run, and warns of it twice
from support.programs_of_others import serving_apart, talking_bot
from typer.testing import CliRunner

import telebridge.testing.picture
import telebridge.testing.scenarios.collecting
import telebridge.turns.detectors  # noqa: F401 - pytester forgets what is imported in a run, numpy cannot be imported twice
from telebridge.cli.main import app
from telebridge.errors import ConfigurationError
from telebridge.testing import CallFailure, Phone, TwimlApplication


class PhoneTree(BaseHTTPRequestHandler):
    """A phone tree with the standard library alone."""

    def do_POST(self):
        fields = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        digits = fields.get("Digits", [""])[0]
        if self.path == "/voice":
            verbs = '<Gather numDigits="1" action="/chosen"><Say>For hours, press 1.</Say></Gather>'
        else:
            verbs = f"<Say>You pressed {digits}.</Say><Dial>+14155550100</Dial><Say>Goodbye.</Say>"
        body = f"<Response>{verbs}</Response>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def phone_tree():
    server = ThreadingHTTPServer(("127.0.0.1", 0), PhoneTree)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/voice"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_a_phone_tree(phone_tree):
    with Phone() as phone:
        phone.answers("+14155550100", "ring 100ms; listen 200ms; hang up")
        with phone.call(url=phone_tree) as call:
            call.hears("for hours, press", within=3)
            call.press("1")
            call.hears("you pressed 1", within=3)
            call.transferred_to("+14155550100", within=5)
            call.hears("goodbye", within=5)
            call.ends(within=3, by="bridge", status="completed")
        assert [line.source for line in call.lines] == ["say"] * 3
        with pytest.raises(AttributeError, match="only a call that telebridge leads"):
            _ = call.path


@pytest.mark.slow
def test_the_interruption_of_a_bot_is_measured_in_milliseconds():
    with serving_apart(talking_bot()) as url, Phone() as phone, phone.call(f"{url}/voice") as call:
        call.hears_sound(within=3)
        call.waits(0.3)
        with pytest.raises(CallFailure, match='hears "hello": not heard within 0'):
            call.hears("hello", within=0.1)
        call.says("excuse me")
        cut = call.cut(within=2, after=0.25)
        assert 0 < cut.after_ms < 250
        call.hears_nothing(for_=0.3)
        call.hangs_up()
    assert "a sound of" in call.timeline()


CALLS = """
steps:
  - hears: press 1
    within: 5s
  - press: "1"
  - hears: you pressed 1
    within: 5s
"""
TESTS = """
import pytest

def test_by_the_settings(phone):
    with phone.call() as call:
        call.hears("for hours", within=5)

@pytest.mark.telebridge(flow="desk.yaml")
def test_the_marker_comes_first(phone):
    with pytest.raises(Exception, match="desk.yaml:1:1: cannot be read"):
        phone.call()
"""


@pytest.mark.slow
def test_the_program_of_a_project_is_named_once(phone_tree, pytester):
    (pytester.path / "hours.call.yaml").write_text(CALLS)
    pytester.makepyfile(TESTS)
    arguments = ("-p", "no:schemathesis", "-p", "no:anyio", "-W", "ignore")
    pytester.makeini(f"[pytest]\ntelebridge_url = {phone_tree}\n")
    pytester.runpytest_inprocess(*arguments).assert_outcomes(passed=3)
    pytester.makeini("[pytest]\ntelebridge_url = http://127.0.0.1:9/voice\n")
    selected = ("--telebridge-url", phone_tree, "-k", "settings")
    pytester.runpytest_inprocess(*arguments, *selected).assert_outcomes(passed=1, deselected=2)


@pytest.mark.slow
def test_on_the_command_line(phone_tree, tmp_path):
    staging = tmp_path / "hours.call.yaml"
    staging.write_text(f"url: http://127.0.0.1:9/voice\n{CALLS}")
    result = CliRunner().invoke(app, ["test", "--url", phone_tree, str(staging)])
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "1 passed"), result.output
    result = CliRunner().invoke(app, ["test", "--url", phone_tree, "--wait", "5"])
    assert result.exit_code == 0
    assert '▶ "For hours, press 1."' in result.output
    result = CliRunner().invoke(app, ["test", "--url", "http://127.0.0.1:9/voice"])
    assert result.exit_code == 1
    assert "webhook failed: POST http://127.0.0.1:9/voice: Cannot connect" in result.output


def test_a_program_that_does_not_listen_is_waited_for_so_long():
    result = CliRunner().invoke(app, ["test", "--url", "http://127.0.0.1:9/voice", "--wait", "0.1"])
    assert str(result.exception).startswith("--url: nobody listens at http://127.0.0.1:9/voice (")


def test_what_a_program_would_not_notice_is_refused():
    with Phone(url="http://127.0.0.1:9/voice") as phone:
        phone.call()
        with pytest.raises(ConfigurationError, match="rime: is not the local one for this program"):
            phone.inject("rime hangs")
        phone.rime.recovers()
        with pytest.raises(ConfigurationError, match="bridge restarts: the program that answers is no bridge"):
            phone.inject("bridge restarts")
        phone.web.answers("https://api.example.com/x", {})
        with pytest.raises(ConfigurationError, match="web: is described, and this program asks"):
            phone.call()
    with pytest.raises(ConfigurationError, match="is given a flow and a URL"):
        Phone(flow="desk.yaml", url="http://127.0.0.1:9/voice")


@pytest.mark.slow
def test_a_program_that_speaks_through_the_local_rime_is_understood(unused_tcp_port):
    bot = talking_bot(
        rime=f"ws://127.0.0.1:{unused_tcp_port}", text="Welcome to the other bot. It talks for very long about nothing."
    )
    with serving_apart(bot) as url:
        program = TwimlApplication(f"{url}/voice", rime_port=unused_tcp_port)
        with Phone() as phone, phone.call(program) as call:
            call.hears("welcome to the other bot. it", within=5)
            call.says("stop")
            cut = call.cut(within=2)
            assert cut.after_ms < 300
            assert cut.text == "It talks for very long about nothing."
