"""Keys in a database: claimed once by all processes, kept over a restart, and bounded."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import inspect, text
from support.databases import make_migrated, migrate_to, transaction
from support.faults import fault

from telebridge.database.database import database_of
from telebridge.database.engine import open_database
from telebridge.database.migration import migrate
from telebridge.server.http.idempotency import ABANDONED_MS, LIFETIME_MS, KeyClaim, KeyVerdict, StoredResponse
from telebridge.server.http.idempotency_store import SqlIdempotencyKeys

CREATED = StoredResponse(201, '{"call_sid": "CA1"}')
SCOPE = "originate_call"


class Clock:
    """Epoch milliseconds that a test sets."""

    def __init__(self):
        self.now = 1_000_000_000_000

    def __call__(self):
        return self.now


@asynccontextmanager
async def process(folder, clock=None, limit=50_000):
    """The keys as one process has them."""
    make_migrated(f"{folder}/telebridge.db")
    engine = open_database(f"sqlite:///{folder}/telebridge.db")
    try:
        yield SqlIdempotencyKeys(database_of(engine, clock), limit=limit)
    finally:
        await engine.dispose()


@fault(
    "A client sends the same order to two processes at once, with one key.",
    caller="One call.",
    operator="409 to all but the first.",
    kept="The person who is called: they are rung once.",
)
async def test_a_key_is_new_once_for_all_processes(tmp_path):
    async with process(tmp_path) as first, process(tmp_path) as second:
        claims = await asyncio.gather(*(keys.claim(SCOPE, "k", "f") for keys in (first, second) * 3))
    assert sorted(claim.verdict.value for claim in claims) == ["first", *["in progress"] * 5]


async def test_the_first_response_is_kept_over_a_restart(tmp_path):
    async with process(tmp_path) as before:
        await before.claim(SCOPE, "k", "f")
        await before.answered(SCOPE, "k", CREATED)
    async with process(tmp_path) as after:
        assert await after.claim(SCOPE, "k", "f") == KeyClaim(KeyVerdict.ANSWERED, CREATED)
        assert await after.claim(SCOPE, "k", "other") == KeyClaim(KeyVerdict.MISMATCH)
        assert await after.claim("another", "k", "other") == KeyClaim(KeyVerdict.FIRST)


@fault(
    "A process dies while it places a call that was ordered with a key.",
    caller="At most one call.",
    operator="The client is told that nobody knows whether the call was placed.",
    kept="The order is never repeated on a guess.",
)
async def test_a_request_whose_process_died_is_abandoned(tmp_path):
    clock = Clock()
    async with process(tmp_path, clock) as before:
        await before.claim(SCOPE, "k", "f")
    async with process(tmp_path, clock) as after:
        assert (await after.claim(SCOPE, "k", "f")).verdict is KeyVerdict.IN_PROGRESS
        clock.now += ABANDONED_MS
        assert (await after.claim(SCOPE, "k", "f")).verdict is KeyVerdict.ABANDONED


async def test_a_request_without_effect_is_forgotten(tmp_path):
    async with process(tmp_path) as keys:
        await keys.claim(SCOPE, "k", "f")
        await keys.release(SCOPE, "k")
        assert (await keys.claim(SCOPE, "k", "other")).verdict is KeyVerdict.FIRST


@pytest.mark.parametrize("is_answered", [True, False])
async def test_a_key_is_known_for_a_day_and_no_longer(tmp_path, is_answered):
    clock = Clock()
    async with process(tmp_path, clock) as keys:
        await keys.claim(SCOPE, "k", "f")
        if is_answered:
            await keys.answered(SCOPE, "k", CREATED)
        clock.now += LIFETIME_MS - 1
        assert (await keys.claim(SCOPE, "k", "f")).verdict is not KeyVerdict.FIRST
        clock.now += 1
        assert (await keys.claim(SCOPE, "k", "f")).verdict is KeyVerdict.FIRST


async def test_the_oldest_answer_goes_when_there_are_too_many_but_nothing_that_runs(tmp_path):
    clock = Clock()
    async with process(tmp_path, clock, limit=2) as keys:
        for key in ("running", "done", "new"):
            clock.now += 1
            await keys.claim(SCOPE, key, "f")
            if key == "done":
                await keys.answered(SCOPE, key, CREATED)
        assert (await keys.claim(SCOPE, "running", "f")).verdict is KeyVerdict.IN_PROGRESS
        assert (await keys.claim(SCOPE, "done", "f")).verdict is KeyVerdict.FIRST


async def test_a_database_of_the_release_before_gets_the_table_and_keeps_its_calls(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/telebridge.db")
    await migrate_to(engine, "0006")
    async with transaction(engine) as connection:
        await connection.execute(
            text("INSERT INTO call VALUES ('CA1', 'o', 'f', '+1', '+2', 'inbound', 0, NULL, NULL, NULL, NULL)")
        )
    await migrate(engine)
    async with transaction(engine) as connection:
        tables = await connection.run_sync(lambda c: set(inspect(c).get_table_names()))
        kept = (await connection.execute(text("SELECT call_sid FROM call"))).scalars().all()
    await engine.dispose()
    assert "idempotency_key" in tables
    assert kept == ["CA1"]
