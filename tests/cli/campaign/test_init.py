"""`campaign init`, `campaign test` and `--app`, in this process."""

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from telebridge.audio import wav
from telebridge.campaigns.definition.loading import load_campaign
from telebridge.cli.campaign import try_campaign as try_module
from telebridge.cli.campaign.campaign import campaign
from telebridge.errors import CampaignRefused, ConfigurationError
from telebridge.speech.source import Audio

FLOW = """\
flow: reminder
start: hello
needs: [name]
nodes:
  hello: {say: "Hello {{ name }}.", then: bye}
  bye: {hang_up: "Goodbye."}
"""
OTHER = "flow: other\nstart: bye\nnodes:\n  bye: {hang_up: 'Goodbye {{ from }}.'}\n"
CSV = "Name;Mobile\nAda;212 555 0111\nBen;212 555 0112\n"
PYTHON = """\
from telebridge import Bridge

bridge = Bridge()


@bridge.flow("spoken", needs=["first_name"])
async def spoken(call):
    await call.say(call.variables["first_name"])
"""


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Runs a command in a folder with two flows and a list."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "reminder.yaml").write_text(FLOW)
    (tmp_path / "flows" / "other.yaml").write_text(OTHER)
    (tmp_path / "people.csv").write_text(CSV)
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("TELEBRIDGE_FLOWS_DIR", str(tmp_path / "flows")),
        ("TELEBRIDGE_STATE_DIR", str(tmp_path / "var")),
        ("TELEBRIDGE_PUBLIC_URL", "https://bridge.example"),
        ("TWILIO_ACCOUNT_SID", "AC1"),
    ):
        monkeypatch.setenv(name, value)

    def run(*arguments):
        done = CliRunner().invoke(campaign, arguments)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


@pytest.mark.slow
def test_a_list_becomes_a_campaign_that_says_what_its_people_hear(command, tmp_path):
    told = command("init", "people.csv", "--from", "+1 212 555 0100")
    assert told.endswith(
        "people.toml is written; then:\n  telebridge campaign preflight people.toml --contacts people.csv\n"
    )
    made = load_campaign(tmp_path / "people.toml")
    assert (made.flow, made.from_[0].number, made.columns.variables) == ("reminder", "+12125550100", {"name": "Name"})
    told = command("create", "people.toml", "--contacts", "people.csv")
    assert "2 added" in told
    assert "the first two calls as they will be heard:\n  +12125550111\n    hello          Hello Ada." in told
    told = json.loads(command("start", "people", "--json"))
    assert told["status"] == "running"
    assert [call["phone"] for call in told["words"]["first_calls"]] == ["+12125550111", "+12125550112"]


def test_what_its_owner_must_set_is_named(command, tmp_path):
    (tmp_path / "people.csv").write_text("Customer,Mobile\nAda,212 555 0111\n")
    told = command("init", "people.csv", "--flow", "reminder")
    assert "people.toml is written; set from, default_country, columns.name in it, then:\n" in told


def test_a_campaign_file_that_is_there_is_not_overwritten(command, tmp_path):
    (tmp_path / "people.toml").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"people\.toml: is there already; name another one with --output"):
        command("init", "people.csv")
    assert (tmp_path / "people.toml").read_text() == "mine"
    command("init", "people.csv", "--force", "--flow", "other")
    assert 'flow = "other"' in (tmp_path / "people.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--country", "XX"], "--country: 'XX' is no country"),
        (["--from", "313-5550 mom"], r"--from: '313-5550 mom' has letters \('mom'\)"),
        (["--flow", "remainder"], "flow 'remainder': does not exist; did you mean 'reminder'?"),
        (["-o", "no/such/folder.toml"], "folder.toml: cannot be written"),
    ],
)
def test_what_init_cannot_do_it_says(command, arguments, told):
    with pytest.raises(ConfigurationError, match=told):
        command("init", "people.csv", *arguments)


class PlayedTwilio:
    """A Twilio that places every call; it is closed as one is."""

    def __init__(self):
        self.requests = []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_error):
        return None

    async def create(self, request):
        self.requests.append(request)
        return SimpleNamespace(sid="CA1")


class PlayedVoice:
    """A voice that is as long as its text, in milliseconds."""

    description = "a played voice"

    def __init__(self):
        self.source = self
        self.texts = []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_error):
        return None

    async def speak(self, text, *, voice):
        self.texts.append(text)
        yield Audio(b"\x55" * 8 * len(text))


@pytest.fixture
def created(command):
    command("init", "people.csv", "--from", "+1 212 555 0100")
    command("create", "people.toml", "--contacts", "people.csv")
    return command


@pytest.mark.slow
def test_a_campaign_rings_its_owner_with_the_words_of_a_contact(created, monkeypatch):
    twilio = PlayedTwilio()
    monkeypatch.setattr(try_module, "open_twilio", lambda _settings: twilio)
    told = created("test", "people", "--to", "+1 212 555 0199", "--contact", "+12125550112")
    assert told == "CA1: +12125550199 rings, with the words of +12125550112\n"
    [request] = twilio.requests
    assert (request.to, request.from_) == ("+12125550199", "+12125550100")
    assert request.url.startswith("https://bridge.example/twilio/voice/reminder?variables=")
    assert json.loads(created("status", "people", "--json"))["contacts"] == {"ready": 2}


@pytest.mark.slow
def test_a_campaign_is_heard_as_a_file(created, monkeypatch, tmp_path):
    voice = PlayedVoice()
    monkeypatch.setattr(try_module, "open_voice", lambda _settings: voice)
    told = created("test", "people", "--listen", "words.wav")
    assert voice.texts == ["Hello Ada.", "Goodbye."]
    assert "the words of +12125550111:\n  Hello Ada.\n  Goodbye.\n" in told
    spoken = wav.read(tmp_path / "words.wav")
    assert len(spoken) == 8 * (len("Hello Ada.") + len("Goodbye.") + 2 * try_module.PAUSE_MS)


@pytest.mark.slow
def test_the_first_calls_are_heard_one_after_the_other(created, monkeypatch, tmp_path):
    voice = PlayedVoice()
    monkeypatch.setattr(try_module, "open_voice", lambda _settings: voice)
    told = created("test", "people", "--listen", "words.wav", "--first", "3")
    assert voice.texts == ["Hello Ada.", "Goodbye.", "Hello Ben.", "Goodbye."]
    assert told.count("the words of +1212555011") == 2
    spoken = 8 * (len("".join(voice.texts)) + 4 * try_module.PAUSE_MS + try_module.BETWEEN_CALLS_MS)
    assert len(wav.read(tmp_path / "words.wav")) == spoken


@pytest.mark.slow
def test_what_a_test_cannot_do_it_says(created):
    with pytest.raises(ConfigurationError, match="--to: or --listen is needed"):
        created("test", "people")
    with pytest.raises(ConfigurationError, match="has letters"):
        created("test", "people", "--to", "313-5550 mom")
    with pytest.raises(ConfigurationError, match="--first: is for --listen alone"):
        created("test", "people", "--to", "+12125550199", "--first", "2")
    with pytest.raises(CampaignRefused, match=r"has no contact \+12125550119"):
        created("test", "people", "--listen", "x.wav", "--contact", "+12125550119")


@pytest.mark.slow
def test_a_python_flow_is_known_with_its_application(command, tmp_path):
    (tmp_path / "spoken_words.py").write_text(PYTHON)
    (tmp_path / "people.csv").write_text("First name,Phone\nAda,2125550111\n,2125550112\n")
    text = 'name = "c"\nflow = "spoken"\nkind = "other"\nfrom = "+12125550100"\n'
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(ConfigurationError, match="there is no flow 'spoken'"):
        command("preflight", "c.toml", "--contacts", "people.csv")
    app = ("--app", "spoken_words:bridge")
    told = command("preflight", "c.toml", "--contacts", "people.csv", *app)
    assert "1 would not: has no {{ first_name }}, which the flow needs" in told
    assert "flow 'spoken' is written in Python: `telebridge campaign test c --to +1…`" in told
    made = json.loads(command("create", "c.toml", "--contacts", "people.csv", *app, "--json"))
    assert (made["import"]["added"], made["import"]["rejected"]) == (1, 1)
    with pytest.raises(ConfigurationError, match="flow 'spoken' is written in Python; ring yourself with --to"):
        command("test", "c", "--listen", "x.wav", *app)
