"""The browser phone: its page begins a call and carries it over the handler that serves Twilio."""

import asyncio
import json
from base64 import b64decode
from contextlib import asynccontextmanager

import aiohttp
import pytest
from support.bridge import bridge
from support.pages import events

FLOW = """
flow: test
start: hello
nodes:
  hello: {menu: "Press one.", choices: {1: bye}, no_input: {after: 60s, reprompt: 0, then: bye}}
  bye: {hang_up: "Goodbye."}
"""


class Phone:
    """What the page does, without a browser."""

    def __init__(self, stack, session):
        self.stack, self.session = stack, session

    async def begin(self, status=200, **fields):
        async with self.session.get(f"{self.stack.url}/phone") as answer:
            form = (await answer.text()).partition('name="form" value="')[2].partition('"')[0]
        async with self.session.post(f"{self.stack.url}/phone/calls", data={"form": form, **fields}) as answer:
            assert answer.status == status
            return await (answer.json() if status == 200 else answer.text())

    def open(self, call, **headers):
        headers.setdefault("Origin", self.stack.url)
        return self.session.ws_connect(self.stack.url + call["path"], headers=headers)

    async def refused(self, call, **headers):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await self.open(call, **headers)
        return refused.value.status


@asynccontextmanager
async def phone(tmp_path, flow=FLOW):
    jar = aiohttp.CookieJar(unsafe=True)
    async with bridge(tmp_path, flow) as stack, aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Phone(stack, session)


async def start(socket, call):
    sid = call["streamSid"]
    await socket.send_json({"event": "connected", "protocol": "Call", "version": "1.0.0"})
    content = {"streamSid": sid, "callSid": call["callSid"], "accountSid": "AC0", "customParameters": {}}
    await socket.send_json({"event": "start", "sequenceNumber": "1", "streamSid": sid, "start": content})


async def return_marks(socket):
    """Give marks back at once, until the bridge closes the stream; returns how much audio came."""
    played = 0
    async for message in socket:
        told = json.loads(message.data)
        if told["event"] == "media":
            played += len(b64decode(told["media"]["payload"]))
        elif told["event"] == "mark":
            await socket.send_json(told)
    return played


async def next_event(stream, kind):
    """The next event of a kind in the stream of a page."""
    while True:
        [told] = await events(stream, 1)
        for event in told.get("events", []):
            if event["kind"] == kind:
                return event


async def test_a_call_of_the_page_is_carried_and_recorded_as_one_of_twilio(tmp_path):
    async with phone(tmp_path) as page:
        call = await page.begin(flow="test", **{"from": "+15551230001", "var.name": "Ada"})
        async with (
            page.session.get(f"{page.stack.url}/phone/calls/{call['callSid']}/stream") as stream,
            page.open(call) as socket,
        ):
            await start(socket, call)
            answering = asyncio.create_task(return_marks(socket))
            told = [await next_event(stream, kind) for kind in ("node", "utterance")]
            assert (told[0]["node"], told[1]["text"], told[1]["pauses_ms"]) == ("hello", "Press one.", [])
            assert page.stack.runner.variables["name"] == "Ada"
            dtmf = {"event": "dtmf", "streamSid": call["streamSid"], "dtmf": {"track": "inbound_track", "digit": "1"}}
            await socket.send_json(dtmf)
            assert (await next_event(stream, "key"))["key"] == "1"
            assert await answering > 4000, "bytes of speech"
            while await stream.content.readline():  # it ends with the call
                pass
        record = page.stack.calls.record(call["callSid"])
        assert (record.from_number, record.digits, record.path) == ("+15551230001", ["1"], ["hello", "bye"])
        assert record.utterances[0].text == "Press one."


async def test_a_foreign_origin_and_a_used_or_forged_token_open_no_stream(tmp_path):
    async with phone(tmp_path) as page:
        call = await page.begin()
        assert await page.refused(call, Origin="http://evil.example") == 403
        assert await page.refused({"path": f"{call['path']}x"}) == 403
        twilio = call["path"].replace(f"/phone/media/{call['callSid']}", "/twilio/media")
        assert await page.refused({"path": twilio}) == 403
        assert page.stack.calls.record(call["callSid"]).utterances == []
        async with page.open(call):
            assert await page.refused(call) == 403, "used before"
        assert len([*page.stack.calls.live_records(), *page.stack.calls.ended_records()]) == 1


async def test_an_unknown_flow_is_refused_in_words(tmp_path):
    async with phone(tmp_path) as page:
        assert "does not exist" in await page.begin(status=422, flow="nothing")
        assert len(page.stack.calls) == 0


async def test_the_page_asks_for_what_a_flow_needs(tmp_path):
    flow = 'flow: test\nneeds: [name]\nstart: a\nnodes:\n  a: {hang_up: "Hello {{ name }}."}\n'
    async with phone(tmp_path, flow) as page, page.session.get(f"{page.stack.url}/phone") as answer:
        text = await answer.text()
        assert 'name="var.name"' in text
