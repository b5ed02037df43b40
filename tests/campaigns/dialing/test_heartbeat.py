"""A process that dials tells so for as long as it does."""

import asyncio

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from support.campaigns import ACCOUNT, plan, sqlite_store
from support.databases import transaction
from support.memory_store.store import memory_campaign_store

from telebridge.campaigns.dialing.heartbeat import LEASE_SECONDS, send_heartbeats
from telebridge.campaigns.store.protocols import DialingNow, dialing_task
from telebridge.campaigns.store.tables import task_lease
from telebridge.database.engine import open_database


async def beats(count=3):
    for _ in range(count):
        await asyncio.sleep(0.01)


async def test_it_is_told_until_the_process_dials_no_more(clock):
    store = memory_campaign_store(clock)
    campaign = await store.campaigns.create(plan())
    task = asyncio.create_task(send_heartbeats(store.leases, ACCOUNT, "w1", every_seconds=0.001))
    for _ in range(3):
        await beats()
        assert await store.reports.dialing(campaign) == DialingNow(1)
        clock.advance(LEASE_SECONDS - 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await store.reports.dialing(campaign) == DialingNow(0)


async def test_names_of_processes_that_are_long_gone_are_not_kept_for_ever(tmp_path, clock):
    async with sqlite_store(tmp_path, clock) as store:
        for worker in ("w1", "w2"):
            await store.leases.take(dialing_task(ACCOUNT, worker), worker, LEASE_SECONDS)
        clock.advance(2 * 86_400)
        await store.leases.take("close", "w3", LEASE_SECONDS)
        engine = open_database(f"sqlite:///{tmp_path}/telebridge.db")
        async with transaction(engine) as connection:
            assert list((await connection.execute(select(task_lease.c.name))).scalars()) == ["close"]
        await engine.dispose()


async def test_a_database_that_is_away_for_a_while_is_told_later(clock):
    store = memory_campaign_store(clock)
    campaign = await store.campaigns.create(plan())
    leases, failing = store.leases, [SQLAlchemyError("away"), OSError("away")]

    class Away(type(leases)):
        async def take(self, name, owner, seconds):
            if failing:
                raise failing.pop()
            return await leases.take(name, owner, seconds)

    task = asyncio.create_task(send_heartbeats(Away(leases._rows), ACCOUNT, "w1", every_seconds=0.001))
    await beats()
    assert await store.reports.dialing(campaign) == DialingNow(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
