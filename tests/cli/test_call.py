"""What came of a call is told from the database, to people and to programs."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from telebridge.call.record import CallRecord, SpokenUtterance
from telebridge.call.store.store import CallStore
from telebridge.cli.call import _utterance_line
from telebridge.cli.main import app
from telebridge.database.database import database_of
from telebridge.database.engine import open_database
from telebridge.database.migration import migrate
from telebridge.errors import ConfigurationError
from telebridge.turns.barge_in import BargeIn, BargeInCause


@pytest.fixture
def told(tmp_path, monkeypatch):
    monkeypatch.setenv("TELEBRIDGE_STATE_DIR", str(tmp_path))
    asyncio.run(_keep(f"sqlite:///{tmp_path}/telebridge.db"))

    def run(*arguments):
        done = CliRunner().invoke(app, ["call", *arguments])
        if isinstance(done.exception, ConfigurationError):
            raise done.exception
        assert done.exit_code == 0
        return done.output

    return run


async def _keep(address, sid="CA1", text="Welcome."):
    engine = open_database(address)
    await migrate(engine)
    store = CallStore(database_of(engine))
    record = CallRecord(sid, "front-desk", "+1555", "+1666", "inbound", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    cut = BargeIn(BargeInCause.KEY, "Press one", 900, exact=True)
    record.utterances = [SpokenUtterance(text, 700, None), SpokenUtterance("Press one or two.", 1800, cut)]
    record.digits, record.path, record.end_reason = ["2"], ["welcome", "main"], "caller hung up"
    store.writer.began(record)
    store.writer.ended(record, wallclock=datetime(2026, 1, 2, 3, 5, tzinfo=UTC))
    await store.aclose()
    await engine.dispose()


def test_a_call_is_shown_with_what_was_heard(told):
    shown = told("show", "CA1")
    for part in ("+1555 → +1666", "welcome → main", "Press one  ✂ key after 900 ms", "caller hung up", "Welcome."):
        assert part in shown
    assert "or two" not in shown


def test_a_call_is_told_as_json(told):
    call = json.loads(told("show", "CA1", "--json"))
    assert (call["digits"], call["live"], call["utterances"][1]["heard_text"]) == (["2"], False, "Press one")


def test_the_latest_calls_are_listed(told):
    assert told("list").splitlines()[1].split()[:2] == ["1", "01-02"]
    assert "CA1" in told("list")
    assert [call["call_sid"] for call in json.loads(told("list", "--json"))] == ["CA1"]


@pytest.mark.parametrize("named", ["CA1", "CA", "1", "last"])
def test_a_call_is_named_by_its_beginning_or_its_place(told, named):
    assert told("show", named) == told("show", "CA1")


@pytest.mark.parametrize(("named", "problem"), [("2", "there is no call 2 in the list"), ("0", "there is no call 0")])
def test_a_place_that_is_not_in_the_list_is_told(told, named, problem):
    with pytest.raises(ConfigurationError, match=f"SID: {problem}.*; telebridge call list"):
        told("show", named)


def test_a_beginning_of_several_calls_is_told(told, tmp_path):
    for sid in ("CA10", "CA11"):
        asyncio.run(_keep(f"sqlite:///{tmp_path}/telebridge.db", sid))
    with pytest.raises(ConfigurationError, match="SID: several calls begin with 'CA'; write more of it"):
        told("show", "CA")
    assert "CA10" in told("show", "CA10")


def test_everything_fits_80_columns(told, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    asyncio.run(_keep(f"sqlite:///{tmp_path}/telebridge.db", f"CA{'3f' * 16}", text="Word after word is said. " * 9))
    for arguments in (["list"], ["show", "CA3"]):
        lines = told(*arguments).splitlines()
        assert max(map(len, lines)) <= 80
    utterance = [line for line in lines if "Word" in line or "said." in line]
    assert len(utterance) > 2
    assert len({len(line) - len(line.lstrip()) for line in utterance[1:]}) == 1, "in a column of its own"
    assert "CA3f3f3f3f" in told("list")


def test_an_unknown_call_is_named(told):
    with pytest.raises(ConfigurationError, match="SID: there is no call 'CA2'; telebridge call list"):
        told("show", "CA2")


def test_a_number_with_letters_is_not_given_to_twilio_which_would_read_them_as_keys(told, monkeypatch):
    monkeypatch.setenv("TELEBRIDGE_PUBLIC_URL", "https://bridge.example")
    for arguments in (("313-5550 mom", "--from", "+15551230001"), ("+15551230000", "--from", "313-5550 mom")):
        with pytest.raises(ConfigurationError, match=r"'313-5550 mom' has letters \('mom'\)"):
            told(*arguments)


def test_the_text_of_a_prompt_of_which_nothing_was_heard_is_shown():
    _, line = _utterance_line(
        {
            "text": "Hello Ada.",
            "heard_text": "",
            "audio_ms": 900,
            "interrupted_by": "key",
            "heard_ms": 71,
            "exact": True,
        }
    )
    assert line.plain == "(nothing of: Hello Ada.)  ✂ key after 71 ms"
