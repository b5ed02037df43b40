"""Messages over the API: a caller leaves one, the office lists, hears, marks and deletes it."""

import asyncio
import io

import aiohttp
from support.bridge import bridge
from support.virtual_time import virtually

from telebridge.audio import wav

FLOW = """
flow: test
start: message
nodes:
  message: {record: null, silence: 1s, mail: "office@example.com", then: bye}
  bye: {hang_up: null}
"""


@virtually
async def test_a_message_is_listed_heard_marked_and_deleted(tmp_path):
    async with bridge(tmp_path, FLOW) as stack, aiohttp.ClientSession(stack.url) as api:

        async def asked(method, path, status=200, body=None):
            async with api.request(method, path, json=body) as answer:
                assert answer.status == status, await answer.text()
                return await answer.json() if answer.content_type.endswith("json") else await answer.read()

        for _ in range(2):
            _, record = await stack.call("wait 1s; speak 1s; listen 30s")
            assert record.path == ["message", "bye"]
        for _ in range(200):
            if len((await asked("GET", "/api/messages"))["messages"]) == 2:
                break
            await asyncio.sleep(0.1)
        first_page = await asked("GET", "/api/messages?limit=1")
        [newest] = first_page["messages"]
        [oldest] = (await asked("GET", f"/api/messages?limit=1&cursor={first_page['next']}"))["messages"]
        assert newest["call_sid"] == record.call_sid
        assert newest["id"] != oldest["id"]
        assert (newest["heard_at"], newest["mail_to"], newest["mailed_at"]) == (None, ["office@example.com"], None)
        address = f"/api/messages/{newest['id']}"
        audio = wav.read(io.BytesIO(await asked("GET", f"{address}/audio")))
        assert round(len(audio) / 8000, 1) == newest["seconds"]
        assert (await asked("POST", f"{address}/mark", body={"heard": True}))["heard_at"]
        assert [each["id"] for each in (await asked("GET", "/api/messages?heard=false"))["messages"]] == [oldest["id"]]
        assert [each["id"] for each in (await asked("GET", "/api/messages?heard=true"))["messages"]] == [newest["id"]]
        assert (await asked("POST", f"{address}/mark", body={"heard": False}))["heard_at"] is None
        await asked("DELETE", address)
        await asked("GET", address, status=404)
        await asked("GET", f"{address}/audio", status=404)
        assert not (tmp_path / "recordings" / f"{newest['id']}.wav").exists()
        assert (tmp_path / "recordings" / f"{oldest['id']}.wav").exists()
