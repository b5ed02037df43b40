"""A restored database is compared with Twilio's list of calls before anything is dialled with it."""

import asyncio

import pytest
from support.campaigns import (
    ACCOUNT,
    START,
    SteeredClock,
    claim,
    contacts,
    phone,
    plan,
    running_campaign,
    said,
    spoken,
    sqlite_store,
)
from support.dialling import chance
from support.lossy_twilio import LossyTwilio, RungCall
from support.virtual_time import virtually

from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.engine.states import AttemptState, CampaignInput, CampaignStatus, ContactState
from telebridge.campaigns.recovery.records import RecoveryRecords
from telebridge.campaigns.recovery.recovery import CallsStillLive, Recovered, Recovery
from telebridge.errors import TwilioAPIError
from telebridge.twilio.calls import CallStatus

FROM = "+15550002222"
HOUR = 3600.0


class Restored:
    """A campaign of four people in a database, and a Twilio that knows more."""

    def __init__(self, store, clock):
        self.store, self.clock = store, clock
        self.twilio = LossyTwilio(clock, chance(1), latency_seconds=0.0)
        self.records = RecoveryRecords(store.attempts._database)
        self.known = set()

    async def others(self, sids):
        return self.known & set(sids)

    def recovery(self):
        return Recovery(self.store, self.records, self.twilio, ACCOUNT, self.others)

    def rang(self, sid, number, *, after, status=CallStatus.COMPLETED, from_=FROM):
        created = START + round(1000 * after)
        self.twilio.calls[sid] = RungCall(sid, "", phone(number), from_, created, 0, status)

    async def campaign(self, people=4, **fields):
        self.one = await running_campaign(self.store, contacts(people), retry=RetryRules(3, {}), **fields)
        return self.one

    async def person(self, number, campaign=None):
        return await self.store.contacts.find((campaign or self.one).id, phone(number))

    async def status(self):
        return (await self.store.campaigns.find(self.one.id)).status

    async def attempts(self):
        return [attempt async for attempt in self.store.reports.attempts(self.one.id)]


@pytest.fixture
async def restored(tmp_path):
    clock = SteeredClock()
    async with sqlite_store(tmp_path, clock) as store:
        yield Restored(store, clock)


async def answered(restored, wanted=1):
    """So many people are called and spoken to: the database knows it."""
    for one in await claim(restored.store, wanted):
        sid = f"CAknown{one.contact.phone}"
        restored.rang(sid, int(one.contact.phone[-4:]), after=(restored.clock.now - START) / 1000)
        await restored.store.attempts.report(one.attempt_id, said(sid, CallStatus.IN_PROGRESS))
        await restored.store.attempts.report(one.attempt_id, spoken(sid))


async def test_a_database_that_knows_every_call_is_left_alone(restored):
    await restored.campaign()
    await answered(restored)
    restored.rang("CAother", 9, after=HOUR)  # no contact
    restored.rang("CAfrom", 2, after=HOUR, from_="+15550009999")  # from no number of the campaign
    restored.rang("CAhand", 3, after=HOUR)  # placed by hand, and recorded
    restored.known = {"CAhand"}
    assert await restored.recovery().recover() == Recovered()
    assert await restored.status() is CampaignStatus.RUNNING
    assert len(await restored.attempts()) == 1


async def test_people_who_were_called_after_the_backup_are_not_called_again_and_the_campaign_waits(restored):
    await restored.campaign()
    await answered(restored)
    restored.rang("CA1", 1, after=HOUR)
    restored.rang("CA2", 2, after=HOUR + 1, status=CallStatus.NO_ANSWER)
    assert await restored.recovery().recover() == Recovered(restored=True, calls=2, paused=1)
    assert await restored.status() is CampaignStatus.PAUSED
    assert "restored from a backup" in (await restored.store.campaigns.find(restored.one.id)).reason
    told = [((await restored.person(n)).state, (await restored.person(n)).outcome) for n in range(4)]
    assert told == [
        (ContactState.DONE, "answered"),
        (ContactState.DONE, "answered"),
        (ContactState.DONE, "no_answer"),
        (ContactState.READY, ""),
    ]
    await restored.store.campaigns.change(restored.one.id, CampaignInput.START)
    assert [one.contact.phone for one in await claim(restored.store)] == [phone(3)]
    assert await restored.recovery().recover() == Recovered()


async def test_what_was_live_when_the_backup_was_made_is_not_taken_for_lost(restored):
    await restored.campaign()
    for one, status in zip(await claim(restored.store, 2), (CallStatus.IN_PROGRESS, CallStatus.COMPLETED), strict=True):
        restored.rang(f"CA{one.contact.phone}", int(one.contact.phone[-4:]), after=0)
        await restored.store.attempts.report(one.attempt_id, said(f"CA{one.contact.phone}", status))
    await restored.records.mark_all()
    assert await restored.recovery().recover() == Recovered(restored=True, calls=0, paused=1)
    assert {attempt.outcome for attempt in await restored.attempts()} == {Outcome.ANSWERED}
    assert {(await restored.person(n)).state for n in (0, 1)} == {ContactState.DONE}


async def test_an_attempt_that_was_begun_when_the_backup_was_made_gets_its_call_however_late(restored):
    await restored.campaign()
    [one] = await claim(restored.store, 1)
    restored.rang("CA1", 0, after=2 * HOUR)
    await restored.records.mark_all()
    assert (await restored.recovery().recover()).calls == 1
    [attempt] = await restored.attempts()
    assert (attempt.id, attempt.call_sid, attempt.state) == (one.attempt_id, "CA1", AttemptState.DONE)
    assert (await restored.person(0)).attempts == 1


async def test_a_request_that_is_under_way_is_no_sign_of_a_restored_database(restored):
    await restored.campaign()
    await claim(restored.store, 1)
    restored.rang("CA1", 0, after=1)  # Twilio's answer is not written yet
    assert await restored.recovery().recover() == Recovered()
    assert await restored.status() is CampaignStatus.RUNNING


async def test_while_a_missing_call_is_live_nobody_is_dialled(restored):
    await restored.campaign()
    await answered(restored)
    restored.rang("CA1", 1, after=HOUR, status=CallStatus.IN_PROGRESS)
    restored.rang("CA2", 2, after=HOUR + 900)
    with pytest.raises(CallsStillLive, match="1 call that"):
        await restored.recovery().recover()
    assert await restored.status() is CampaignStatus.PAUSED
    restored.twilio.calls["CA1"].status = CallStatus.COMPLETED
    assert (await restored.recovery().recover()).calls == 1  # also though a later one was made up for before
    assert (await restored.person(1)).outcome == "answered"


async def test_a_person_in_two_campaigns_is_called_by_neither(restored):
    await restored.campaign()
    other = await running_campaign(restored.store, contacts(2), name="other")
    restored.rang("CA1", 1, after=HOUR)
    assert (await restored.recovery().recover()).paused == 2
    outcomes = {(await restored.person(1)).outcome, (await restored.person(1, other)).outcome}
    assert outcomes == {"answered", "unknown"}
    assert (await restored.person(0, other)).state is ContactState.READY


async def test_contacts_of_a_draft_and_of_a_campaign_without_a_call_are_found_too(restored):
    draft = await restored.store.campaigns.create(plan(name="draft"))
    await restored.store.contacts.add(draft.id, contacts(1), upto_line=1)
    restored.one = draft
    restored.rang("CA1", 0, after=HOUR)
    assert await restored.recovery().recover() == Recovered(restored=True, calls=1, paused=0)
    assert (await restored.person(0, draft)).state is ContactState.DONE


async def test_contacts_that_were_imported_again_are_found_from_a_given_time_on(restored):
    await restored.campaign(1)
    await answered(restored)
    restored.rang("CA1", 2, after=HOUR)
    restored.rang("CA2", 0, after=2 * HOUR)
    assert (await restored.recovery().recover()).calls == 1  # the contact of CA1 is not there yet
    await restored.store.contacts.add(restored.one.id, contacts(1, first=2), upto_line=9)
    assert (await restored.recovery().recover(since=START, restored=True)).calls == 1
    assert (await restored.person(2)).outcome == "answered"


async def test_a_database_without_campaigns_asks_twilio_nothing(restored):
    restored.twilio.created_since = None
    assert await restored.recovery().recover() == Recovered()


@virtually
async def test_the_mark_of_a_restored_database_outlives_a_twilio_that_is_away(tmp_path):
    async with sqlite_store(tmp_path, SteeredClock()) as store:
        restored = Restored(store, store.attempts._database.clock)
        await restored.campaign()
        await restored.records.mark_all()
        listed, restored.twilio.created_since = restored.twilio.created_since, refused
        task = asyncio.create_task(restored.recovery().run())
        await asyncio.sleep(60)
        assert not task.done()
        assert (await restored.records.standing(ACCOUNT)).marked
        restored.twilio.created_since = listed
        assert (await task).restored
        assert not (await restored.records.standing(ACCOUNT)).marked


async def refused(*_, **__):
    raise TwilioAPIError(503, None, "away")
