"""Calls are written behind them: together, each for itself where one cannot be, and through a database that is away."""

import asyncio

import pytest
from sqlalchemy.exc import OperationalError
from support.call_stores import NOON, record, stores, written
from support.faults import fault
from support.virtual_time import virtually

from telebridge.call.record import CallRecord
from telebridge.call.store import writer as module
from telebridge.call.store.writer import CallWriter


@virtually
async def test_what_a_call_says_twice_in_a_moment_is_written_once(tmp_path, monkeypatch):
    batches = []
    write_all = CallWriter._write_all

    def counted(self, connection, changes):
        batches.append({call_sid: change.checkpoint for call_sid, change in changes.items()})
        write_all(self, connection, changes)

    monkeypatch.setattr(CallWriter, "_write_all", counted)
    async with stores(tmp_path) as [store]:
        store.writer.began(record())
        for number in range(100):
            store.writer.save("CA1", b"%d" % number)
        await written()
    assert batches == [{"CA1": b"99"}]


@virtually
async def test_what_waits_is_written_when_the_process_stops(tmp_path):
    async with stores(tmp_path, 2) as [store, other]:
        store.writer.began(record())
        await store.aclose()
        assert (await other.find("CA1")).begun.flow == "test"


@fault(
    "The database is away while calls begin and go on.",
    caller="The calls, as usual.",
    operator="The calls and their latest checkpoints, once it is back.",
    kept="The calls and where they stand.",
)
@virtually
async def test_a_database_that_is_away_costs_nothing_but_time(tmp_path, monkeypatch):
    write_all, away = CallWriter._write_all, [True]

    def failing(self, connection, changes):
        if away[0]:
            raise OperationalError("", {}, Exception("away"))
        write_all(self, connection, changes)

    monkeypatch.setattr(CallWriter, "_write_all", failing)
    async with stores(tmp_path) as [store]:
        call = record()
        store.writer.began(call)
        store.writer.save("CA1", b"early")
        await asyncio.sleep(5)
        store.writer.save("CA1", b"late")
        store.writer.began(record("CA2"))
        await asyncio.sleep(5)
        assert await store.recent(5) == []
        away[0] = False
        await asyncio.sleep(module.RETRY_SECONDS * 2)
        assert (await store.find("CA1")).checkpoint == "late"
        assert (await store.find("CA2")).begun.flow == "test"


@fault(
    "The database is away for so long that more calls wait than are kept.",
    caller="The calls, as usual.",
    operator="The newest records, once it is back.",
    kept="The memory of the process.",
)
@virtually
async def test_what_waits_for_a_database_has_a_limit_and_the_oldest_goes_first(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    async with stores(tmp_path) as [store]:
        for number in range(5):
            store.writer.began(record(f"CA{number}", number))
            store.writer.ended(record(f"CA{number}", number), wallclock=NOON)
        await written()
        assert [call.begun.call_sid for call in await store.recent(9)] == ["CA4", "CA3", "CA2"]


@pytest.mark.parametrize("value", [{(1, 2): 3}, "\ud800", object(), float("inf")])
@virtually
async def test_a_result_that_is_no_json_keeps_no_other_call_from_being_written(tmp_path, value):
    async with stores(tmp_path) as [store]:
        odd, call = record("CA1"), record("CA2")
        odd.result["odd"] = value
        for each in (odd, call):
            store.writer.began(each)
            store.writer.ended(each, wallclock=NOON)
        await written()
        assert (await store.find("CA1")).ended
        assert (await store.find("CA2")).ended


@virtually
async def test_a_result_that_holds_itself_is_left_out(tmp_path):
    async with stores(tmp_path) as [store]:
        call = record()
        call.result["round"] = call.result
        store.writer.began(call)
        store.writer.ended(call, wallclock=NOON)
        await written()
        assert (await store.find("CA1")).record["result"] == {}


@virtually
async def test_what_is_flushed_can_be_read_by_others_without_delay(tmp_path):
    async with stores(tmp_path, 2) as [first, second]:
        loop = asyncio.get_running_loop()
        first.writer.began(record())
        before = loop.time()
        await first.writer.flush("CA1")
        assert loop.time() - before < module.GATHERED_SECONDS
        assert (await second.find("CA1")).begun.flow == "test"


@virtually
async def test_a_database_that_is_away_holds_up_a_flush_once_and_shortly(tmp_path, monkeypatch):
    def failing(self, connection, changes):
        raise OperationalError("", {}, Exception("away"))

    monkeypatch.setattr(CallWriter, "_write_all", failing)
    async with stores(tmp_path) as [store]:
        loop = asyncio.get_running_loop()
        before = loop.time()
        for number in range(5):
            store.writer.began(record(f"CA{number}"))
            await store.writer.flush(f"CA{number}")
        assert loop.time() - before <= module.FLUSH_SECONDS


@pytest.mark.parametrize("text", ["no customer \ud83d", "a\0b"])
@virtually
async def test_a_text_that_no_database_takes_is_kept_as_far_as_it_can_be(tmp_path, text):
    async with stores(tmp_path) as [store]:
        odd = CallRecord("CA1", "test", text, text, "inbound", NOON)
        odd.end_reason = text
        store.writer.began(odd)
        store.writer.ended(odd, wallclock=NOON)
        await written()
        kept = await store.find("CA1")
    assert kept.ended
    assert kept.begun.from_number.encode()
    assert "\0" not in kept.begun.from_number


@fault(
    "One call holds what the database refuses.",
    caller="The calls, as usual.",
    operator="All other calls in the lists.",
    kept="The records of all other calls.",
)
@virtually
async def test_a_call_that_cannot_be_written_is_left_out_and_no_other(tmp_path, monkeypatch):
    write_all = CallWriter._write_all

    def failing(self, connection, changes):
        if "CA1" in changes:
            raise ValueError("not to be written")
        write_all(self, connection, changes)

    monkeypatch.setattr(CallWriter, "_write_all", failing)
    async with stores(tmp_path) as [store]:
        for number in range(3):
            store.writer.began(record(f"CA{number}"))
        await written()
        assert [(await store.find(f"CA{number}")) is not None for number in range(3)] == [True, False, True]
        store.writer.began(record("CA3"))
        await written()
        assert await store.find("CA3") is not None


@virtually
async def test_what_is_saved_later_is_made_when_it_is_written_and_once(tmp_path):
    made = []

    def progress():
        made.append(asyncio.get_running_loop().time())
        return b"heard %d" % len(made)

    async with stores(tmp_path) as [store]:
        store.writer.began(record())
        await written()
        began = asyncio.get_running_loop().time()
        for _ in range(10):
            store.writer.save_later("CA1", progress)
            await asyncio.sleep(module.PROGRESS_SECONDS / 20)
        assert made == []
        await asyncio.sleep(module.PROGRESS_SECONDS)
        assert (await store.find("CA1")).checkpoint == "heard 1"
    assert [at - began <= module.PROGRESS_SECONDS for at in made] == [True]


@pytest.mark.parametrize(
    ("saved_after", "kept"), [(lambda writer: writer.save("CA1", b"a key"), "a key"), (None, "heard")]
)
@virtually
async def test_what_is_saved_later_takes_nothing_back_and_is_written_at_the_end_of_the_process(
    tmp_path, saved_after, kept
):
    async with stores(tmp_path, 2) as [store, other]:
        store.writer.began(record())
        store.writer.save_later("CA1", lambda: b"heard")
        if saved_after is not None:
            saved_after(store.writer)
        await store.aclose()
        assert (await other.find("CA1")).checkpoint == kept


@virtually
async def test_nothing_is_saved_later_of_a_call_that_is_over(tmp_path):
    async with stores(tmp_path) as [store]:
        store.writer.began(record())
        store.writer.save_later("CA1", lambda: b"heard")
        store.writer.ended(record(), wallclock=NOON)
        await asyncio.sleep(module.PROGRESS_SECONDS * 2)
        assert (await store.find("CA1")).checkpoint is None


@virtually
async def test_a_flush_writes_what_was_to_be_saved_later_and_haste_does_not_wait_for_others(tmp_path):
    async with stores(tmp_path) as [store]:
        store.writer.began(record())
        store.writer.save_later("CA1", lambda: b"heard")
        before = asyncio.get_running_loop().time()
        await store.writer.flush("CA1")
        assert (await store.find("CA1")).checkpoint == "heard"
        store.writer.save("CA1", b"a request is sent")
        store.writer.hasten()
        await asyncio.sleep(module.GATHERED_SECONDS / 5)
        assert (await store.find("CA1")).checkpoint == "a request is sent"
        assert asyncio.get_running_loop().time() - before < module.GATHERED_SECONDS
