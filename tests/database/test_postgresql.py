"""The tables that are not the campaigns', on PostgreSQL: calls with their owners, and idempotency keys."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from support.call_stores import NOON, record
from support.running_cluster import running_cluster

from telebridge.call.ownership import NotOwned, Ownership
from telebridge.call.store.store import CallStore
from telebridge.database.database import database_of
from telebridge.database.engine import open_database
from telebridge.database.migration import migrate
from telebridge.database.postgresql_connection import TransactionalConnection
from telebridge.server.http.idempotency import KeyClaim, KeyVerdict, StoredResponse
from telebridge.server.http.idempotency_store import SqlIdempotencyKeys


@pytest.fixture(scope="module")
def cluster():
    """A throwaway cluster."""
    with running_cluster() as cluster:
        yield cluster


@asynccontextmanager
async def databases(cluster, count):
    """The database as so many processes have it."""
    engines = [open_database(cluster.url) for _ in range(count)]
    await migrate(engines[0])
    try:
        yield [database_of(engine) for engine in engines]
    finally:
        for engine in engines:
            await engine.dispose()


@pytest.mark.slow
async def test_a_call_is_taken_over_closed_and_listed(cluster):
    async with databases(cluster, 2) as opened:
        first, second = (CallStore(database) for database in opened)
        for call_sid in ("CA1", "CA2"):
            first.writer.began(record(call_sid))
            first.writer.save(call_sid, b'{"typed": "1"}')
        await first.writer.write()
        assert (await second.take_over("CA1")).checkpoint == '{"typed": "1"}'
        assert await second.close_row("CA2", "call completed", wallclock=NOON)
        assert await first.not_owned(["CA1", "CA2"]) == {
            "CA1": NotOwned(Ownership.LOST),
            "CA2": NotOwned(Ownership.ENDED_ELSEWHERE, "call completed"),
        }
        first.writer.began(record("CA1"), taking_over=True)
        await first.writer.write()
        assert not await second.is_owned("CA1")
        assert [call.begun.call_sid for call in await second.recent(5)] == ["CA2"]


async def test_a_key_is_new_once_for_all_processes(cluster):
    created = StoredResponse(201, '{"call_sid": "CA1"}')
    async with databases(cluster, 2) as opened:
        keys = [SqlIdempotencyKeys(database) for database in opened]
        claims = await asyncio.gather(*(each.claim("originate_call", "k", "f") for each in keys * 3))
        assert sorted(claim.verdict.value for claim in claims) == ["first", *["in progress"] * 5]
        await keys[0].answered("originate_call", "k", created)
        assert await keys[1].claim("originate_call", "k", "f") == KeyClaim(KeyVerdict.ANSWERED, created)
        await keys[1].release("originate_call", "k")
        assert (await keys[0].claim("originate_call", "k", "other")).verdict is KeyVerdict.FIRST


async def test_a_connection_is_closed_when_whoever_waits_for_it_is_cancelled(cluster, monkeypatch):
    opened, checking = [], asyncio.Event()

    async def never_done(connection):
        opened.append(connection)
        checking.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(TransactionalConnection, "is_pooled", never_done)
    engine = open_database(cluster.url)
    waiting = asyncio.create_task(engine.connect().start())
    await checking.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert [connection.is_closed() for connection in opened] == [True]
    await engine.dispose()
