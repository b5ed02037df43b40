"""The machine's bad days: signals, shutdown, and the database away"""

import asyncio
import os
import re
import signal
import sqlite3
import struct
import sys
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest
from sqlalchemy import event, make_url
from structlog.testing import capture_logs
from support.bridge import bridge
from support.faults import fault
from support.programs import Serving, children, telebridge
from support.virtual_time import virtually

from telebridge.app import records
from telebridge.app.campaigns import Campaigning
from telebridge.app.closing import Closing
from telebridge.cli.doctor import _database, _signatures
from telebridge.cli.listen import until_stopped
from telebridge.cli.process.stopping import Stop
from telebridge.database.engine import open_database
from telebridge.database.failures import POSTGRESQL_HINTS, SQLITE_HINTS, DatabaseUnusable, unusable
from telebridge.database.migration import migrate
from telebridge.flows.templates import TemplateProblem, rendered
from telebridge.settings.settings import Settings

FLOW = """
flow: test
start: hello
nodes:
  hello: {say: "Hello.", then: bye}
  bye: {hang_up: Goodbye.}
"""
SID, STREAM = "CA" + "1" * 32, "MZ" + "1" * 32


@asynccontextmanager
async def call_that_goes_on(url):
    """A call with an open media stream, and somebody who follows the events; neither ends by itself."""
    form = {"CallSid": SID, "CallStatus": "in-progress", "From": "+15551230001", "To": "+15551230002"}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/twilio/voice", data=form) as answer:
            stream = re.search(r'url="(ws[^"]+)"', await answer.text())[1].replace("&amp;", "&")
        async with session.ws_connect(stream) as socket, session.get(f"{url}/api/events"):
            start = {
                "streamSid": STREAM,
                "accountSid": "AC1",
                "callSid": SID,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            }
            await socket.send_json({"event": "connected", "protocol": "Call", "version": "1.0.0"})
            await socket.send_json({"event": "start", "sequenceNumber": "1", "streamSid": STREAM, "start": start})
            await asyncio.sleep(0.5)
            yield


async def seconds_until_end(process, signals):
    """How long a process with a live call lives after the last of so many signals."""
    async with call_that_goes_on(process.url):
        for _ in range(signals):
            process.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            await asyncio.sleep(0.3)
        await asyncio.to_thread(process.process.wait)
        return time.monotonic() - began


def real_seconds(tmp_path, drain_seconds, signals, *arguments):
    settings = {"TELEBRIDGE_STATE_DIR": str(tmp_path), "TELEBRIDGE_SERVER__DRAIN_SECONDS": str(drain_seconds)}
    with Serving("serve", "--port", "0", *arguments, **settings) as serving:
        return asyncio.run(seconds_until_end(serving, signals))


@fault(
    "A server is told to stop, and a call goes on for longer than `server.drain_seconds`.",
    caller="The call is cut when the time is over; another process leads it on, if there is one.",
    operator="A warning: calls were cut by the end of draining. The process ends within a second, with exit code 0.",
    kept="The call's checkpoint; every record of a call that ended.",
)
@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("--workers", "1")])
def test_a_server_ends_within_a_second_of_its_time_to_drain(tmp_path, arguments):
    assert 2 <= real_seconds(tmp_path, 2, 1, *arguments) < 3


@fault(
    "A server that drains gets a second signal.",
    caller="The call is cut at once; another process leads it on, if there is one.",
    operator="The process ends within a second, with exit code 0.",
    kept="The call's checkpoint; every record of a call that ended.",
)
@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("--workers", "1")])
def test_a_second_signal_ends_a_server_now(tmp_path, arguments):
    assert real_seconds(tmp_path, 60, 2, *arguments) < 1


@fault(
    "A service manager or a terminal sends the signal to the supervisor and to its processes, which get it twice.",
    caller="The call, to its end.",
    operator="One draining.",
    kept="The time that live calls have to end.",
)
async def test_a_signal_that_comes_twice_to_a_process_under_a_supervisor_is_one():
    lifeline, held = os.pipe()
    stop = Stop(60, [].append)

    async def drain():
        for signum in (signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), signum)
            await asyncio.sleep(0.01)

    stopped = asyncio.create_task(until_stopped(stop, drain, lifeline=lifeline))
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(stopped, 30)
    assert stop.seconds_left() > 20
    stop.dismiss()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        asyncio.get_running_loop().remove_signal_handler(signum)
    os.close(lifeline)
    os.close(held)


BLOCKED = """
import signal, sys, time
from telebridge.cli.process.supervisor import Supervisor

def serve(number, lifeline, listens):
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGQUIT))
    print("blocked", flush=True)
    time.sleep(600)

sys.exit(Supervisor(serve, print, drain_seconds=600).run(1))
"""


@fault(
    "A process under a supervisor takes no signals, because its event loop is blocked.",
    caller="The call is cut.",
    operator="The supervisor kills it within a second of its time, or of the second signal; exit code 1.",
    kept="What was written until then.",
)
async def test_a_process_that_takes_no_signals_is_killed():
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BLOCKED, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert await supervisor.stdout.readline() == b"blocked\n"
    [worker] = children(supervisor.pid)
    for _ in range(2):
        supervisor.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)  # two signals at once are one
    assert await asyncio.wait_for(supervisor.wait(), 30) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    supervisor._transport.close()


@fault(
    "A part of the server hangs or fails when the server stops: a receiver of webhooks, a connection to Rime.",
    caller="Nothing.",
    operator="A warning that names the part.",
    kept="What the other parts still write: the records of calls among them.",
)
@virtually
async def test_a_part_that_does_not_close_keeps_no_other_part_from_closing():
    closed = []

    async def hang():
        await asyncio.Event().wait()

    async def fail():
        raise OSError("gone")

    async def close():
        await asyncio.sleep(0.01)
        closed.append("store")

    loop = asyncio.get_running_loop()
    closing = Closing()
    for part, how in {"store": close, "webhooks": hang, "Rime": fail, "voice": hang}.items():
        closing.add(part, how, seconds=0.3)
    closing.drained_by(loop.time())
    before = loop.time()
    with capture_logs() as logs:
        await closing.close()
    assert closed == ["store"]
    assert loop.time() - before < 0.5
    assert [log["part"] for log in logs] == ["voice", "Rime", "webhooks"]


@pytest.mark.slow
@fault(
    "The database is away while a process that dials is told to stop.",
    caller="The call, to its end.",
    operator="A warning: it is unknown which calls ring. Draining goes on for its time.",
    kept="Live calls are not cut because nobody can be asked which of them ring.",
)
@virtually
async def test_draining_goes_on_while_the_database_is_away(tmp_path):
    account = {"account_sid": "AC1", "auth_token": "t", "api_base_url": "http://127.0.0.1:9"}
    settings = Settings(state_dir=tmp_path, public_url="https://bridge.example.com", twilio=account)
    engine = open_database(f"sqlite:///{tmp_path}/telebridge.db")
    await migrate(engine)
    async with Campaigning(settings, engine) as campaigning:
        break_database(tmp_path, "campaign")
        before = asyncio.get_running_loop().time()
        with capture_logs() as logs:
            await campaigning.drain(seconds=5)
        assert asyncio.get_running_loop().time() - before == pytest.approx(5, abs=0.1)
        assert any(log["event"].startswith("it is unknown which calls ring") for log in logs)
        break_database(tmp_path, "campaign", back=True)
    await engine.dispose()


def break_database(folder, table, *, back=False):
    """Let the database of a folder give no answer, or be whole again."""
    connection = sqlite3.connect(folder / "telebridge.db")
    names = (f"{table}_away", table) if back else (table, f"{table}_away")
    connection.execute('ALTER TABLE "{}" RENAME TO "{}"'.format(*names))
    connection.commit()
    connection.close()


async def health(url):
    async with aiohttp.ClientSession() as session:
        answers = []
        for path in ("readyz", "healthz"):
            async with session.get(f"{url}/{path}") as answer:
                answers.append((answer.status, await answer.json()))
        return answers


@fault(
    "The database goes away while the server runs.",
    caller="The call, as usual.",
    operator="`/readyz` answers 503 (200 with `database.required = false`) and names the database; `/healthz` 200.",
    kept="Records wait in memory, and are written once the database is back.",
)
@pytest.mark.parametrize(("required", "status"), [(True, 503), (False, 200)])
@virtually
async def test_readiness_names_the_database_that_is_away(tmp_path, required, status):
    async with bridge(tmp_path, FLOW, database={"required": required}) as stack:
        ready = (200, {"status": "ready", "live_calls": 0})
        alive = (200, {"status": "ok", "live_calls": 0})
        assert await health(stack.url) == [ready, alive]
        break_database(tmp_path, "alembic_version")
        await asyncio.sleep(1.1)
        said = "the database is away" if required else "ready"
        assert await health(stack.url) == [(status, {"status": said, "live_calls": 0, "away": ["database"]}), alive]
        break_database(tmp_path, "alembic_version", back=True)
        await asyncio.sleep(1.1)
        assert await health(stack.url) == [ready, alive]


@fault(
    "The database is away when the server starts, and `database.required` is false.",
    caller="The call, as usual.",
    operator="An error line at the start, an info line once it is there; `/readyz` names it meanwhile.",
    kept="The records of the calls: they are written once the database is there.",
)
@virtually
async def test_calls_are_answered_without_a_database_and_recorded_once_it_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "LONGEST_RETRY_SECONDS", 2.0)
    file = tmp_path / "telebridge.db"
    file.mkdir()
    with capture_logs() as logs:
        async with bridge(tmp_path, FLOW, database={"required": False}) as stack:
            assert (await health(stack.url))[0] == (200, {"status": "ready", "live_calls": 0, "away": ["database"]})
            placed, _ = await stack.call()
            file.rmdir()
            await asyncio.sleep(5)
            assert (await health(stack.url))[0] == (200, {"status": "ready", "live_calls": 0})
            rows = sqlite3.connect(file)
            assert rows.execute("SELECT call_sid, ended_at > 0 FROM call").fetchall() == [(placed.record.sid, 1)]
            rows.close()
    said = [log["event"] for log in logs if "database" in log["event"]]
    assert said[0] == "the database is away: calls are answered, and recorded once it is there"
    assert "the database is there" in said


def letter(file):
    file.write_text("Dear Sir or Madam, " * 100)


def folder(file):
    file.mkdir()


def full_disk(file):
    return lambda connection, _: connection.cursor().execute("PRAGMA max_page_count = 1")


def read_only(file):
    sqlite3.connect(file).close()
    return lambda connection, _: connection.cursor().execute("PRAGMA query_only = 1")


@fault(
    "The SQLite file cannot be used: it is no database, or a folder, or the disk is full, or it may not be written.",
    caller="Nothing: the server does not start, unless `database.required` is false.",
    operator="One line that names `database.url` and says what to do, and exit code 2.",
    kept="Whatever is there: nothing of it is changed.",
)
@pytest.mark.parametrize(
    ("state", "problem", "hint"),
    [
        (letter, "file is not a database", "name another file, or move this one away"),
        (folder, "is a folder", "name a file in it"),
        (full_disk, "database or disk is full", "make room on the disk of"),
        (read_only, "readonly database", "let the user of this process write to"),
    ],
)
async def test_a_file_that_cannot_be_used_is_told_in_one_line(tmp_path, state, problem, hint):
    file = tmp_path / "telebridge.db"
    prepare = state(file)
    mode = file.stat().st_mode if state is folder else None
    engine = open_database(f"sqlite:///{file}")
    if prepare is not None:
        event.listen(engine.sync_engine, "connect", prepare)
    with pytest.raises(DatabaseUnusable) as raised:
        await migrate(engine)
    await engine.dispose()
    told = str(raised.value)
    assert told.startswith("database.url: the database cannot be used (")
    assert problem in told
    assert hint in told
    assert str(file) in told
    assert "\n" not in told
    assert mode is None or file.stat().st_mode == mode


@fault(
    "A server is started with an SQLite file that is no database.",
    caller="Nothing: the server does not start.",
    operator="One line that names `database.url`, and exit code 2.",
    kept="The file.",
)
@pytest.mark.slow
def test_a_server_over_a_file_that_is_no_database_ends_with_one_line(tmp_path):
    letter(tmp_path / "telebridge.db")
    done = telebridge("serve", "--port", "0", TELEBRIDGE_STATE_DIR=str(tmp_path))
    assert done.returncode == 2
    [line] = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert line.startswith("telebridge: database.url: the database cannot be used (file is not a database")


@fault(
    "SQLite gives any of the messages that are known.",
    caller="Nothing: the server does not start, unless `database.required` is false.",
    operator="One line with what to do.",
    kept="Whatever is there.",
)
def test_each_message_of_sqlite_that_has_a_hint_is_told_in_one_line():
    for part in SQLITE_HINTS:
        told = str(unusable(sqlite3.OperationalError(part), make_url("sqlite:///var/calls.db")))
        assert "\n" not in told
        assert "{" not in told


SSL_REQUEST = 80877103


def refusal(state, message):
    fields = f"SFATAL\0VFATAL\0C{state}\0M{message}\0\0".encode()
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


@asynccontextmanager
async def postgresql_that_refuses(answer):
    """A server that answers every start of a session with one message."""

    async def respond(reader, writer):
        code = SSL_REQUEST
        while code == SSL_REQUEST:
            [length] = struct.unpack("!I", await reader.readexactly(4))
            [code] = struct.unpack("!I", (await reader.readexactly(length - 4))[:4])
            writer.write(b"N" if code == SSL_REQUEST else answer)
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@fault(
    "PostgreSQL refuses the connection: nobody listens, the password is wrong, it starts, it is full.",
    caller="Nothing: the server does not start, unless `database.required` is false.",
    operator="One line that names `database.url` and says what to do, and exit code 2; no password in it.",
    kept="The password.",
)
@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("28P01", 'password authentication failed for user "u"'),
        ("3D000", 'database "name" does not exist'),
        ("53300", "sorry, too many clients already"),
        ("57P03", "the database system is starting up"),
        (None, "Connect call failed"),
    ],
)
async def test_a_postgresql_that_refuses_is_told_in_one_line(state, message):
    async with postgresql_that_refuses(refusal(state, message)) as port:
        engine = open_database(f"postgresql://u:geheim@127.0.0.1:{1 if state is None else port}/name")
        with pytest.raises(DatabaseUnusable) as raised:
            await migrate(engine)
        await engine.dispose()
    told = str(raised.value)
    assert told.startswith("database.url: the database cannot be used (")
    hints = [hint for start, hint in POSTGRESQL_HINTS.items() if state and state.startswith(start)]
    assert told.endswith(hints[0] if hints else "start PostgreSQL, or correct the host and the port")
    assert message in told
    assert "geheim" not in told
    assert "\n" not in told


def checked(tmp_path, **values):
    """What `telebridge doctor` finds, by what it is about."""
    settings = Settings(state_dir=tmp_path, **values)
    findings = [_signatures(settings), asyncio.run(_database(settings))]
    return {finding.what: (finding.state, finding.told) for finding in findings}


@fault(
    "The auth token is missing, and others can reach the server.",
    caller="Nothing: the server does not start.",
    operator="`telebridge doctor` fails, names `twilio.auth_token`, and exits with 1.",
    kept="Whoever is not Twilio begins no call.",
)
def test_the_doctor_fails_where_the_server_would_not_start(tmp_path):
    public = {"public_url": "https://bridge.example.com"}
    state, told = checked(tmp_path, **public)["twilio.auth_token"]
    assert state == "fail"
    assert "others can reach this server (public_url is set)" in told
    assert checked(tmp_path)["twilio.auth_token"][0] == "note"
    assert checked(tmp_path, **public, twilio={"auth_token": "t"})["twilio.auth_token"][0] == "ok"
    unsigned = {"auth_token": "t", "validate_signatures": False}
    assert checked(tmp_path, **public, twilio=unsigned)["twilio.validate_signatures"][0] == "note"


@fault(
    "The database cannot be used, and somebody asks `telebridge doctor` before starting the server.",
    caller="Nothing.",
    operator="`telebridge doctor` fails with the line that the server would end with, and exits with 1.",
    kept="The file: the doctor makes none and changes none.",
)
def test_the_doctor_looks_at_the_database(tmp_path):
    file = tmp_path / "telebridge.db"
    assert checked(tmp_path)["database"] == ("ok", f"'{file}' will be made")
    assert not file.exists()
    letter(file)
    state, told = checked(tmp_path)["database"]
    assert state == "fail"
    assert told.startswith("database.url: the database cannot be used (file is not a database")
    file.unlink()
    sqlite3.connect(file).close()
    assert checked(tmp_path)["database"] == ("ok", "takes connections")


@fault(
    "A flow's template asks for a text without end: a mistyped width, or a caller's words repeated.",
    caller="What the flow says on errors; every other call goes on.",
    operator="A mistake of that text: it would be longer than 100000.",
    kept="The memory and the time of all other calls.",
)
@pytest.mark.parametrize("template", ["{{ 'x'.ljust(n) }}", "{{ 'x' | center(n) }}", "{{ 'x' | indent(n, true) }}"])
def test_no_template_makes_a_text_without_end(template):
    with pytest.raises(TemplateProblem, match="would be longer than 100000"):
        rendered(template, {"n": 10**9})
