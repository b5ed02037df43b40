"""The local Twilio over its REST API, asked by the official package, and validated against Twilio's own schema."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest
from openapi_schema_validator import OAS30Validator
from support.speech import serving
from support.twilio_client import FROM, SAY, TO, Asked
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from telebridge.errors import TwilioAPIError
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.setup.faults import RestFault, SimulatorFaults
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN
from telebridge.twilio.client import TwilioCalls

SCHEMAS = json.loads((Path(__file__).parent.parent / "data/simulator/twilio_api_v2010_calls.json").read_text())
CALLS = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Calls"


async def test_the_official_package_creates_lists_updates_and_ends_calls():
    async with Asked() as asked:
        created = await asked.client.calls.create_async(to=TO, from_=FROM, twiml=SAY)
        assert (created.status, created.direction, created.to) == ("queued", "outbound-api", TO)
        live = await asked.until(created.sid, "in-progress")
        assert live.start_time is not None
        await asked.client.calls(created.sid).update_async(twiml="<Response><Pause length='50'/></Response>")
        await asked.client.calls(created.sid).update_async(status="completed")
        ended = await asked.until(created.sid, "completed")
        assert ended.duration is not None
        assert ended.end_time is not None
        [listed] = await asked.client.calls.list_async(to=TO, status="completed")
        assert listed.sid == created.sid
        assert await asked.client.calls.list_async(to="+15550009999") == []
        with pytest.raises(TwilioRestException) as caught:
            await asked.client.calls(created.sid).update_async(status="completed")
        assert caught.value.code == 21220
        assert await asked.client.calls(created.sid).delete_async()


@pytest.mark.parametrize(
    ("script", "status"),
    [("busy", "busy"), ("no answer", "no-answer"), ("fail 603", "failed"), ("ring 0.05s; hang up", "completed")],
)
async def test_a_call_ends_as_its_callee_does(script, status):
    async with Asked(anybody=parse_script(script)) as asked:
        created = await asked.client.calls.create_async(to=TO, from_=FROM, twiml=SAY, timeout=1)
        assert (await asked.until(created.sid, "completed", "busy", "no-answer", "failed")).status == status


async def test_a_call_that_waits_or_rings_can_be_cancelled():
    async with Asked(calls_per_second=0.001, anybody=parse_script("ring 60s")) as asked:
        rings = await asked.client.calls.create_async(to=TO, from_=FROM, twiml=SAY)
        await asked.until(rings.sid, "ringing")
        waits = await asked.client.calls.create_async(to=TO, from_=FROM, twiml=SAY)
        assert int(waits.queue_time) > 0
        for call in (rings, waits):
            await asked.client.calls(call.sid).update_async(status="canceled")
            assert (await asked.client.calls(call.sid).fetch_async()).status == "canceled"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": "hello", "from_": FROM, "twiml": SAY}, 21211),
        ({"to": TO, "from_": "hello", "twiml": SAY}, 21212),
        ({"to": TO, "from_": FROM}, 21205),
        ({"to": TO, "from_": FROM, "url": "nonsense"}, 21205),
        ({"to": TO, "from_": "+15005550001", "twiml": SAY}, 21212),
        ({"to": TO, "from_": FROM, "twiml": SAY, "timeout": 6000}, 21208),
        ({"to": TO, "from_": FROM, "twiml": SAY, "send_digits": "x"}, 21206),
    ],
)
async def test_a_wrong_order_is_refused_with_twilios_code(fields, code):
    async with Asked() as asked:
        with pytest.raises(TwilioRestException) as caught:
            await asked.client.calls.create_async(**fields)
        assert (caught.value.status, caught.value.code) == (400, code)


async def test_wrong_credentials_are_refused():
    async with Asked() as asked:
        other = Client(ACCOUNT_SID, "wrong", http_client=asked.http)
        other.api.base_url = asked.url
        with pytest.raises(TwilioRestException) as caught:
            await other.calls("CA1").fetch_async()
        assert (caught.value.status, caught.value.code) == (401, 20003)


async def test_an_api_key_opens_the_account_too():
    async with Asked(api_keys={"SK1": "secret"}) as asked:
        async with TwilioCalls(ACCOUNT_SID, "secret", api_key_sid="SK1", base_url=asked.url) as calls:
            assert await calls.recent() == []
        async with TwilioCalls(ACCOUNT_SID, "wrong", api_key_sid="SK1", base_url=asked.url) as calls:
            with pytest.raises(TwilioAPIError, match="20003"):
                await calls.recent()


async def test_the_api_can_fail_on_demand():
    faults = SimulatorFaults(rest=(RestFault(status=429, code=20429), RestFault(lose_answer=True)))
    async with Asked(faults=faults) as asked:
        with pytest.raises(TwilioRestException) as caught:
            await asked.client.calls.create_async(to=TO, from_=FROM, twiml=SAY)
        assert caught.value.status == 429
        with pytest.raises(aiohttp.ClientError):
            await asked.client.calls.create_async(to=TO, from_=FROM, twiml=SAY)
        assert len(await asked.client.calls.list_async()) == 1, "the answer was lost, not the call"


def valid(body, schema):
    """Whether an answer is as Twilio publishes it; what is missing or too much counts."""
    known = SCHEMAS["components"]["schemas"][schema]
    OAS30Validator({**known, "components": SCHEMAS["components"]}).validate(body)
    assert set(body) == set(known["properties"])


async def test_answers_are_valid_by_twilios_published_schema():
    async with Asked() as asked, aiohttp.ClientSession(auth=None) as session:
        authorization = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, AUTH_TOKEN)}

        async def ask(method, path, **fields):
            async with session.request(method, asked.url + path, headers=authorization, data=fields or None) as answer:
                return answer.status, await answer.json()

        status, created = await ask("POST", f"{CALLS}.json", To=TO, From=FROM, Twiml=SAY)
        assert status == 201
        valid(created, "api.v2010.account.call")
        await asked.until(created["sid"], "in-progress")
        status, fetched = await ask("GET", f"{CALLS}/{created['sid']}.json")
        assert status == 200
        valid(fetched, "api.v2010.account.call")
        status, ended = await ask("POST", f"{CALLS}/{created['sid']}.json", Status="completed")
        assert status == 200
        valid(ended, "api.v2010.account.call")
        status, page = await ask("GET", f"{CALLS}.json?PageSize=1")
        assert status == 200
        valid(page, "ListCallResponse")
        valid(page["calls"][0], "api.v2010.account.call")


async def test_pages_follow_each_other():
    async with Asked(calls_per_second=0.001) as asked:
        for index in range(7):
            await asked.client.calls.create_async(to=f"+1555000111{index}", from_=FROM, twiml=SAY)
        listed = await asked.client.calls.list_async(page_size=3)
        assert [call.to for call in listed] == [f"+1555000111{index}" for index in reversed(range(7))]


async def test_a_caller_can_be_asked_for_from_a_shell():
    answer = aiohttp.web.Application()

    async def twiml(_):
        return aiohttp.web.Response(text="<Response><Say>Hello.</Say></Response>", content_type="text/xml")

    answer.router.add_post("/voice", twiml)
    async with Asked() as asked, serving(answer) as web, aiohttp.ClientSession() as session:
        body = {"url": f"{web}/voice", "script": "listen 5s"}
        async with session.post(f"{asked.url}/simulator/calls", json=body) as response:
            assert response.status == 201
            sid = (await response.json())["sid"]
        await asked.until(sid, "completed")
        async with asyncio.timeout(5):
            while True:
                async with session.get(f"{asked.url}/simulator/calls/{sid}") as response:
                    told = await response.json()
                if told["over"]:
                    break
                await asyncio.sleep(0.01)
        assert ("twiml", "Say") in [(event["kind"], event["detail"]) for event in told["events"]]
        async with session.get(f"{asked.url}/simulator/calls/{sid}.wav") as response:
            assert (await response.read()).startswith(b"RIFF")
        for wrong in ({"script": "dance"}, {}, []):
            async with session.post(f"{asked.url}/simulator/calls", json=wrong) as response:
                assert response.status == 400
                assert (await response.json())["problem"]
