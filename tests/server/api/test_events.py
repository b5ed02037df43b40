"""The feed over HTTP: events as they happen, a comment when none does, and an end when the server stops."""

import asyncio
import json

from support.api import CAMPAIGN, api

from telebridge.campaigns.engine.states import CampaignInput


async def first(answer, marker):
    """What came up to and with `marker`."""
    text = b""
    while marker not in text:
        text += await answer.content.readany()
    return text.decode()


async def test_events_are_told_as_they_happen():
    async with api() as client, client.session.get(f"{client.url}/api/events") as answer:
        assert answer.content_type == "text/event-stream"
        client.feed.publish("call-started", "CA1", {"flow": "front-desk"})
        text = await first(answer, b"front-desk")
    assert text.startswith("retry: 2000\n\n")
    assert 'id: 1\nevent: call-started\ndata: {"call_sid": "CA1", "flow": "front-desk"}\n\n' in text


async def test_only_what_is_wanted_is_told():
    async with api() as client:
        query = {"call": "CA1", "kinds": "call-ended,announced"}
        async with client.session.get(f"{client.url}/api/events", params=query) as answer:
            client.feed.publish("call-started", "CA1", {})
            client.feed.publish("call-ended", "CA2", {})
            client.feed.publish("announced", "CA1", {})
            text = await first(answer, b"announced")
    assert "id: 3" in text
    assert "call-" not in text


async def test_who_comes_back_goes_on_after_the_last_event():
    async with api() as client:
        for number in range(3):
            client.feed.publish("call-started", f"CA{number}", {})
        async with client.session.get(f"{client.url}/api/events", headers={"Last-Event-ID": "1"}) as answer:
            text = await first(answer, b"CA2")
    assert "id: 2" in text
    assert "id: 1\n" not in text


async def test_a_silent_stream_is_kept_alive_by_comments():
    async with api(keep_alive_seconds=0.01) as client, client.session.get(f"{client.url}/api/events") as answer:
        assert ":\n\n:\n\n" in await first(answer, b":\n\n:\n\n")


async def test_the_stream_ends_with_the_feed_so_that_a_server_can_stop():
    async with api() as client, client.session.get(f"{client.url}/api/events") as answer:
        client.feed.publish("call-started", "CA1", {})
        await client.app.shutdown()
        assert b"CA1" in await answer.read()


async def test_a_reader_that_left_is_forgotten():
    async with api(keep_alive_seconds=0.01) as client:
        async with client.session.get(f"{client.url}/api/events") as answer:
            await first(answer, b"retry")
            assert len(client.feed) == 1
            answer.close()
        async with asyncio.timeout(5):
            while len(client.feed):  # noqa: ASYNC110 - the server notices when it next writes
                await asyncio.sleep(0.01)


async def test_there_is_room_for_so_many_readers_and_no_more(monkeypatch):
    monkeypatch.setattr("telebridge.server.api.events.MOST_WATCHERS", 0)
    async with api() as client:
        assert "close one" in (await client.get("/api/events", status=503))["detail"]


async def test_an_id_that_is_none_is_refused():
    async with api() as client:
        for header in ("x", "-1", "1" * 30, "\uff11"):
            await client.get("/api/events", headers={"Last-Event-ID": header}, status=400)


async def test_kinds_and_calls_are_names():
    async with api() as client:
        await client.get("/api/events", params={"kinds": "Call Ended"}, status=422)
        await client.get("/api/events", params={"call": "a/b"}, status=422)


async def test_a_campaign_is_followed_until_it_is_over():
    async with api() as client, client.session.get(f"{client.url}/api/campaigns/{CAMPAIGN}/events") as answer:
        assert answer.content_type == "text/event-stream"
        begun = await first(answer, b'"total": 2')
        await client.post(f"/api/campaigns/{CAMPAIGN}/pause")
        paused = await first(answer, b'"paused"')
        await client.store.campaigns.change(CAMPAIGN, CampaignInput.CANCEL)
        rest = (await answer.read()).decode()
        stands = await client.get(f"/api/campaigns/{CAMPAIGN}")
    assert begun.startswith("retry: 2000\n\nevent: campaign\ndata: ")
    assert json.loads(paused.split("data: ")[1])["status"] == "paused"
    told, over = (block for block in rest.split("\n\n") if "event: " in block)
    assert json.loads(told.split("data: ")[1]) == stands
    assert over == "event: over\ndata: {}"


async def test_a_silent_stream_of_a_campaign_is_kept_alive_and_ends_with_the_server():
    path = f"/api/campaigns/{CAMPAIGN}/events"
    async with api(keep_alive_seconds=0.01) as client, client.session.get(client.url + path) as answer:
        assert ":\n\n:\n\n" in await first(answer, b":\n\n:\n\n")
        await client.app.shutdown()
        await answer.read()


async def test_a_campaign_that_nobody_knows_is_not_followed():
    async with api() as client:
        told = await client.get("/api/campaigns/c9/events", status=404)
    assert told["type"].endswith("unknown-campaign")
