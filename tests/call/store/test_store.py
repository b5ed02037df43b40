"""Calls in SQLite: kept, found, taken over by one process from another, and listed."""

import json
import sqlite3
from datetime import timedelta

import pytest
from support.call_stores import NOON, record, stores, written
from support.virtual_time import virtually

from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.store import store as module
from telebridge.flows.interpreter import FlowPosition


@virtually
async def test_a_call_is_kept_from_its_beginning_to_its_end(tmp_path):
    async with stores(tmp_path) as [store]:
        call = record()
        store.begun(call)
        store.save("CA1", b'{"typed": "1"}')
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
async def test_who_lost_a_call_writes_nothing_of_it_any_more(tmp_path):
    async with stores(tmp_path, 2) as [first, second]:
        first.begun(record())
        first.save("CA1", b"first")
        await written()
        assert (await second.take("CA1")).checkpoint == "first"
        first.save("CA1", b"late")
        first.ended(record(), wallclock=NOON)
        await written()
        kept = await second.find("CA1")
        assert (kept.checkpoint, kept.ended) == ("first", False)
        second.begun(record())
        second.save("CA1", b"second")
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
        store.save("CA1", json.dumps({"typed": "12"}).encode())
        await written()
        store.begun(record())
        await written()
        assert (await store.find("CA1")).checkpoint == '{"typed": "12"}'


@virtually
async def test_what_a_flow_knew_is_kept_no_longer_than_its_call(tmp_path):
    async with stores(tmp_path) as [store]:
        for call_sid, apology in (("CA1", False), ("CA2", True)):
            store.begun(record(call_sid))
            store.save(call_sid, Checkpoint(variables={"pin": "1234"}, over=True, apology=apology).encode())
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
        standing = FlowPosition("b", path=["a", "b"])
        first.save("CA1", Checkpoint(standing, result={"answer": 1}, digits=["7"]).encode())
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
