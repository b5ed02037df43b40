"""A backup is taken while processes dial, and restored elsewhere: nothing in it is lost, and nobody rings twice."""

import asyncio
import subprocess
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy.engine import make_url
from support import dialing_process
from support.campaigns import ACCOUNT, contacts, running_campaign
from support.dialing_processes import Forgiving, Processes, lossy_twilio
from support.dialling import attach
from support.faults import fault
from support.lossy_twilio import Losses
from support.postgresql import programs
from support.programs import telebridge

from telebridge.campaigns.engine.circuit_breaker import BreakerRules
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import CampaignInput, CampaignStatus, ContactState
from telebridge.campaigns.store.sql_store import sql_campaign_store
from telebridge.database.copies import copied
from telebridge.database.engine import open_database
from telebridge.database.migration import migrate

PEOPLE, BEFORE, AFTER = 80, 20, 45
"""Contacts; calls when the backup begins; calls when everything is killed."""
RULES = RetryRules(3, {Outcome.LOST: (0.2,), Outcome.FAILED: (0.2,)})

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Callbacks are taken in this process: it must wait as little as the others."""
    for module, name, value in dialing_process.HURRY:
        monkeypatch.setattr(module, name, value)


@asynccontextmanager
async def store_at(address):
    engine = open_database(address)
    await migrate(engine)
    yield sql_campaign_store(engine)
    await engine.dispose()


@dataclass
class Sqlite:
    folder: object

    @property
    def old(self):
        return f"sqlite:///{self.folder}/old/telebridge.db"

    @property
    def fresh(self):
        return f"sqlite:///{self.folder}/fresh/telebridge.db"

    def back_up(self):
        with copied(self.folder / "old" / "telebridge.db", self.folder / "backup.db"):
            pass  # by the function: to start the command takes longer than all of the calls

    def restore(self):
        command("database", "restore", f"{self.folder}/backup.db", TELEBRIDGE_DATABASE__URL=self.fresh)


@dataclass
class Postgresql:
    folder: object
    cluster: object

    @property
    def old(self):
        return self.address("old")

    @property
    def fresh(self):
        return self.address("fresh")

    def address(self, name):
        return make_url(self.cluster.url).set(database=name).render_as_string(hide_password=False)

    def create(self, name):
        self.run("psql", "--quiet", f"--command=CREATE DATABASE {name}", self.cluster.url)

    def back_up(self):
        self.run("pg_dump", "--format=custom", f"--file={self.folder}/backup", self.old)

    def restore(self):
        self.create("fresh")
        self.run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={self.fresh}", f"{self.folder}/backup")

    def run(self, program, *arguments):
        folder = (programs() / "pg_ctl").resolve().parent  # beside the server's, and of its version
        subprocess.run([folder / program, *arguments], check=True, timeout=60)


@pytest.fixture
def sqlite(tmp_path):
    return Sqlite(tmp_path)


@pytest.fixture
def postgresql(tmp_path, postgresql_cluster):
    made = Postgresql(tmp_path, postgresql_cluster)
    made.create("old")
    return made


def command(*arguments, **variables):
    done = telebridge(*arguments, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - it is changed by other processes
            await asyncio.sleep(0.02)


async def finished(store, campaign):
    while (await store.campaigns.find(campaign.id)).status is CampaignStatus.RUNNING:  # noqa: ASYNC110 - as a person would
        await asyncio.sleep(0.2)


class Gone:
    """Nobody is there to be told."""

    async def status(self, *_):
        pass


async def told(store, campaign):
    """What is known of the attempts that are over, and of the contacts that are done."""
    attempts = {one.id: one async for one in store.reports.attempts(campaign.id) if one.outcome is not None}
    done = {one.phone: one async for one in store.reports.contacts(campaign.id) if one.state is ContactState.DONE}
    return attempts, done


async def told_of_some(store, campaign):
    """What is known once an attempt is over; a slow disk is behind the calls."""
    async with asyncio.timeout(60):
        while not (known := await told(store, campaign))[0]:  # noqa: ASYNC110 - it is changed by other processes
            await asyncio.sleep(0.05)
    return known


@fault(
    "The database is restored from a backup that was made while calls went on, after more people were called.",
    caller="One call: nobody is called again who was called after the backup.",
    operator="Paused campaigns with the reason; `database reconcile` tells how many calls came from Twilio's list.",
    kept="Whatever was committed before the backup began; that people were called after it.",
)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_backup_under_load_is_whole_and_after_the_restore_nobody_rings_twice(kind, request, record_property):
    place = request.getfixturevalue(kind)
    breaker = BreakerRules(failed_share=1.0, abandoned_share=1.0)  # it must not pause
    async with store_at(place.old) as store:
        campaign = await running_campaign(
            store, contacts(PEOPLE), pacing=Pacing(15.0, 30), ring_seconds=1, retry=RULES, breaker=breaker
        )
        async with lossy_twilio(store, Losses()) as (twilio, url):
            with Processes(place.old, url) as processes:
                processes.start()
                processes.start()
                await until(lambda: len(twilio.calls) >= BEFORE)
                attempts, done = await told_of_some(store, campaign)
                await asyncio.to_thread(place.back_up)
                after_copying = min(max(AFTER, len(twilio.calls) + 5), PEOPLE)  # a slow copy may take all of them
                await until(lambda: len(twilio.calls) >= after_copying)
            twilio.reports, twilio.talked = Gone(), Gone().status  # the old place is gone, with all that was told to it
            await until(lambda: all(call.status.is_final for call in twilio.calls.values()))
            before = len(twilio.calls)
            await asyncio.to_thread(place.restore)
            async with store_at(place.fresh) as fresh:
                await assert_nothing_is_lost(fresh, campaign, attempts, done)
                taken = await asyncio.to_thread(reconcile, place.fresh, url)
                assert (await fresh.campaigns.find(campaign.id)).status is CampaignStatus.PAUSED
                attach(twilio, fresh)
                twilio.reports = Forgiving(twilio.reports)
                await fresh.campaigns.change(campaign.id, CampaignInput.START)
                with Processes(place.fresh, url) as processes:
                    processes.start()
                    await finished(fresh, campaign)
                states = Counter([contact.state async for contact in fresh.reports.contacts(campaign.id)])
        rang = Counter(call.to for call in twilio.calls.values())
    assert states == {ContactState.DONE: PEOPLE}
    assert len(rang) == PEOPLE
    assert {phone: count for phone, count in rang.items() if count > 1} == {}
    figures = (
        f"{PEOPLE} contacts, {len(attempts)} attempts over when the backup began, {before} calls when all was lost"
    )
    record_property("figures", f"{figures}: {taken.splitlines()[0]}; 0 people rang twice, 0 lost")


async def assert_nothing_is_lost(fresh, campaign, attempts, done):
    after, after_done = await told(fresh, campaign)
    assert {one: after[one].outcome for one in attempts} == {one: attempts[one].outcome for one in attempts}
    assert {one: after_done[one].outcome for one in done} == {one: done[one].outcome for one in done}
    assert len([contact async for contact in fresh.reports.contacts(campaign.id)]) == PEOPLE


def reconcile(address, twilio):
    return command(
        "database",
        "reconcile",
        TELEBRIDGE_DATABASE__URL=address,
        TELEBRIDGE_TWILIO__API_BASE_URL=twilio,
        TWILIO_ACCOUNT_SID=ACCOUNT,
        TWILIO_AUTH_TOKEN="token",
    )
