"""The process that carries calls is killed in mid-prompt: how soon its callers hear the flow again, and where.

Two ways to stand by: one process behind a supervisor on SQLite, which starts it again; and two instances on one
PostgreSQL behind a forwarder, as a load balancer would be, where the other takes the calls over. Each call is at a
question whose prompt does not yield, with two keys typed ahead; it counts as gone on with rightly when the prompt goes
on at a later word, the keys pressed before and after make one answer, and the path is the one it would have been.
"""

import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path

from machine import bridge_settings, described, running
from sqlalchemy import text

from telebridge.database.database import database_of
from telebridge.database.engine import open_database
from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.setup.options import SimulatorOptions

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "tests"))
from support.postgresql import Cluster, programs

PROMPT = (
    "Please enter the four digits of your account. You find them on the first page of every letter that we have sent "
    "to you, at the top and to the right, below the day on which it was written and above the name of who wrote it."
)
FLOW = f"""
flow: bench
start: welcome
nodes:
  welcome: {{say: "Welcome.", barge_in: none, then: account}}
  account:
    collect: "{PROMPT}"
    barge_in: none
    digits: {{min: 4, max: 4, finish_on_key: "", between: 30s}}
    into: account
    then: told
  told: {{hang_up: "Thank you."}}
"""
SCRIPT = "at 2s; press 12; at 22s; press 34; listen 30s; hang up"
KILLED_AFTER_SECONDS = (3.0, 7.0)
BAR_SECONDS = 2.0


def run(*, rounds: int, calls: int) -> dict[str, object]:
    """Kill, so often under so many calls, on both databases."""
    found = {"sqlite, started again": asyncio.run(_rounds(_supervised, rounds, calls))}
    if programs() is not None:
        found["postgresql, two instances"] = asyncio.run(_rounds(_two_instances, rounds, calls))
    bars = {}
    for name, tries in found.items():
        bars[f"{name}: all gone on with rightly"] = all(each["problem"] == "" for each in tries)
        bars[f"{name}: within {BAR_SECONDS:g} s"] = all(each["seconds"] <= BAR_SECONDS for each in tries)
    return {
        "rounds": rounds,
        "calls": calls,
        "machine": described(),
        "concluded": True,
        "why": "" if len(found) == 2 else "there is no PostgreSQL here: its half was left out",
        "figures": {name: _summary(tries) for name, tries in found.items()},
        "bars_met": bars,
    }


def _summary(tries):
    seconds = [each["seconds"] for each in tries]
    return {
        "tries": len(tries),
        "gone_on_with": sum(each["problem"] == "" for each in tries),
        "seconds_p50": round(statistics.median(seconds), 2),
        "seconds_max": round(max(seconds), 2),
        "problems": sorted({each["problem"] for each in tries} - {""}),
    }


async def _rounds(setting, rounds, calls):
    tries = []
    with tempfile.TemporaryDirectory() as folder:
        flows = Path(folder) / "flows"
        flows.mkdir()
        (flows / "bench.yaml").write_text(FLOW)
        for number in range(rounds):
            async with setting(Path(folder)) as (url, kill, database):
                span = KILLED_AFTER_SECONDS
                after = span[0] + (span[1] - span[0]) * number / max(1, rounds - 1)
                tries += await _one_round(url, kill, database, calls, after)
    return tries


async def _one_round(url, kill, database, calls, after):
    simulator = Simulator(SimulatorOptions())
    try:
        heard = [[] for _ in range(calls)]
        placed = [
            simulator.place_inbound_call(f"{url}/twilio/voice", parse_script(SCRIPT), watch=_watcher(heard[index]))
            for index in range(calls)
        ]
        await asyncio.sleep(after)
        killed_at = time.perf_counter()
        kill()
        async with asyncio.timeout(90):
            await asyncio.gather(*(call.finished for call in placed))
        await asyncio.sleep(0.5)
    finally:
        await simulator.aclose()
    records = await _records(database)
    return [_judged(records.get(call.record.sid), times, killed_at) for call, times in zip(placed, heard, strict=True)]


def _watcher(times):
    def note(event):
        if event.kind is EventKind.MEDIA:
            times.append(time.perf_counter())

    return note


def _judged(record, times, killed_at):
    """How long the caller waited for the first sound of whoever went on with the call, and what was wrong with that."""
    after = [at for at in times if at > killed_at + 0.02]
    seconds = after[0] - killed_at if after else float("inf")
    if record is None:
        return {"seconds": seconds, "problem": "no record"}
    said = record["utterances"][0]["text"]
    problem = ""
    if not (PROMPT.endswith(said) and 0 < len(said) < len(PROMPT)):
        problem = f"went on with: {said[:40]}"
    elif record["digits"] != ["1234"]:
        problem = f"digits were {record['digits']}"
    elif record["path"] != ["welcome", "account", "told"]:
        problem = f"path was {record['path']}"
    return {"seconds": seconds, "problem": problem}


async def _records(address):
    engine = open_database(address)
    asked = text("SELECT call_sid, record FROM call WHERE record IS NOT NULL")
    rows = await database_of(engine).read(lambda connection: connection.execute(asked).all())
    await engine.dispose()
    return {call_sid: json.loads(record) for call_sid, record in rows}


# What stands by.


@asynccontextmanager
async def _supervised(folder):
    """One process on SQLite, and who starts it again."""
    database = f"sqlite:///{folder}/telebridge.db"
    with _serving(folder, database, "--workers", "1") as (process, url):
        await asyncio.sleep(6)  # who has lived for long is started again at once

        def kill():
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(children[0]), signal.SIGKILL)

        yield url, kill, database


@asynccontextmanager
async def _two_instances(folder):
    """Two processes on one PostgreSQL; calls go to the first that listens."""
    with tempfile.TemporaryDirectory(dir="/tmp") as data:
        os.chmod(data, 0o755)  # noqa: PTH101 - the cluster's own user must come in
        cluster = Cluster(Path(data))
        cluster.start()
        try:
            with _serving(folder, cluster.url) as (first, one), _serving(folder, cluster.url) as (_, other):
                async with _forwarding([one, other]) as url:
                    yield url, lambda: os.kill(first.pid, signal.SIGKILL), cluster.url
        finally:
            cluster.stop()


def _serving(folder, database, *options):
    settings = {
        **bridge_settings(folder),
        "TELEBRIDGE_FLOWS_DIR": str(folder / "flows"),
        "TELEBRIDGE_SECRET": "bench",
        "TELEBRIDGE_DATABASE__URL": database,
    }
    return running("serve", "--port", "0", *options, **settings)


@asynccontextmanager
async def _forwarding(urls):
    """What stands before the instances: each connection goes to the first that takes it."""
    ports = [int(url.rpartition(":")[2]) for url in urls]

    async def pump(reader, writer):
        try:
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def forward(reader, writer):
        for port in ports:
            try:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                continue
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
            return
        writer.close()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
