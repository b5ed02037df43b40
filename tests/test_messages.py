"""What a newcomer does wrong is told with the setting, file or variable, the value, and what to write instead."""

import errno
import io
import socket
import subprocess
import sys

import pytest
from support.programs import ROOT, environment
from typer.testing import CliRunner

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.flows.python.registry import Bridge
from telebridge.cli.listen import cannot_listen
from telebridge.cli.main import app
from telebridge.errors import ConfigurationError, TwilioAPIError
from telebridge.settings.loading import load_settings

FLOW = "flow: mine\nstart: a\nnodes:\n  a: {hang_up: Bye.}\n"
CAMPAIGN = 'name = "x"\nflow = "mine"\nkind = "informational"\nfrom = ["+12125550100"]\n'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def refused(*arguments):
    done = run(*arguments)
    assert isinstance(done.exception, ConfigurationError), done.output
    return str(done.exception)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        (
            "PUBLIC_URL",
            "bridge.example.com",
            "is no http or https address with a plain path and without a query: 'bridge.example.com'; "
            "write 'https://bridge.example.com'",
        ),
        ("SERVER__PORT", "99999", "input should be less than or equal to 65535, not '99999'"),
        ("RIME__PROTOCOL", "ws9", "input should be 'ws', 'ws2' or 'ws3', not 'ws9'"),
        ("TWILIO__VALIDATE_SIGNATURES", "perhaps", "is neither true nor false: 'perhaps'"),
    ],
)
def test_a_wrong_variable_is_told_with_its_value(monkeypatch, variable, value, told):
    monkeypatch.setenv(f"TELEBRIDGE_{variable}", value)
    with pytest.raises(ConfigurationError) as raised:
        load_settings()
    assert str(raised.value) == f"TELEBRIDGE_{variable}: {told}"


@pytest.mark.parametrize("key", ["rime.api_key", "twilio.auth_token", "server.api_token", "secret", "database.url"])
def test_the_value_of_a_secret_is_never_shown(folder, key):
    section, _, name = key.rpartition(".")
    (folder / "telebridge.toml").write_text(f"{f'[{section}]' if section else ''}\n{name} = 271828\n")
    with pytest.raises(ConfigurationError) as raised:
        load_settings()
    assert str(raised.value) == f"telebridge.toml: {key}: input should be a valid string"


@pytest.mark.parametrize(
    ("number", "instead"),
    [("5551230000", "+15551230000"), ("555 123-0000", "+15551230000"), ("49301234567", "+49301234567")],
)
def test_a_number_that_no_call_would_match_is_told(folder, number, instead):
    (folder / "telebridge.toml").write_text(f'[numbers]\n"{number}" = "front-desk"\n')
    with pytest.raises(ConfigurationError) as raised:
        load_settings()
    assert str(raised.value) == (
        f"telebridge.toml: numbers: '{number}' is no number as Twilio sends it, so that no call would have this flow; "
        f"write it with + and the country's code, as in '{instead}'"
    )


@pytest.mark.parametrize("number", ["+15551230000", "sip:desk@example.com", "client:desk", "12345"])
def test_what_twilio_sends_as_the_called_number_is_taken(folder, number):
    (folder / "telebridge.toml").write_text(f'[numbers]\n"{number}" = "front-desk"\n')
    assert load_settings().numbers == {number: "front-desk"}


def test_a_text_without_quotes_is_told_with_an_example(folder):
    (folder / "telebridge.toml").write_text("public_url = https://x.example.com\n")
    with pytest.raises(
        ConfigurationError, match=r"line 1, column 14\); a text stands in quotes, as in name = \"text\""
    ):
        load_settings()


def test_settings_of_windows_begin_with_a_byte_order_mark(folder):
    (folder / "telebridge.toml").write_bytes(b'\xef\xbb\xbfdefault_flow = "mine"\r\n')
    assert load_settings().default_flow == "mine"
    (folder / "telebridge.toml").write_bytes('default_flow = "grün"\n'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"is not UTF-8 \(byte 18\); save it as UTF-8"):
        load_settings()


@pytest.mark.parametrize(
    ("verb", "hint"),
    [
        ("gather", "'menu' asks for one key, 'collect' for several, 'listen' for words"),
        ("Gather", "'menu' asks for one key, 'collect' for several, 'listen' for words"),
        ("dial", "'transfer' connects the caller with a number"),
        ("hangup", "did you mean 'hang_up'?"),
        ("http", "'request' asks a web service"),
    ],
)
def test_a_verb_of_twilio_leads_to_ours(folder, verb, hint):
    (folder / "x.yaml").write_text(
        f"flow: x\nstart: a\nnodes:\n  a: {{{verb}: hello, then: b}}\n  b: {{hang_up: Bye.}}\n"
    )
    assert run("flow", "check", "x.yaml").output == f"x.yaml:4:3: has no verb in node 'a'; {hint}\n"


def test_both_endings_of_flow_files_are_loaded(folder):
    (folder / "mine.yml").write_text(FLOW)
    (folder / "other.yaml").write_text(FLOW.replace("mine", "other"))
    flows = FlowCatalogue(folder)
    flows.load()
    assert flows.names == ["mine", "other"]


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_flows_is_named(folder, there):
    if there:
        (folder / "mine").mkdir()
    why = "holds no flow files" if there else "does not exist"
    with pytest.raises(ConfigurationError) as raised:
        FlowCatalogue(folder / "mine").find("front-desk")
    assert raised.value.hint == (
        f"there are no flows: folder '{folder / 'mine'}' {why}; set flows_dir, or make a project: telebridge init"
    )


@pytest.mark.parametrize("number", [errno.EADDRNOTAVAIL, socket.EAI_NONAME])
def test_an_address_of_another_machine_is_told_as_the_host(number):
    error = OSError(number, "Name or service not known (while attempting to bind on address ('b', 1))")
    assert str(cannot_listen(error, "bridge.example.com", 8080, "server.port")) == (
        "server.host: 'bridge.example.com' is no address of this machine (Name or service not known); write 127.0.0.1, "
        "or 0.0.0.0 for all addresses; the name that Twilio dials is public_url"
    )


@pytest.mark.parametrize("command", ["serve", "simulator", "speech-server"])
def test_a_port_that_there_is_not_is_refused(command):
    done = run(command, "--port", "99999")
    assert done.exit_code == 2
    assert "65535" in done.output


def test_twilio_that_does_not_answer_has_not_answered():
    assert str(TwilioAPIError(0, None, "cannot be reached")) == "no answer from Twilio: cannot be reached"
    assert str(TwilioAPIError(400, 21211, "no")) == "Twilio answered 400, error 21211: no"


def test_a_decorator_without_a_name_is_refused():
    bridge = Bridge()
    with pytest.raises(ConfigurationError) as raised:

        @bridge.flow
        async def desk(call):
            pass

    assert str(raised.value).endswith(': a flow has no name; write @bridge.flow("desk")')
    assert "test_messages.py:" in raised.value.where
    with pytest.raises(
        ConfigurationError, match=r'bridge.function: a function has no name; write @bridge.function\("…"'
    ):
        bridge.function("")


@pytest.mark.parametrize("register", [lambda bridge: bridge.flow("desk"), lambda bridge: bridge.function("desk")])
def test_what_is_not_async_is_refused_when_it_is_registered(register):
    def desk(call):
        pass

    with pytest.raises(
        ConfigurationError, match=r"test_messages.py:\d+: .* 'desk' is not async; begin it with 'async def'"
    ):
        register(Bridge())(desk)


def test_an_object_that_is_called_as_a_coroutine_may_be_a_flow():
    class Desk:
        async def __call__(self, call):
            pass

    bridge = Bridge()
    desk = bridge.flow("desk")(Desk())
    assert bridge.flows == {"desk": desk}


@pytest.mark.parametrize(
    ("rows", "prices", "shown", "hidden"),
    [
        ("phone\n123\n", "", "nobody would be called", "everybody has been called"),
        ("phone\n+12125550123\n", "", "cost unknown: set price_per_call and price_per_minute", "cost 0"),
        ("phone\n+12125550123\n", "price_per_minute = 0.5\n", "cost 0.", "unknown"),
    ],
)
def test_a_preflight_says_what_it_knows(folder, rows, prices, shown, hidden):
    (folder / "config" / "flows").mkdir(parents=True)
    (folder / "config" / "flows" / "mine.yaml").write_text(FLOW)
    (folder / "c.toml").write_text(CAMPAIGN + prices)
    (folder / "p.csv").write_text(rows)
    done = run("campaign", "preflight", "c.toml", "--contacts", "p.csv")
    assert done.exit_code == 0, done.output
    assert shown in done.output
    assert hidden not in done.output


def test_a_voice_is_a_speaker_and_one_that_nobody_knows_is_told(folder):
    done = run("say", "Hi.", "--voice", "nobody", "-o", "x.wav")
    assert done.exit_code == 0, done.output
    assert "warning: rime.speaker: 'nobody' is not known for arcana in 'eng'; known are " in done.stderr


@pytest.mark.slow
def test_a_terminal_that_cannot_show_a_letter_shows_a_question_mark():
    done = subprocess.run(
        [sys.executable, "-m", "telebridge", "flow", "try", "config/flows/bilingual.yaml", "--keys", "2"],
        cwd=ROOT,
        env=environment(PYTHONIOENCODING="ascii"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "?" in done.stdout
    assert isinstance(sys.__stdout__, io.TextIOWrapper)
