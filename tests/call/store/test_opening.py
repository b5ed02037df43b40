"""Hours that were set by hand are known to every process, and no call waits for the database."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from support.bridge import bridge
from support.databases import make_migrated
from support.virtual_time import virtually

from telebridge.call.store.opening import POLL_SECONDS, OpeningByHand
from telebridge.database.database import database_of
from telebridge.database.engine import open_database
from telebridge.flows.nodes.opening_hours import OpeningState

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FLOW = """
flow: test
zone: Europe/Berlin
start: opening
nodes:
  opening: {hours: {week: {daily: "00:00-24:00"}}, open: hello, closed: closed}
  hello: {say: "Hello.", then: bye}
  closed: {say: "Closed.", then: bye}
  bye: {hang_up: null}
"""


@asynccontextmanager
async def processes(tmp_path, *, wanted=True):
    """Two processes with one database, and their clock."""
    make_migrated(tmp_path / "telebridge.db")
    engines = [open_database(f"sqlite:///{tmp_path}/telebridge.db") for _ in range(2)]
    clock = [NOW]
    try:
        yield [OpeningByHand(database_of(one), lambda: clock[0], lambda: wanted) for one in engines], clock
    finally:
        for engine in engines:
            await engine.dispose()


async def test_what_one_process_sets_another_knows_at_its_next_look(tmp_path):
    async with processes(tmp_path) as ([one, other], clock):
        await one.set("clinic", OpeningState.CLOSED, NOW + timedelta(hours=1))
        assert one.state("clinic") is OpeningState.CLOSED
        assert other.state("clinic") is None
        await other.read()
        assert other.state("clinic") is OpeningState.CLOSED
        clock[0] += timedelta(hours=1)
        assert one.state("clinic") is other.state("clinic") is None, "its time is over"
        await one.set("clinic", OpeningState.OPEN, None)
        assert await other.clear("clinic")
        await one.read()
        assert one.state("clinic") is None


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_table_is_read_in_the_background_where_flows_have_hours(tmp_path, wanted):
    async with processes(tmp_path, wanted=wanted) as ([one, other], _):
        await one.set("clinic", OpeningState.CLOSED, None)
        reading = asyncio.create_task(other.run())
        for _ in range(100):
            await asyncio.sleep(0.002)
            if other.state("clinic"):
                break
        reading.cancel()
        await asyncio.wait([reading])
    assert (other.state("clinic") is not None) is wanted
    assert POLL_SECONDS <= 2


@virtually
async def test_hours_are_set_over_the_api_and_the_next_call_hears_it(tmp_path):
    async with bridge(tmp_path, FLOW) as stack, aiohttp.ClientSession(stack.url) as api:

        async def heard():
            _, record = await stack.call()
            return record.utterances[0].text

        async def asked(method, path, body=None):
            async with api.request(method, path, json=body) as answer:
                return answer.status, await answer.json()

        assert await heard() == "Hello."
        _, listed = await asked("GET", "/api/hours")
        [row] = listed["hours"]
        assert row == {"name": "test", "flows": ["test"], "state": "open", "by_hand": False, "until": None}
        status, row = await asked("POST", "/api/hours/test", {"state": "closed", "until": "2999-01-01T00:00:00+01:00"})
        assert (status, row["state"], row["by_hand"], row["until"]) == (200, "closed", True, "2998-12-31T23:00:00Z")
        assert await heard() == "Closed."
        assert (await asked("DELETE", "/api/hours/test"))[1]["state"] == "open"
        assert await heard() == "Hello."
        status, problem = await asked("POST", "/api/hours/tset", {"state": "open"})
        assert (status, problem["detail"]) == (404, "No flow has hours 'tset': did you mean 'test'?")
        for wrong in ("2001-01-01T00:00:00Z", "2999-01-01T00:00:00", "later"):
            status, _ = await asked("POST", "/api/hours/test", {"state": "open", "until": wrong})
            assert status == 422
