"""A call placed over the API, by a whole bridge through a local Twilio, and followed to its end."""

import json
import socket
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from support.speech import local_rime, serving
from support.virtual_time import virtually

from telebridge.app.bridge import CALLS, create_app
from telebridge.settings.settings import Settings
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.server import create_app as create_simulator
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN, SimulatorOptions

FLOW = """
flow: reminder
variables: {name: nobody}
start: remind
nodes:
  remind: {say: "Hello {{ name }}, you are {{ from }}.", then: bye}
  bye: {hang_up: null}
"""
AUTHORIZED = {"Authorization": "Bearer token"}
ORDER = {"to": "+15551230000", "from": "+15551230001", "flow": "reminder", "variables": {"name": "Ada Ü & Co"}}


@asynccontextmanager
async def served(app, listener):
    """Serve an application on a socket that listens already."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()
        listener.close()


@asynccontextmanager
async def bridge(tmp_path, *, processes=1, script="ring 0.1s; listen 20s"):
    """Bridges behind one public address, which the first of them answers; gives their applications and addresses."""
    (tmp_path / "reminder.yaml").write_text(FLOW)
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(processes)]
    urls = [f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in listeners]
    simulator = create_simulator(SimulatorOptions(anybody=parse_script(script), calls_per_second=1000))
    async with local_rime() as rime, serving(simulator) as twilio:
        settings = Settings(
            public_url=urls[0],
            default_flow="reminder",
            flows_dir=tmp_path,
            secret="secret",
            server={"api_token": "token"},
            state_dir=tmp_path,
            twilio={"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "api_base_url": twilio},
            rime={"url": rime, "api_key": "key", "model": "arcana"},
        )
        apps = [create_app(settings) for _ in range(processes)]
        async with served(apps[0], listeners[0]):
            if processes == 1:
                yield apps, urls
                return
            async with served(apps[1], listeners[1]):
                yield apps, urls


async def followed(answer, call_sid):
    """The events of a call up to its end, by kind."""
    events, kind = {}, ""
    async for line in answer.content:
        name, _, value = line.decode().rstrip().partition(": ")
        if name == "event":
            kind = value
        elif name == "data" and json.loads(value)["call_sid"] == call_sid:
            events[kind] = json.loads(value)
            if kind == "call-ended":
                return events
    raise AssertionError(f"the stream ended after {list(events)}")


@virtually
async def test_a_call_is_placed_led_by_its_variables_and_followed(tmp_path):
    async with bridge(tmp_path) as (_, [url]), aiohttp.ClientSession(headers=AUTHORIZED) as session:
        async with session.get(f"{url}/api/events") as events:
            async with session.post(f"{url}/api/calls", json=ORDER) as answer:
                assert answer.status == 201, await answer.text()
                sid = (await answer.json())["call_sid"]
                assert answer.headers["Location"] == f"/api/calls/{sid}"
            told = await followed(events, sid)
        async with session.get(f"{url}/api/calls/{sid}") as answer:
            call = await answer.json()
    assert [kind for kind in told if kind.startswith("call-")] == ["call-started", "call-ended"]
    assert {"node", "utterance"} <= set(told)
    assert told["call-ended"]["end_reason"] == "hung up by the flow"
    assert [each["text"] for each in call["utterances"]] == ["Hello Ada Ü & Co, you are +15551230001."]
    assert (call["phase"], call["direction"]) == ("over", "outbound-api")


@virtually
async def test_another_process_than_the_one_asked_leads_the_call_by_its_variables(tmp_path):
    async with (
        bridge(tmp_path, processes=2) as ([asked, _], urls),
        aiohttp.ClientSession(headers=AUTHORIZED) as session,
    ):
        async with session.get(f"{urls[0]}/api/events") as events:
            async with session.post(f"{urls[1]}/api/calls", json=ORDER) as answer:
                sid = (await answer.json())["call_sid"]
            told = await followed(events, sid)
        assert asked[CALLS].record(sid) is not None
    assert [each["text"] for each in told["call-ended"]["utterances"]] == ["Hello Ada Ü & Co, you are +15551230001."]
