"""`telebridge prompts` as its users meet it."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from typer.testing import CliRunner

from telebridge.cli.main import app
from telebridge.errors import ConfigurationError
from telebridge.twilio.signed_urls import PromptTokenError, PromptTokens

FLOW = """
flow: desk
variables: {company: Acme}
start: hello
nodes:
  hello: {say: "Welcome to {{ company }}.", then: bye}
  bye: {hang_up: "Goodbye {{ from }}."}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command with settings of its own; the voice of this machine hums."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "desk.yaml").write_text(FLOW)
    config = tmp_path / "telebridge.toml"
    config.write_text(
        f'public_url = "https://a.example"\nflows_dir = "{tmp_path}/flows"\nstate_dir = "{tmp_path}/var"\n'
        'default_flow = "desk"\nsecret = "secret"\n'
    )
    for name in ("RIME_API_KEY", "TELEBRIDGE_RIME__URL", "TELEBRIDGE_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("telebridge.speech_server.server.missing_packages", lambda: ["soxr"])

    def run(*arguments, **settings):
        for name, value in settings.items():
            monkeypatch.setenv(f"TELEBRIDGE_{name}", value)
        done = CliRunner().invoke(app, ["prompts", *arguments, "--config", str(config)])
        assert done.exception is None or isinstance(done.exception, SystemExit | ConfigurationError), done.exception
        return done

    yield run
    structlog.reset_defaults()  # commands set it up for a process of their own


def told(done):
    """The line of an error, as `telebridge` would print it."""
    assert isinstance(done.exception, ConfigurationError)
    return str(done.exception)


def test_render_speaks_what_is_static_and_tells_why_the_rest_is_not(run):
    done = run("render")
    assert done.exit_code == 0
    assert "dynamic  desk: bye: depends on from: Goodbye {{ from }}." in done.stdout
    assert "2 rendered · 0 already there · 1 dynamic · 0 failed" in done.stdout
    assert "0 rendered · 2 already there · 1 dynamic · 0 failed" in run("render", "--flow", "desk").stdout


def test_render_tells_programs_the_same(run):
    found = json.loads(run("render", "--json").stdout)
    assert {each["text"] for each in found["rendered"]} >= {"Welcome to Acme."}
    assert [each["reason"] for each in found["dynamic"]] == ["depends on from"]
    assert (found["already_there"], found["failed"]) == ([], [])


def test_render_fails_when_a_prompt_could_not_be_spoken(run):
    done = run("render", RIME__URL="ws://127.0.0.1:9", RIME__WARM_SOCKETS="0")
    assert done.exit_code == 1
    assert "2 failed" in done.stdout
    assert "failed   desk: hello: no connection to Rime" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "settings", "line"),
    [
        (("render", "--flow", "dsk"), {}, "flow 'dsk': does not exist; did you mean 'desk'?"),
        (("render",), {"PROMPTS__ENABLED": "false"}, "prompts.enabled: is false: nothing is kept; set it to true"),
        (("url", "Hi."), {"PUBLIC_URL": ""}, "public_url: is not set; Twilio has to be told where this bridge is"),
        (("url", " "), {}, "TEXT: is empty; what shall be said?"),
        (("url", "Hi.", "--expires", "soon"), {}, "--expires: 'soon' is no duration; such as 30m, 12h or 1d"),
        (("url", "Hi.", "--expires", "9999999999d"), {}, "--expires: '9999999999d' is too long; leave it out for ever"),
        (("url", "a" * 2001), {}, "TEXT: has more than 2000 characters; make it several prompts"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(run, arguments, settings, line):
    assert told(run(*arguments, **settings)) == line


def test_an_unknown_model_is_told_before_anybody_fetches_the_prompt(run):
    assert told(run("url", "Hi.", "--model", "mistv9")).startswith("voice.model: ")


def test_url_prints_an_address_that_the_bridge_takes(run):
    done = run("url", "Hello, wörld.", "--speaker", "luna")
    token = re.fullmatch(r"https://a\.example/prompts/([\w.-]+)\.wav\n", done.stdout).group(1)
    read = PromptTokens("secret").read(token, wallclock=datetime.now(UTC) + timedelta(days=3650))
    assert read == ("Hello, wörld.", {"speaker": "luna"})


def test_an_address_may_expire(run):
    token = run("url", "Hi.", "--expires", "2h").stdout.rpartition("/")[2].removesuffix(".wav\n")
    tokens, now = PromptTokens("secret"), datetime.now(UTC)
    assert tokens.read(token, wallclock=now + timedelta(minutes=119))
    with pytest.raises(PromptTokenError, match="expired"):
        tokens.read(token, wallclock=now + timedelta(minutes=121))


def test_list_tells_what_is_kept_and_clear_removes_it(run):
    run("render")
    kept = json.loads(run("list", "--json").stdout)
    assert len(kept) == 2
    assert all(each["seconds"] > 0 and each["bytes"] > each["seconds"] * 8000 for each in kept)
    assert "Welcome to Acme." in run("list").stdout
    assert run("clear").stdout.startswith("removed 2 prompts from ")
    assert run("list").stdout.startswith("0 prompts, 0.0 MB in ")


def test_a_damaged_prompt_is_listed_as_such(run, tmp_path):
    run("render")
    damaged = next((tmp_path / "var" / "prompts").rglob("*.clip"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert "bytes after its header" in run("list").stdout
