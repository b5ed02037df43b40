"""Calls in SQLite: kept, found, taken over by one process from another, and listed."""

import json
import sqlite3
from datetime import timedelta

import pytest
from support.call_stores import NOON, record, stores, written
from support.virtual_time import virtually

from telebridge.call.ownership import NotOwned, Ownership
from telebridge.call.record import CallRecord
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.store import store as module
from telebridge.flows.position import FlowPosition


@virtually
async def test_a_call_is_kept_from_its_beginning_to_its_end(tmp_path):
    async with stores(tmp_path) as [store]:
        call = record()
        store.writer.began(call)
        store.writer.save("CA1", b'{"typed": "1"}')
        await written()
        live = await store.find("CA1")
        begun = live.begun
        assert (begun.flow, begun.from_number, begun.to_number, begun.direction) == (
            "test",
            "+1555",
            "+1666",
            "inbound",
        )
        assert (begun.started_at, live.ended, live.checkpoint, live.record) == (NOON, False, '{"typed": "1"}', None)
        call.end_reason = "caller hung up"
        call.result["answer"] = 1
        store.writer.ended(call, wallclock=NOON + timedelta(seconds=30))
        await written()
        over = await store.find("CA1")
    assert over.ended
    assert (over.record["end_reason"], over.record["result"]) == ("caller hung up", {"answer": 1})


@virtually
async def test_who_lost_a_call_writes_nothing_of_it_any_more(tmp_path):
    async with stores(tmp_path, 2) as [first, second]:
        first.writer.began(record())
        first.writer.save("CA1", b"first")
        await written()
        assert (await second.take_over("CA1")).checkpoint == "first"
        first.writer.save("CA1", b"late")
        first.writer.ended(record(), wallclock=NOON)
        await written()
        kept = await second.find("CA1")
        assert (kept.checkpoint, kept.ended) == ("first", False)
        second.writer.began(record())
        second.writer.save("CA1", b"second")
        await written()
        assert (await first.find("CA1")).checkpoint == "second"


@virtually
async def test_a_call_that_is_over_or_unknown_cannot_be_taken(tmp_path):
    async with stores(tmp_path, 2) as [first, second]:
        first.writer.began(record())
        first.writer.ended(record(), wallclock=NOON)
        await written()
        assert await second.take_over("CA1") is None
        assert await second.take_over("CA9") is None
        assert await second.find("CA9") is None


@virtually
async def test_calls_are_listed_from_the_latest_and_page_by_page(tmp_path):
    async with stores(tmp_path) as [store]:
        for number in range(5):
            store.writer.began(record(f"CA{number}", number))
            store.writer.ended(record(f"CA{number}", number), wallclock=NOON)
        store.writer.began(record("CA9", 9))  # live, and told by its process
        await written()
        first = await store.recent(2)
        rest = await store.recent(9, before=(first[-1].begun.started_at, first[-1].begun.call_sid))
    assert [call.begun.call_sid for call in first] == ["CA4", "CA3"]
    assert [call.begun.call_sid for call in rest] == ["CA2", "CA1", "CA0"]


@virtually
async def test_a_call_begun_again_keeps_its_checkpoint(tmp_path):
    async with stores(tmp_path) as [store]:
        store.writer.began(record())
        store.writer.save("CA1", json.dumps({"typed": "12"}).encode())
        await written()
        store.writer.began(record())
        await written()
        assert (await store.find("CA1")).checkpoint == '{"typed": "12"}'


@virtually
async def test_what_a_flow_knew_is_kept_no_longer_than_its_call(tmp_path):
    async with stores(tmp_path) as [store]:
        for call_sid, apology in (("CA1", False), ("CA2", True)):
            store.writer.began(record(call_sid))
            store.writer.save(call_sid, Checkpoint(variables={"pin": "1234"}, over=True, apology=apology).encode())
            store.writer.ended(record(call_sid), wallclock=NOON, apology=apology)
        await written()
        assert (await store.find("CA1")).checkpoint is None
        owed = await store.find("CA2")
    assert owed.resume_point().apology
    assert "1234" not in owed.checkpoint


@virtually
async def test_a_process_can_tell_which_of_its_calls_are_its_own_no_more(tmp_path):
    async with stores(tmp_path, 2) as [first, second]:
        for number in range(4):
            first.writer.began(record(f"CA{number}"))
        await written()
        await second.take_over("CA1")
        assert await second.close_row("CA2", "call completed", wallclock=NOON)
        assert await first.not_owned(["CA0", "CA1", "CA2", "CA9"]) == {
            "CA1": NotOwned(Ownership.LOST),
            "CA2": NotOwned(Ownership.ENDED_ELSEWHERE, "call completed"),
        }
        assert [await first.is_owned(call_sid) for call_sid in ("CA0", "CA1", "CA9")] == [True, False, True]


@virtually
async def test_a_call_begun_twice_belongs_to_whom_its_stream_came_to(tmp_path):
    async with stores(tmp_path, 2) as [first, second]:
        second.writer.began(record(), taking_over=True)
        await second.writer.flush("CA1")
        first.writer.began(record())
        await first.writer.flush("CA1")
        assert not await first.is_owned("CA1")
        assert await second.is_owned("CA1")
        first.writer.began(record(), taking_over=True)
        await first.writer.flush("CA1")
        assert not await second.is_owned("CA1")


@virtually
async def test_a_call_whose_process_died_is_ended_with_what_it_had_found_out(tmp_path):
    async with stores(tmp_path, 2) as [first, second]:
        first.writer.began(record())
        standing = FlowPosition("b", path=["a", "b"])
        first.writer.save("CA1", Checkpoint(standing, result={"answer": 1}, digits=["7"]).encode())
        await written()
        assert await second.close_row("CA1", "call completed", wallclock=NOON)
        assert not await second.close_row("CA1", "call failed", wallclock=NOON)
        told = (await second.find("CA1")).record
        assert (told["path"], told["result"], told["digits"]) == (["a", "b"], {"answer": 1}, ["7"])
        assert told["end_reason"] == "call completed"


async def test_a_database_that_does_not_answer_is_not_waited_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ASK_SECONDS", 0.2)
    async with stores(tmp_path) as [store]:
        locking = sqlite3.connect(tmp_path / "calls.db", isolation_level=None)
        locking.execute("BEGIN IMMEDIATE")
        with pytest.raises(TimeoutError):
            await store.take_over("CA1")
        locking.execute("ROLLBACK")
        locking.close()


@virtually
async def test_ended_calls_are_searched_and_paged_in_the_database(tmp_path):
    async with stores(tmp_path) as [store]:
        for number in range(6):
            call = CallRecord(
                f"CA{number}", "a_b" if number % 2 else "axb", f"+155{number}", "+1666", "inbound",
                NOON + timedelta(minutes=number), end_reason="completed",
            )  # fmt: skip
            store.writer.began(call)
            if number < 5:
                store.writer.ended(call, wallclock=NOON)
        await written()

        async def found(*given, **options):
            return [call.begun.call_sid for call in await store.search(*given, **options)]

        assert await found("", 10) == ["CA4", "CA3", "CA2", "CA1", "CA0"]
        assert await found("+1553", 10) == ["CA3"]
        assert await found("a_b", 10) == ["CA3", "CA1"], "a wildcard of LIKE is a character here"
        assert await found("", 2, flow="axb", before=(NOON + timedelta(minutes=4), "CA4")) == ["CA2", "CA0"]
        assert await found("\0' --", 10) == []
        live = await store.live(10, since=NOON)
        assert [call.begun.call_sid for call in live] == ["CA5"]
        assert await store.live(10, since=NOON + timedelta(minutes=5)) == []


@virtually
async def test_the_end_of_a_call_without_a_row_waits_for_nobody_who_writes(tmp_path):
    async with stores(tmp_path) as [store]:
        writer = sqlite3.connect(tmp_path / "calls.db", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        assert not await store.close_row("CA7", "call busy", wallclock=NOON)
        writer.rollback()
        writer.close()
