"""Campaigns, contacts and stores for tests: they read as sentences."""

import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import text

from support.databases import make_migrated, transaction
from support.memory_store.store import memory_campaign_store
from telebridge.campaigns.engine.attempt import CallReport
from telebridge.campaigns.engine.campaign import CampaignPlan, PoolNumber
from telebridge.campaigns.engine.claim import OpenLane
from telebridge.campaigns.engine.contact import Lane, NewContact
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.campaigns.store.sql_store import sql_campaign_store
from telebridge.database.engine import open_database
from telebridge.database.migration import migrate
from telebridge.database.schema import metadata
from telebridge.twilio.calls import CallStatus

IN_FULL = os.environ.get("TELEBRIDGE_DURABILITY") == "full"
"""Whether the long tests run, and with their full numbers."""

ACCOUNT = "AC1"
START = 1_790_000_000_000
NEW_YORK = Lane(("America/New_York",), "US-NY")
CHICAGO = Lane(("America/Chicago",), "US-IL")
FAST = Pacing(calls_per_second=1_000_000.0, max_live=1000)


class SteeredClock:
    """Epoch milliseconds that pass when told to."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += round(1000 * seconds)


def phone(number):
    return f"+1212555{number:04d}"


def contacts(count, lane=NEW_YORK, first=0, **fields):
    return [NewContact(phone(first + n), lane, {"name": f"n{first + n}"}, **fields) for n in range(count)]


def plan(**fields):
    return CampaignPlan(
        **{"name": "spring", "account": ACCOUNT, "flow": "hello", "numbers": (PoolNumber("+15550002222"),), **fields}
    )


async def running_campaign(store, people=(), *, pacing=FAST, upto_line=1, **fields):
    """A campaign that dials, with these people in it."""
    await store.claims.set_pacing(ACCOUNT, pacing)
    taken = len(await store.campaigns.all())
    campaign = await store.campaigns.create(plan(**{**({"name": f"spring-{taken}"} if taken else {}), **fields}))
    await store.contacts.add(campaign.id, people, upto_line=upto_line)
    return await store.campaigns.change(campaign.id, CampaignInput.START)


async def open_lanes(store, *caps):
    """Every lane of campaigns that dial, all open."""
    return [OpenLane(lane.id, lane.campaign.id, START * 2, caps) for lane in await store.campaigns.lanes(ACCOUNT)]


async def claim(store, wanted=1000, *, worker="w1", lanes=None, lease_seconds=30.0):
    lanes = await open_lanes(store) if lanes is None else lanes
    return await store.claims.claim(ACCOUNT, lanes, worker=worker, wanted=wanted, lease_seconds=lease_seconds)


def said(sid, status=None, **fields):
    return CallReport(sid, status, **fields)


TALK = {"heard": ["Hello."], "digits": "", "result": {}}


def spoken(sid, **fields):
    """A call that is over, and in which the bridge spoke."""
    return said(sid, CallStatus.COMPLETED, **{"talk": TALK, **fields})


def at(text_of_instant):
    return datetime.fromisoformat(text_of_instant).replace(tzinfo=UTC)


@asynccontextmanager
async def memory_store(clock):
    yield memory_campaign_store(clock)


@asynccontextmanager
async def sqlite_store(folder, clock=None):
    make_migrated(f"{folder}/telebridge.db")
    engine = open_database(f"sqlite:///{folder}/telebridge.db")
    yield sql_campaign_store(engine, clock)
    await engine.dispose()


@asynccontextmanager
async def postgresql_store(url, clock=None):
    engine = open_database(url, pool_size=10)
    await migrate(engine)
    tables = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
    async with transaction(engine) as connection:
        await connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
    yield sql_campaign_store(engine, clock)
    await engine.dispose()
