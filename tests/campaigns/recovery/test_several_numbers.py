"""Calls to any number of a contact that were placed after the backup are made up for."""

import asyncio
import sqlite3
import tempfile
from collections import defaultdict
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.campaigns import (
    ACCOUNT,
    NEW_YORK,
    SteeredClock,
    claim,
    open_lanes,
    phone,
    running_campaign,
    said,
    spoken,
    sqlite_store,
)
from support.dialling import chance
from support.lossy_twilio import LossyTwilio, RungCall

from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.campaign import Cap
from telebridge.campaigns.engine.contact import NewContact
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.campaigns.recovery.records import RecoveryRecords
from telebridge.campaigns.recovery.recovery import Recovery
from telebridge.campaigns.store.sql_store import sql_campaign_store
from telebridge.database.engine import open_database
from telebridge.twilio.calls import CallStatus

MOST_CALLS, MOST_IN_A_DAY, DAY_MS = 5, 3, 86_400_000
DELAYS = {Outcome.NO_ANSWER: (3600.0,), Outcome.BUSY: (7200.0,)}
RULES = RetryRules(MOST_CALLS, DELAYS, (Outcome.NO_ANSWER, Outcome.BAD_NUMBER))
CAP = Cap(MOST_IN_A_DAY, DAY_MS / 1000)
NO_SUCH_NUMBER = None
ENDINGS = st.sampled_from([CallStatus.NO_ANSWER] * 3 + [CallStatus.BUSY, CallStatus.COMPLETED, NO_SUCH_NUMBER])


class Dialled:
    """What rang: a Twilio that knows each call, and when each person was called."""

    def __init__(self):
        self.clock = SteeredClock()
        self.twilio = LossyTwilio(self.clock, chance(1), latency_seconds=0.0)
        self.times = defaultdict(list)

    async def claim(self, store):
        """Whoever is called next."""
        return await claim(store, 1, lanes=await open_lanes(store, CAP))

    async def end(self, store, one, ending):
        """The telephone rings, unless there is no such number, and the database is told of the end."""
        if ending is NO_SUCH_NUMBER:
            await store.attempts.not_placed(one.attempt_id, NotPlacedReason.BAD_NUMBER, error="")
            return
        sid, now = f"CA{len(self.twilio.calls)}", self.clock.now
        self.twilio.calls[sid] = RungCall(sid, "", one.contact.called_phone, one.from_number, now, 0, ending)
        self.times[one.contact.phone].append(now)
        report = spoken(sid) if ending is CallStatus.COMPLETED else said(sid, ending)
        await store.attempts.report(one.attempt_id, report)


def people_with(counts):
    """One person for each count, who has so many numbers."""
    return [
        NewContact(phone(10 * at), NEW_YORK, {}, others=tuple((phone(10 * at + n), NEW_YORK) for n in range(1, count)))
        for at, count in enumerate(counts)
    ]


@asynccontextmanager
async def restored_store(file, clock):
    engine = open_database(f"sqlite:///{file}")
    yield sql_campaign_store(engine, clock)
    await engine.dispose()


def back_up(folder):
    with sqlite3.connect(f"{folder}/telebridge.db") as ours, sqlite3.connect(f"{folder}/backup.db") as copy:
        ours.backup(copy)
    ours.close()
    copy.close()
    return f"{folder}/backup.db"


async def known(store, campaign):
    rows = store.reports.contacts(campaign.id)
    return [(one.phone, one.state, one.attempts, one.outcome, one.called_phone) async for one in rows]


async def played(folder, counts, endings, lost, *, begun, marked):
    """Call, restore the backup from before the last `lost` calls, recover, and go on; returns what rang.

    Args:
        begun: Whether the first lost call was begun when the backup was made.
        marked: Whether the restored database was marked as such.
    """
    dialled = Dialled()
    async with sqlite_store(folder, dialled.clock) as store:
        campaign = await running_campaign(store, people_with(counts), retry=RULES)
        backup = back_up(folder)
        for at, ending in enumerate(endings, lost - len(endings)):
            backup = back_up(folder) if at == 0 and not begun else backup
            claims = await dialled.claim(store)
            backup = back_up(folder) if at == 0 and begun else backup
            for one in claims:
                await dialled.end(store, one, ending)
            dialled.clock.advance(1800)
        truth = await known(store, campaign)
    async with restored_store(backup, dialled.clock) as store:
        records = RecoveryRecords(store.attempts._database)
        if marked:
            await records.mark_all()
        recovered = await Recovery(store, records, dialled.twilio, ACCOUNT).recover()
        if marked and NO_SUCH_NUMBER not in endings:
            assert await known(store, campaign) == truth
        if recovered.restored:
            await store.campaigns.change(campaign.id, CampaignInput.START)
        for _ in range(4):
            dialled.clock.advance(13 * 3600)
            while claims := await dialled.claim(store):
                await dialled.end(store, claims[0], CallStatus.NO_ANSWER)
    return dialled


@pytest.mark.slow
@given(
    counts=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    endings=st.lists(ENDINGS, min_size=1, max_size=8),
    lost=st.integers(0, 8),
    begun=st.booleans(),
    marked=st.booleans(),
)
@example(counts=[2], endings=[CallStatus.NO_ANSWER, CallStatus.COMPLETED], lost=1, begun=False, marked=False)
@example(counts=[2], endings=[NO_SUCH_NUMBER, CallStatus.COMPLETED], lost=2, begun=True, marked=True)
@settings(max_examples=settings().max_examples // 16)
def test_nobody_is_rung_again_for_an_attempt_that_a_restored_database_has_lost(counts, endings, lost, begun, marked):
    lost = min(lost, len(endings))
    with tempfile.TemporaryDirectory() as folder:
        dialled = asyncio.run(played(Path(folder), counts, endings, lost, begun=begun, marked=marked))
    for times in dialled.times.values():
        assert len(times) <= MOST_CALLS
        assert all(sum(0 <= at - one < DAY_MS for one in times) <= MOST_IN_A_DAY for at in times)
