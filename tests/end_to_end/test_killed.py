"""The process that carries a call is killed in the middle of a prompt, and the call goes on where it stood."""

import asyncio
import json
import os
import signal

import pytest
from sqlalchemy import text
from support.databases import transaction
from support.programs import Serving, children

from telebridge.database.engine import open_database
from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.setup.options import AUTH_TOKEN, SimulatorOptions

pytestmark = pytest.mark.slow

PROMPT = (
    "Please enter the four digits of your account. You find them on the first page of every letter that we have sent "
    "to you, at the top and to the right."
)
FLOW = f"""
flow: test
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


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", [1, 2])
async def test_a_call_survives_its_process(tmp_path, workers):
    (tmp_path / "test.yaml").write_text(FLOW)
    settings = {
        "TELEBRIDGE_FLOWS_DIR": str(tmp_path),
        "TELEBRIDGE_STATE_DIR": str(tmp_path),
        "TELEBRIDGE_DEFAULT_FLOW": "test",
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
    }
    with Serving("serve", "--workers", str(workers), "--port", "0", **settings) as serving:
        simulator = Simulator(SimulatorOptions())
        script = parse_script("at 2s; press 12; silence 3s; press 34; listen 30s")
        placed = simulator.place_inbound_call(f"{serving.url}/twilio/voice", script)
        await asyncio.sleep(4)
        running = children(serving.process.pid)
        assert len(running) == workers
        for worker in running:
            os.kill(worker, signal.SIGKILL)
        async with asyncio.timeout(60):
            await placed.finished
        await simulator.aclose()
    record = await kept(f"sqlite:///{tmp_path}/telebridge.db", placed.record.sid)
    assert record["path"] == ["welcome", "account", "told"]
    assert record["digits"] == ["1234"]
    said = record["utterances"][0]["text"]
    assert PROMPT.endswith(said)
    assert 0 < len(said) < len(PROMPT)
    assert record["end_reason"] == "hung up by the flow"


async def kept(address, call_sid):
    engine = open_database(address)
    async with transaction(engine) as connection:
        found = await connection.execute(text("SELECT record FROM call WHERE call_sid = :sid"), {"sid": call_sid})
        record = json.loads(found.scalar_one())
    await engine.dispose()
    return record
