"""The telephone of asynchronous tests."""

import asyncio
import inspect

import pytest
from aiohttp import web
from support.programs_of_others import talking_bot
from support.speech import serving

from telebridge.errors import ConfigurationError
from telebridge.testing import AsyncPhone, CallFailure, Phone, PlacedCall
from telebridge.testing.async_phone import AsyncCall, AsyncCampaign
from telebridge.testing.campaign import TestedCampaign

FLOW = """
flow: desk
start: main
nodes:
  main:
    menu: "Welcome to Acme. For billing, press 1."
    choices: {1: billing}
  billing: {say: "You have reached billing.", then: bye}
  bye: {hang_up: "Goodbye."}
"""
READ = {"timeline", "contact", "never_twice"}
"""Methods that take no time."""


@pytest.fixture
def aphone(tmp_path):
    (tmp_path / "desk.yaml").write_text(FLOW)
    with AsyncPhone(Phone(flow="desk.yaml", folder=tmp_path)) as telephone:
        yield telephone


@pytest.mark.parametrize(("plain", "awaited"), [(PlacedCall, AsyncCall), (TestedCampaign, AsyncCampaign)])
def test_whatever_takes_time_is_awaited(plain, awaited):
    verbs = {name for name, _ in inspect.getmembers(plain, inspect.isfunction) if not name.startswith("_")} - READ
    assert {name for name, each in vars(awaited).items() if inspect.iscoroutinefunction(each)} >= verbs
    assert inspect.signature(AsyncCall.hears) == inspect.signature(PlacedCall.hears)


async def test_a_call_in_the_loop_of_the_test(aphone):
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    async with aphone.call(caller="+14155550199") as call:
        await call.hears("press 1", within=4)
        await call.press("1")
        assert (await call.cut()).after_ms < 150
        await call.hears("reached billing")
        await call.ends(by="bridge", node="bye")
    counting.cancel()
    assert call.path == ["main", "billing", "bye"]
    assert "☎ caller presses 1" in call.timeline()
    assert turns > 10, "the loop of the test goes on"


async def test_a_campaign_and_a_bridge_that_is_started_anew(aphone):
    aphone.answers("+12125550101", "human after 1s; wait; silence 900ms; press 1; silence 3s; hang up")
    campaign = await aphone.campaign(["+12125550101"], flow="desk.yaml")
    await campaign.run()
    assert campaign.contact("+12125550101").digits == "1"
    async with aphone.call() as call:
        await call.hears("welcome")
        await aphone.restart()
        await call.hears("press 1")
    assert len(aphone.calls) == 1


@pytest.mark.slow
async def test_a_failure_is_the_failure_of_the_test(aphone):
    aphone.rime.refuses(503)
    call = await aphone.call()
    with pytest.raises(CallFailure, match='hears "press 1": ') as failed:
        await call.hears("press 1", within=1)
    assert [entry.name for entry in failed.traceback] == ["test_a_failure_is_the_failure_of_the_test", "wait"]


def test_without_asyncio_it_says_what_to_do(aphone):
    with pytest.raises(ConfigurationError, match="aphone: runs on asyncio"):
        aphone.call().__await__().send(None)


@pytest.mark.slow
async def test_a_program_in_the_loop_of_the_test_is_called_by_its_url(aphone):
    app = talking_bot()
    async with serving(app) as url, aphone.call(f"{url}/voice") as call:
        await call.hears_sound(within=3)
        await call.says("excuse me")
        assert (await call.cut(within=2)).after_ms < 300
    assert isinstance(app, web.Application)
