"""Real processes, really killed and really stopped, on real databases.

By default with few contacts and kills; with TELEBRIDGE_DURABILITY=full as many as a release must stand.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError
from support import dialing_process
from support.campaigns import IN_FULL, contacts, postgresql_store, running_campaign, sqlite_store
from support.dialling import attach, chance
from support.lossy_twilio import Losses, LossyTwilio
from support.lossy_twilio_http import LossyTwilioServer

from telebridge.campaigns.epoch import system_clock
from telebridge.campaigns.outcomes import Outcome, RetryRules
from telebridge.campaigns.pacing import Pacing
from telebridge.campaigns.states import AttemptState, CampaignStatus, ContactState

PEOPLE, KILLS = (1000, 40) if IN_FULL else (40, 4)
BAD_DAY = Losses(too_many=0.01, broken=0.03, answer_lost=0.1, callback_lost=0.3, callback_doubled=0.3, silent=0.0)
RULES = RetryRules(2, {Outcome.BUSY: (0.5,), Outcome.NO_ANSWER: (1.0,)})

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600 if IN_FULL else 300)]


class Processes:
    """Dialing processes that this test started."""

    def __init__(self, database, twilio):
        self.database, self.twilio, self.count, self.running = database, twilio, 0, []

    def start(self, *more):
        self.count += 1
        name = f"w{self.count}"
        command = [sys.executable, dialing_process.__file__, self.database, self.twilio, name, *more]
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.running.append(process)
        return process

    def kill(self, process):
        self.running.remove(process)
        process.kill()
        process.wait()
        process.stdout.close()

    async def kill_one(self):
        self.kill(self.running[0])
        await asyncio.to_thread(self.start().stdout.readline)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in list(self.running):
            self.kill(process)


class Forgiving:
    """Callbacks while the database is away are answered 5xx; here they are then lost."""

    def __init__(self, reports):
        self.reports = reports

    async def status(self, attempt_id, report):
        with suppress(DBAPIError, OSError):
            await self.reports.status(attempt_id, report)


@asynccontextmanager
async def lossy_twilio(store, losses=BAD_DAY, **how):
    twilio = LossyTwilio(system_clock, chance(3), losses, talk_seconds=0.4, latency_seconds=0.02, **how)
    twilio.late_ms = 1500
    attach(twilio, store)
    twilio.reports = Forgiving(twilio.reports)
    async with LossyTwilioServer(twilio) as url:
        yield twilio, url


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
    campaign = await running_campaign(store, contacts(PEOPLE), pacing=Pacing(20.0, 50), retry=RULES, ring_seconds=1)
    async with lossy_twilio(store) as (twilio, url):
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


async def test_killed_processes_on_sqlite_dial_nobody_twice_and_lose_nobody(tmp_path):
    async with sqlite_store(tmp_path) as store:
        await killed_again_and_again(store, f"sqlite:///{tmp_path}/telebridge.db")


async def test_killed_processes_on_postgresql_restarted_twice_dial_nobody_twice_and_lose_nobody(postgresql_cluster):
    cluster = postgresql_cluster

    async def restart(kill):
        if kill in {1, KILLS - 2}:
            await asyncio.to_thread(cluster.stop)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(cluster.start)

    async with postgresql_store(cluster.url) as store:
        await killed_again_and_again(store, cluster.url, restart)


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


async def test_two_processes_keep_the_rate_and_the_live_calls_on_postgresql(postgresql_cluster):
    async with postgresql_store(postgresql_cluster.url) as store:
        campaign = await running_campaign(store, contacts(400), pacing=Pacing(20.0, 30))
        async with lossy_twilio(store, Losses()) as (_, url):
            with Processes(postgresql_cluster.url, url) as processes:
                for _ in range(2):
                    await asyncio.to_thread(processes.start().stdout.readline)
                most_live = 0
                for _ in range(60 if IN_FULL else 20):
                    most_live = max(most_live, len(await store.attempts.live(campaign.id)))
                    await asyncio.sleep(0.2)
                rows = [attempt async for attempt in store.reports.attempts(campaign.id)]
        starts = sorted(attempt.intent_at for attempt in rows)
        assert len({attempt.worker for attempt in rows}) == 2
        assert max(sum(first <= at < first + 1000 for at in starts) for first in starts) <= 23
        assert most_live <= 30
