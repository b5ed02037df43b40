"""Calls over the API as a list: pages, cursors, phases, and the calls of a database."""

from datetime import UTC, datetime, timedelta

import pytest
from support.api import SID, api, record

from telebridge.call.session.stream_phase import Phase
from telebridge.server.api.call_lookup import cursor, read_cursor
from telebridge.server.api.ports import Position
from telebridge.server.http.problems import Problem

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def sids(told):
    return [call["call_sid"] for call in told["calls"]]


class Past:
    """Calls of a database."""

    def __init__(self, *calls):
        self.calls = {call.call_sid: call for call in calls}

    async def find(self, call_sid):
        return self.calls.get(call_sid)

    async def recent(self, limit, *, before):
        ordered = sorted(self.calls.values(), key=lambda call: (call.started_at, call.call_sid), reverse=True)
        return [call for call in ordered if before is None or (call.started_at, call.call_sid) < before][:limit]


async def test_calls_are_listed_newest_first():
    async with api() as client:
        for minute in (3, 1, 2):
            client.calls.add(record(f"CA{minute}", NOON + timedelta(minutes=minute)))
        client.calls.ended["CA0"] = record("CA0", NOON)
        told = await client.get("/api/calls")
    assert sids(told) == ["CA3", "CA2", "CA1", "CA0"]
    assert [call["phase"] for call in told["calls"]] == ["live", "live", "live", "over"]
    assert told["next"] is None


@pytest.mark.parametrize(("state", "listed"), [("live", ["CA1"]), ("ended", ["CA0"])])
async def test_live_and_ended_calls_are_listed_apart(state, listed):
    async with api() as client:
        client.calls.add(record("CA1"))
        client.calls.ended["CA0"] = record("CA0")
        assert sids(await client.get(f"/api/calls?state={state}")) == listed


async def test_a_cursor_goes_on_where_the_page_ended_whatever_began_meanwhile():
    async with api() as client:
        for number in range(5):
            client.calls.ended[f"CA{number}"] = record(f"CA{number}", NOON)
        first = await client.get("/api/calls?limit=2")
        client.calls.add(record("CA9", NOON + timedelta(hours=1)))
        second = await client.get("/api/calls", params={"limit": "2", "cursor": first["next"]})
        third = await client.get("/api/calls", params={"limit": "2", "cursor": second["next"]})
    assert [sids(page) for page in (first, second, third)] == [["CA4", "CA3"], ["CA2", "CA1"], ["CA0"]]
    assert third["next"] is None


@pytest.mark.parametrize(
    ("phase", "name"),
    [
        (Phase.WAITING, "waiting"),
        (Phase.LIVE, "live"),
        (Phase.AWAY, "transferring"),
        (Phase.CLOSING, "closing"),
        (Phase.OVER, "over"),
    ],
)
async def test_a_call_is_listed_in_each_of_its_phases(phase, name):
    async with api() as client:
        client.calls.add(record(), phase)
        told = await client.get("/api/calls")
    assert [call["phase"] for call in told["calls"]] == [name]


async def test_calls_of_the_database_follow_and_none_is_told_twice():
    past = Past(record("CA1", NOON), record("CA2", NOON + timedelta(minutes=2)), record("CA3", NOON))
    async with api(past=past) as client:
        client.calls.ended["CA1"] = record("CA1", NOON)
        assert sids(await client.get("/api/calls")) == ["CA2", "CA3", "CA1"]
        assert sids(await client.get("/api/calls?state=live")) == []
        assert (await client.get("/api/calls/CA3"))["phase"] == "over"


def test_a_cursor_is_read_as_it_was_written():
    position = Position(NOON, SID)
    assert read_cursor(cursor(position)) == position


@pytest.mark.parametrize("text", ["x", "", "é", "bnVsbA", "WyIyMDI2LTAxLTAxIiwgIkNBIl0", "\x00"])
def test_a_cursor_that_is_none_is_refused(text):
    with pytest.raises(Problem, match="cursor"):
        read_cursor(text)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("state=alive", "state"),
        ("stat=live", "stat"),
    ],
)
async def test_a_wrong_query_is_told_by_its_field(query, field):
    async with api() as client:
        told = await client.get(f"/api/calls?{query}", status=422)
    assert [error["field"] for error in told["errors"]] == [field]


async def test_a_parameter_given_twice_is_refused():
    async with api() as client:
        told = await client.get("/api/calls?limit=1&limit=2", status=422)
    assert "twice" in told["detail"]
