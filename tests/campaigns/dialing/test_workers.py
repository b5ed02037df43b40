"""Two processes that only dial, over one PostgreSQL, and one of them is killed half way."""

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
from aiohttp import web
from support.campaigning import FLOW, Callees, number
from support.campaigns import postgresql_store
from support.lanes import LAW, lane
from support.speech import local_rime, serving

from telebridge.app.bridge import create_app
from telebridge.campaigns.calling_hours.windows import ALL_DAY, hours_of
from telebridge.campaigns.dialing.start_checks import start_campaign
from telebridge.campaigns.engine.campaign import CampaignPlan, PoolNumber
from telebridge.campaigns.engine.contact import Lane, NewContact
from telebridge.campaigns.engine.outcomes import RetryRules
from telebridge.campaigns.engine.states import AttemptState, CampaignStatus
from telebridge.campaigns.reporting.report import report_rows
from telebridge.settings.settings import Settings
from telebridge.simulator.server import create_app as create_simulator
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN, SimulatorOptions

PEOPLE = 40
SCRIPT = "ring 300ms; human after 500ms; wait; listen 200ms; press 1; silence 400ms; hang up"
PLACES = [
    Lane((zone,), region)
    for zone, region in [("America/New_York", "US-NY"), ("Europe/Berlin", "DE"), ("Asia/Tokyo", "JP")]
]
EVERY_HOUR = hours_of(dict.fromkeys(range(7), (ALL_DAY,)))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def where_it_is_day():
    """Somewhere that may be called for the next ten minutes; between them these places are always in the day."""
    for place in PLACES:
        until = LAW.open_until(lane(place, hours=EVERY_HOUR, campaign_id=place.region), datetime.now(UTC))
        if until is not None and until - datetime.now(UTC) > timedelta(minutes=10):
            return place
    raise AssertionError("night everywhere")


def environment(tmp_path, database, api_url, public_url):
    return {
        **os.environ,
        "TELEBRIDGE_STATE_DIR": str(tmp_path),
        "TELEBRIDGE_DATABASE__URL": database,
        "TELEBRIDGE_PUBLIC_URL": public_url,
        "TELEBRIDGE_TWILIO__API_BASE_URL": api_url,
        "TELEBRIDGE_CAMPAIGNS__CALLS_PER_SECOND": "5",
        "TELEBRIDGE_CAMPAIGNS__MAX_LIVE": "12",
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
    }


def start_worker(variables):
    command = [sys.executable, "-m", "telebridge", "campaign", "work"]
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


async def bridge_and_twilio(stack, tmp_path, database, callees):
    """A bridge that answers and does not dial, and the local Twilio; gives the addresses of both."""
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "test.yaml").write_text(FLOW)
    speech_url = await stack.enter_async_context(local_rime())
    options = SimulatorOptions(callers=callees, calls_per_second=100.0)
    api_url = await stack.enter_async_context(serving(create_simulator(options)))
    listener = socket.create_server(("127.0.0.1", 0))
    public_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(
        default_flow="test",
        flows_dir=flows,
        secret="secret",
        state_dir=tmp_path,
        public_url=public_url,
        twilio={"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "api_base_url": api_url},
        rime={"url": speech_url, "api_key": "key", "local_fallback": False},
        database={"url": database},
        campaigns={"dial": False},
    )
    runner = web.AppRunner(create_app(settings), access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listener).start()
    return api_url, public_url


async def fill(store):
    made = await store.campaigns.create(
        CampaignPlan(
            name="workers",
            account=ACCOUNT_SID,
            flow="test",
            numbers=(PoolNumber("+13125550100"),),
            hours=EVERY_HOUR,
            retry=RetryRules(1, {}),
        )
    )
    place = where_it_is_day()
    people = [NewContact(number(n), place, {"name": f"n{n}"}) for n in range(PEOPLE)]
    await store.contacts.add(made.id, people, upto_line=PEOPLE)
    return await start_campaign(store, made, wallclock=datetime.now(UTC))


async def test_what_a_killed_worker_began_is_finished_by_the_other_and_nobody_is_called_twice(
    tmp_path, postgresql_cluster, record_property
):
    callees = Callees({number(n): [SCRIPT] for n in range(PEOPLE)})
    async with postgresql_store(postgresql_cluster.url) as store, AsyncExitStack() as stack:
        api_url, public_url = await bridge_and_twilio(stack, tmp_path, postgresql_cluster.url, callees)
        variables = environment(tmp_path, postgresql_cluster.url, api_url, public_url)
        workers = [start_worker(variables) for _ in range(2)]
        try:
            for worker in workers:
                assert b"telebridge dials campaigns" in await asyncio.to_thread(worker.stdout.readline)
            campaign = await fill(store)
            while sum(callees.calls.values()) < PEOPLE / 2:  # noqa: ASYNC110 - the people ring, no event does
                await asyncio.sleep(0.02)
            workers[0].kill()
            while (await store.campaigns.find(campaign.id)).status is not CampaignStatus.DONE:  # noqa: ASYNC110
                await asyncio.sleep(0.3)
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
                worker.stdout.close()
        rows = [row async for row in report_rows(store.reports, campaign.id)]
    assert callees.calls == dict.fromkeys(map(number, range(PEOPLE)), 1)
    assert len(rows) == PEOPLE
    # On a busy machine some hear their first words after two seconds, which is another outcome.
    assert {row.outcome for row in rows} <= {"answered", "abandoned"}
    attempts = [attempt for row in rows for attempt in row.attempts if attempt.state is not AttemptState.VOID]
    assert len(attempts) == PEOPLE
    assert len({attempt.worker for attempt in attempts}) == 2
    assert all(attempt.talk["digits"] == "1" for attempt in attempts)
    voids = sum(attempt.state is AttemptState.VOID for row in rows for attempt in row.attempts)
    first = median(attempt.talk["first_audio_ms"] for attempt in attempts)
    told = (
        f"{PEOPLE} people, {len(attempts)} calls, {voids} voids, first words {first:.0f} ms after the answer (median)"
    )
    record_property("figures", told)
