"""The whole bridge as it is put together: what it warns of, and what is reached through it."""

import aiohttp
import pytest
from structlog.testing import capture_logs
from support.bridge import bridge

from telebridge.app.bridge import create_app
from telebridge.settings.settings import Settings

FLOW = "flow: test\nstart: bye\nnodes:\n  bye: {hang_up: Goodbye.}\n"
CLOSED = "the API and the metrics are closed: set server.api_token"
UNSIGNED = {"validate_signatures": False}


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        ({"server": {"host": "0.0.0.0"}}, 1),
        ({"server": {"host": "0.0.0.0", "api_token": "secret"}}, 0),
        ({"server": {"host": "127.0.0.1"}}, 0),
        ({"public_url": "https://bridge.example.com"}, 1),
        ({"public_url": "https://bridge.example.com", "server": {"api_token": "secret"}}, 0),
    ],
)
def test_an_api_that_is_closed_to_everybody_is_warned_of_once(tmp_path, settings, warned):
    (tmp_path / "test.yaml").write_text(FLOW)
    with capture_logs() as logs:
        create_app(
            Settings(
                default_flow="test",
                flows_dir=tmp_path,
                state_dir=tmp_path,
                twilio=UNSIGNED,
                **settings,
                rime={"url": "ws://127.0.0.1:1", "api_key": "key"},
            )
        )
    assert [log["event"] for log in logs].count(CLOSED) == warned


async def test_the_token_guards_the_api_and_leaves_the_other_doors_alone(tmp_path):
    async with bridge(tmp_path, FLOW, server={"api_token": "secret"}) as stack, aiohttp.ClientSession() as session:
        for path, headers, status in [
            ("/api/calls", {}, 401),
            ("/api/calls", {"Authorization": "Bearer secret"}, 200),
            ("/metrics", {}, 401),
            ("/metrics", {"Authorization": "Bearer secret"}, 200),
            ("/healthz", {}, 200),
        ]:
            async with session.get(stack.url + path, headers=headers) as answer:
                assert answer.status == status


async def test_refusals_of_twilios_doors_stay_as_they_were(tmp_path):
    async with bridge(tmp_path, FLOW) as stack, aiohttp.ClientSession() as session:
        answer = await session.get(f"{stack.url}/twilio/voice")
        assert (answer.status, answer.content_type) == (403, "text/plain")


async def test_without_an_account_a_call_cannot_be_placed_and_the_setting_is_named(tmp_path):
    order = {"to": "+15551230000", "from": "+15551230001"}
    async with bridge(tmp_path, FLOW) as stack, aiohttp.ClientSession() as session:
        answer = await session.post(f"{stack.url}/api/calls", json=order)
        assert answer.status == 503
        assert "public_url: is not set" in (await answer.json(content_type=None))["detail"]


async def test_a_voice_that_rime_does_not_have_is_refused_before_it_speaks(tmp_path):
    async with bridge(tmp_path, FLOW) as stack, aiohttp.ClientSession() as session:
        body = {"text": "Hello.", "voice": {"temperature": "hot"}}
        async with session.post(f"{stack.url}/api/calls/CA0/say", json=body) as answer:
            told = await answer.json(content_type=None)
    assert (answer.status, told["errors"][0]["field"]) == (422, "voice.temperature")
