"""Calls in SQLite: written behind, taken over, and kept through a database that is away."""

import asyncio
import json
import sqlite3
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError
from support.virtual_time import virtually

from telebridge.call import call_store as module
from telebridge.call.call_store import CallStore
from telebridge.call.checkpoint import Checkpoint
from telebridge.call.record import CallRecord
from telebridge.database.engine import open_database
from telebridge.database.migration import migrate
from telebridge.flows.interpreter import Standing

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def record(call_sid="CA1", minutes=0):
    return CallRecord(call_sid, "test", "+1555", "+1666", "inbound", NOON + timedelta(minutes=minutes))


@asynccontextmanager
async def stores(tmp_path, count=1):
    """So many processes over one database."""
    engine = open_database(f"sqlite:///{tmp_path}/calls.db")
    await migrate(engine)
    opened = [CallStore(engine) for _ in range(count)]
    for store in opened:
        store.start()
    try:
        yield opened
    finally:
        for store in opened:
            await store.aclose()
        await engine.dispose()


async def written():
    """Let what waits be written."""
    await asyncio.sleep(module.GATHERED_SECONDS * 4)


@virtually
async def test_a_call_is_kept_from_its_beginning_to_its_end(tmp_path):
    async with stores(tmp_path) as [store]:
        call = record()
        store.begun(call)
        store.keep("CA1", b'{"typed": "1"}')
        await written()
        live = await store.find("CA1")
        assert (live.flow, live.from_number, live.to_number, live.direction) == ("test", "+1555", "+1666", "inbound")
        assert (live.started_at, live.ended, live.checkpoint, live.record) == (NOON, False, '{"typed": "1"}', None)
        call.end_reason = "caller hung up"
        call.result["answer"] = 1
        store.ended(call, wallclock=NOON + timedelta(seconds=30))
        await written()
        over = await store.find("CA1")
    assert over.ended
    assert (over.record["end_reason"], over.record["result"]) == ("caller hung up", {"answer": 1})


@virtually
async def test_what_a_call_says_twice_in_a_moment_is_written_once(tmp_path, monkeypatch):
    batches = []
    write_all = CallStore._write_all

    def counted(self, connection, changes):
        batches.append({call_sid: change.checkpoint for call_sid, change in changes.items()})
        write_all(self, connection, changes)

    monkeypatch.setattr(CallStore, "_write_all", counted)
    async with stores(tmp_path) as [store]:
        store.begun(record())
        for number in range(100):
            store.keep("CA1", b"%d" % number)
        await written()
    assert batches == [{"CA1": b"99"}]


@virtually
async def test_what_waits_is_written_when_the_process_stops(tmp_path):
    async with stores(tmp_path) as [store]:
        store.begun(record())
        await store.aclose()
        assert (await CallStore(store._engine).find("CA1")).flow == "test"


@virtually
async def test_who_lost_a_call_writes_nothing_of_it_any_more(tmp_path):
    async with stores(tmp_path, 2) as [first, second]:
        first.begun(record())
        first.keep("CA1", b"first")
        await written()
        assert (await second.take("CA1")).checkpoint == "first"
        first.keep("CA1", b"late")
        first.ended(record(), wallclock=NOON)
        await written()
        kept = await second.find("CA1")
        assert (kept.checkpoint, kept.ended) == ("first", False)
        second.begun(record())
        second.keep("CA1", b"second")
        await written()
        assert (await first.find("CA1")).checkpoint == "second"


@virtually
async def test_a_call_that_is_over_or_unknown_cannot_be_taken(tmp_path):
    async with stores(tmp_path, 2) as [first, second]:
        first.begun(record())
        first.ended(record(), wallclock=NOON)
        await written()
        assert await second.take("CA1") is None
        assert await second.take("CA9") is None
        assert await second.find("CA9") is None


@virtually
async def test_a_database_that_is_away_costs_nothing_but_time(tmp_path, monkeypatch):
    write_all, away = CallStore._write_all, [True]

    def failing(self, connection, changes):
        if away[0]:
            raise OperationalError("", {}, Exception("away"))
        write_all(self, connection, changes)

    monkeypatch.setattr(CallStore, "_write_all", failing)
    async with stores(tmp_path) as [store]:
        call = record()
        store.begun(call)
        store.keep("CA1", b"early")
        await asyncio.sleep(5)
        store.keep("CA1", b"late")
        store.begun(record("CA2"))
        await asyncio.sleep(5)
        assert await store.recent(5) == []
        away[0] = False
        await asyncio.sleep(module.RETRY_SECONDS * 2)
        assert (await store.find("CA1")).checkpoint == "late"
        assert (await store.find("CA2")).flow == "test"


@virtually
async def test_what_waits_for_a_database_has_a_limit_and_the_oldest_goes_first(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    async with stores(tmp_path) as [store]:
        for number in range(5):
            store.begun(record(f"CA{number}", number))
            store.ended(record(f"CA{number}", number), wallclock=NOON)
        await written()
        assert [call.call_sid for call in await store.recent(9)] == ["CA4", "CA3", "CA2"]


@pytest.mark.parametrize("value", [{(1, 2): 3}, "\ud800", object(), float("inf")])
@virtually
async def test_a_result_that_is_no_json_keeps_no_other_call_from_being_written(tmp_path, value):
    async with stores(tmp_path) as [store]:
        odd, call = record("CA1"), record("CA2")
        odd.result["odd"] = value
        for each in (odd, call):
            store.begun(each)
            store.ended(each, wallclock=NOON)
        await written()
        assert (await store.find("CA1")).ended
        assert (await store.find("CA2")).ended


@virtually
async def test_a_result_that_holds_itself_is_left_out(tmp_path):
    async with stores(tmp_path) as [store]:
        call = record()
        call.result["round"] = call.result
        store.begun(call)
        store.ended(call, wallclock=NOON)
        await written()
        assert (await store.find("CA1")).record["result"] == {}


@virtually
async def test_calls_are_listed_from_the_latest_and_page_by_page(tmp_path):
    async with stores(tmp_path) as [store]:
        for number in range(5):
            store.begun(record(f"CA{number}", number))
            store.ended(record(f"CA{number}", number), wallclock=NOON)
        store.begun(record("CA9", 9))  # live, and told by its process
        await written()
        first = await store.recent(2)
        rest = await store.recent(9, before=(first[-1].started_at, first[-1].call_sid))
    assert [call.call_sid for call in first] == ["CA4", "CA3"]
    assert [call.call_sid for call in rest] == ["CA2", "CA1", "CA0"]


@virtually
async def test_a_call_begun_again_keeps_its_checkpoint(tmp_path):
    async with stores(tmp_path) as [store]:
        store.begun(record())
        store.keep("CA1", json.dumps({"typed": "12"}).encode())
        await written()
        store.begun(record())
        await written()
        assert (await store.find("CA1")).checkpoint == '{"typed": "12"}'


@virtually
async def test_what_is_flushed_can_be_read_by_others_without_delay(tmp_path):
    async with stores(tmp_path, 2) as [first, second]:
        loop = asyncio.get_running_loop()
        first.begun(record())
        before = loop.time()
        await first.flush("CA1")
        assert loop.time() - before < module.GATHERED_SECONDS
        assert (await second.find("CA1")).flow == "test"


@virtually
async def test_a_database_that_is_away_holds_up_a_flush_once_and_shortly(tmp_path, monkeypatch):
    def failing(self, connection, changes):
        raise OperationalError("", {}, Exception("away"))

    monkeypatch.setattr(CallStore, "_write_all", failing)
    async with stores(tmp_path) as [store]:
        loop = asyncio.get_running_loop()
        before = loop.time()
        for number in range(5):
            store.begun(record(f"CA{number}"))
            await store.flush(f"CA{number}")
        assert loop.time() - before <= module.FLUSH_SECONDS


@pytest.mark.parametrize("text", ["no customer \ud83d", "a\0b"])
@virtually
async def test_a_text_that_no_database_takes_is_kept_as_far_as_it_can_be(tmp_path, text):
    async with stores(tmp_path) as [store]:
        odd = CallRecord("CA1", "test", text, text, "inbound", NOON)
        odd.end_reason = text
        store.begun(odd)
        store.ended(odd, wallclock=NOON)
        await written()
        kept = await store.find("CA1")
    assert kept.ended
    assert kept.from_number.encode()
    assert "\0" not in kept.from_number


@virtually
async def test_a_call_that_cannot_be_written_is_left_out_and_no_other(tmp_path, monkeypatch):
    write_all = CallStore._write_all

    def failing(self, connection, changes):
        if "CA1" in changes:
            raise ValueError("not to be written")
        write_all(self, connection, changes)

    monkeypatch.setattr(CallStore, "_write_all", failing)
    async with stores(tmp_path) as [store]:
        for number in range(3):
            store.begun(record(f"CA{number}"))
        await written()
        assert [(await store.find(f"CA{number}")) is not None for number in range(3)] == [True, False, True]
        store.begun(record("CA3"))
        await written()
        assert await store.find("CA3") is not None


@virtually
async def test_what_a_flow_knew_is_kept_no_longer_than_its_call(tmp_path):
    async with stores(tmp_path) as [store]:
        for call_sid, apology in (("CA1", False), ("CA2", True)):
            store.begun(record(call_sid))
            store.keep(call_sid, Checkpoint(variables={"pin": "1234"}, over=True, apology=apology).encode())
            store.ended(record(call_sid), wallclock=NOON, apology=apology)
        await written()
        assert (await store.find("CA1")).checkpoint is None
        owed = await store.find("CA2")
    assert owed.place().apology
    assert "1234" not in owed.checkpoint


@virtually
async def test_a_process_can_tell_which_of_its_calls_are_its_own_no_more(tmp_path):
    async with stores(tmp_path, 2) as [first, second]:
        for number in range(4):
            first.begun(record(f"CA{number}"))
        await written()
        await second.take("CA1")
        assert await second.end_orphan("CA2", "call completed", wallclock=NOON)
        assert await first.lost(["CA0", "CA1", "CA2", "CA9"]) == {"CA1": None, "CA2": "call completed"}
        assert [await first.is_ours(call_sid) for call_sid in ("CA0", "CA1", "CA9")] == [True, False, True]


@virtually
async def test_a_call_begun_twice_belongs_to_whom_its_stream_came_to(tmp_path):
    async with stores(tmp_path, 2) as [first, second]:
        second.begun(record(), seized=True)
        await second.flush("CA1")
        first.begun(record())
        await first.flush("CA1")
        assert not await first.is_ours("CA1")
        assert await second.is_ours("CA1")
        first.begun(record(), seized=True)
        await first.flush("CA1")
        assert not await second.is_ours("CA1")


@virtually
async def test_a_call_whose_process_died_is_ended_with_what_it_had_found_out(tmp_path):
    async with stores(tmp_path, 2) as [first, second]:
        first.begun(record())
        standing = Standing("b", path=["a", "b"])
        first.keep("CA1", Checkpoint(standing, result={"answer": 1}, digits=["7"]).encode())
        await written()
        assert await second.end_orphan("CA1", "call completed", wallclock=NOON)
        assert not await second.end_orphan("CA1", "call failed", wallclock=NOON)
        told = (await second.find("CA1")).record
        assert (told["path"], told["result"], told["digits"]) == (["a", "b"], {"answer": 1}, ["7"])
        assert told["end_reason"] == "call completed"


async def test_a_database_that_does_not_answer_is_not_waited_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ASK_SECONDS", 0.2)
    async with stores(tmp_path) as [store]:
        locking = sqlite3.connect(tmp_path / "calls.db", isolation_level=None)
        locking.execute("BEGIN IMMEDIATE")
        with pytest.raises(TimeoutError):
            await store.take("CA1")
        locking.execute("ROLLBACK")
        locking.close()
