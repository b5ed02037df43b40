"""Real processes, really killed and really stopped, on real databases.

By default with few contacts and kills; with TELEBRIDGE_DURABILITY=full as many as a release must stand.
"""

import asyncio
import os
import signal
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from support import dialing_process
from support.campaigns import IN_FULL, contacts, postgresql_store, running_campaign, sqlite_store
from support.dialing_processes import Processes, dialled, lossy_twilio, most_at_once, most_in_a_second
from support.lossy_twilio import Losses

from telebridge.campaigns.engine.circuit_breaker import BreakerRules
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import AttemptState, CampaignStatus, ContactState

SECONDS = 30 if IN_FULL else 8
PEOPLE, KILLS = (1000, 40) if IN_FULL else (40, 4)
BAD_DAY = Losses(too_many=0.01, broken=0.03, answer_lost=0.1, callback_lost=0.3, callback_doubled=0.3, silent=0.0)
RULES = RetryRules(2, {Outcome.BUSY: (0.5,), Outcome.NO_ANSWER: (1.0,)})

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600 if IN_FULL else 300)]


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Callbacks are taken in this process: it must wait as little as the others."""
    for module, name, value in dialing_process.HURRY:
        monkeypatch.setattr(module, name, value)


async def finished(store, campaign):
    while (await store.campaigns.find(campaign.id)).status is CampaignStatus.RUNNING:  # noqa: ASYNC110 - as a person would
        await asyncio.sleep(0.3)


async def assert_nobody_twice_and_nobody_lost(store, twilio, campaign):
    calls = Counter(call.attempt_id for call in twilio.calls.values())
    assert {attempt: count for attempt, count in calls.items() if count > 1} == {}
    attempts = [attempt async for attempt in store.reports.attempts(campaign.id)]
    assert set(calls) <= {attempt.id for attempt in attempts}
    assert {attempt.state for attempt in attempts} <= {AttemptState.DONE, AttemptState.VOID}
    for attempt in attempts:
        assert calls[attempt.id] == (attempt.state is AttemptState.DONE)
    states = Counter([contact.state async for contact in store.reports.contacts(campaign.id)])
    assert states == {ContactState.DONE: PEOPLE}


async def killed_again_and_again(store, database, between=None):
    """Answers what came of it, as a sentence."""
    rules = {"retry": RULES, "breaker": BreakerRules(failed_share=1.0, abandoned_share=1.0)}  # it must not pause
    campaign = await running_campaign(store, contacts(PEOPLE), pacing=Pacing(20.0, 50), ring_seconds=1, **rules)
    async with lossy_twilio(store, BAD_DAY) as (twilio, url):
        with Processes(database, url) as processes:
            processes.start()
            processes.start()
            for kill in range(KILLS):
                await asyncio.sleep(0.3 + 0.7 * twilio.random.random())
                await processes.kill_one()
                if between is not None:
                    await between(kill)
            await finished(store, campaign)
        await assert_nobody_twice_and_nobody_lost(store, twilio, campaign)
        states = Counter([attempt.state.value async for attempt in store.reports.attempts(campaign.id)])
    return f"{PEOPLE} contacts, {KILLS} kills, {len(twilio.calls)} calls, {states['void']} voids, 0 twice, 0 lost"


async def test_killed_processes_on_sqlite_dial_nobody_twice_and_lose_nobody(tmp_path, record_property):
    async with sqlite_store(tmp_path) as store:
        record_property("figures", await killed_again_and_again(store, f"sqlite:///{tmp_path}/telebridge.db"))


async def test_killed_processes_on_postgresql_restarted_twice_dial_nobody_twice_and_lose_nobody(
    postgresql_cluster, record_property
):
    cluster = postgresql_cluster

    async def restart(kill):
        if kill in {1, KILLS - 2}:
            await asyncio.to_thread(cluster.stop)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(cluster.start)

    async with postgresql_store(cluster.url) as store:
        record_property("figures", await killed_again_and_again(store, cluster.url, restart))


async def test_a_process_stopped_for_longer_than_its_lease_does_not_dial_when_it_goes_on(tmp_path):
    async with sqlite_store(tmp_path) as store:
        campaign = await running_campaign(store, contacts(5), retry=RetryRules(1, {}))
        async with lossy_twilio(store, Losses()) as (twilio, url):
            with Processes(f"sqlite:///{tmp_path}/telebridge.db", url) as processes:
                process = processes.start("stop")
                await asyncio.to_thread(os.waitpid, process.pid, os.WUNTRACED)
                await asyncio.sleep(dialing_process.LEASE_SECONDS)
                claimed = {attempt.id for attempt in await store.attempts.live(campaign.id)}
                process.send_signal(signal.SIGCONT)
                await finished(store, campaign)
        assert len(claimed) == 5
        assert claimed & {call.attempt_id for call in twilio.calls.values()} == set()
        assert len(twilio.calls) == 5


@asynccontextmanager
async def database(kind, request, tmp_path):
    """A store and its address."""
    if kind == "sqlite":
        async with sqlite_store(tmp_path) as store:
            yield store, f"sqlite:///{tmp_path}/telebridge.db"
    else:
        address = request.getfixturevalue("postgresql_cluster").url
        async with postgresql_store(address) as store:
            yield store, address


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_two_processes_keep_the_rate(kind, request, tmp_path, record_property):
    async with database(kind, request, tmp_path) as (store, address):
        attempts = await dialled(store, address, Pacing(20.0, 50), seconds=SECONDS, talk_seconds=0.4)
    assert len({attempt.worker for attempt in attempts}) == 2
    most, mean = most_in_a_second(attempts), len(attempts) / SECONDS
    assert most <= 22
    record_property("figures", f"20 a second wanted: at most {most} in any second, {mean:.1f} on average")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_two_processes_keep_the_number_of_live_calls(kind, request, tmp_path, record_property):
    async with database(kind, request, tmp_path) as (store, address):
        attempts = await dialled(store, address, Pacing(20.0, 50), seconds=SECONDS, talk_seconds=8.0)
    assert len({attempt.worker for attempt in attempts}) == 2
    most = most_at_once(attempts)
    assert most <= 50
    record_property("figures", f"50 live calls allowed: at most {most} at once, intents counted")
