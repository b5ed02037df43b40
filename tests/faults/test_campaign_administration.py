"""Campaigns that are edited, copied, moved and deleted by people"""

import pytest
from support.campaigns import (
    ACCOUNT,
    FAST,
    NEW_YORK,
    SteeredClock,
    claim,
    contacts,
    memory_store,
    open_lanes,
    phone,
    plan,
    running_campaign,
    said,
    spoken,
    sqlite_store,
)
from support.dialling import chance
from support.faults import fault
from support.lossy_twilio import LossyTwilio, RungCall

from telebridge.campaigns.administration.cloning import clone_contacts
from telebridge.campaigns.administration.deletion import delete_campaign_data
from telebridge.campaigns.administration.exporting import export_campaign, import_campaign
from telebridge.campaigns.engine.administration import KeyChange
from telebridge.campaigns.engine.campaign import Cap
from telebridge.campaigns.engine.contact import NewContact
from telebridge.campaigns.engine.outcomes import Outcome, Reported, RetryRules
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.campaigns.recovery.records import RecoveryRecords
from telebridge.campaigns.recovery.recovery import Recovery
from telebridge.errors import CampaignRefused, ConfigurationError
from telebridge.timing.epoch import instant
from telebridge.twilio.calls import CallStatus


@pytest.fixture
async def store():
    async with memory_store(SteeredClock()) as made:
        yield made


@fault(
    "two people edit a running campaign at the same time",
    caller="calls by the first person's edit",
    operator="the second is told that it was changed meanwhile",
    kept="no edit undoes another unseen",
)
async def test_two_edits_at_once(store):
    campaign = await running_campaign(store, contacts(1))
    change = (KeyChange("max_live", None, 5),)
    slower, faster = plan(max_live=5), plan(calls_per_second=2.0)
    await store.administration.edit(campaign.id, campaign.plan, slower, change, need_pause=())
    with pytest.raises(CampaignRefused, match="edit it again"):
        await store.administration.edit(campaign.id, campaign.plan, faster, change, need_pause=())
    assert (await store.campaigns.find(campaign.id)).plan == slower


@fault(
    "a campaign is deleted, and the same people are called by a new one of that name",
    caller="nobody is called more often than caps allow",
    operator="`delete` says what is kept, how long, and how to read it",
    kept="records of calls, and do-not-call entries",
)
async def test_the_calls_of_a_deleted_campaign_count(store):
    campaign = await running_campaign(store, contacts(2), max_live=1)
    [one] = await claim(store)
    await store.attempts.report(one.attempt_id, spoken("CA1"))
    await store.do_not_call.add([phone(1)], source="letter")
    await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
    now = instant(await store.campaigns.now())
    assert (await delete_campaign_data(store, campaign, keep_days=60, wallclock=now)).attempts == 1
    await running_campaign(store, contacts(2), name=campaign.plan.name)
    assert await claim(store, lanes=await open_lanes(store, Cap(1, 86_400))) == []


@fault(
    "a campaign is cloned whose contacts must not be called by it any more",
    caller="is not called by the clone either",
    operator="the entries of the first campaign are listed for the clone too",
    kept="do-not-call entries of one campaign",
)
async def test_entries_of_one_campaign_hold_for_its_clone(store):
    model = await running_campaign(store, contacts(1))
    await store.do_not_call.add([phone(0)], source="letter", scope=model.id)
    await store.campaigns.change(model.id, CampaignInput.CANCEL)
    made = await clone_contacts(store, model, plan(name="summer"), contacts=True)
    await store.campaigns.change(made.campaign.id, CampaignInput.START)
    assert await claim(store) == []


@fault(
    "an exported campaign is imported twice, and into the database that it came from",
    caller="is called by one campaign, once",
    operator="the second import is refused: it is here already",
    kept="contacts, attempts and outcomes, each once",
)
async def test_a_campaign_imported_twice(store, tmp_path):
    campaign = await running_campaign(store, contacts(2), max_live=1)
    [one] = await claim(store)
    await store.attempts.report(one.attempt_id, spoken("CA1"))
    paused = await store.campaigns.change(campaign.id, CampaignInput.PAUSE)
    await export_campaign(store, paused, tmp_path / "spring", wallclock=instant(await store.campaigns.now()))
    async with memory_store(SteeredClock()) as elsewhere:
        await import_campaign(elsewhere, tmp_path / "spring", account=ACCOUNT)
        for there in (elsewhere, store):
            with pytest.raises(CampaignRefused, match="is here already"):
                await import_campaign(there, tmp_path / "spring", account=ACCOUNT)
        await elsewhere.claims.set_pacing(ACCOUNT, FAST)
        await elsewhere.campaigns.change(campaign.id, CampaignInput.START)
        assert [again.contact.phone for again in await claim(elsewhere)] == [phone(1)]


@fault(
    "the file of an exported campaign lost its end on the way",
    caller="nothing",
    operator="one line says that the file is broken, before anything of it is taken",
    kept="the campaign where it came from",
)
async def test_a_file_that_lost_its_end(store, tmp_path):
    campaign = await store.campaigns.create(plan())
    await store.contacts.add(campaign.id, contacts(50), upto_line=2)
    file = tmp_path / "spring"
    await export_campaign(store, campaign, file, wallclock=instant(await store.campaigns.now()))
    whole = file.read_bytes()
    async with memory_store(SteeredClock()) as elsewhere:
        for length in range(0, len(whole), 97):
            file.write_bytes(whole[:length])
            with pytest.raises(ConfigurationError, match=r"is broken|is no exported campaign"):
                await import_campaign(elsewhere, file, account=ACCOUNT)
        assert await elsewhere.campaigns.all() == []


@fault(
    "a person with several numbers opts out at the second one",
    caller="is called at none of them again",
    operator="all of their numbers are on the do-not-call list, from the call",
    kept="the opt-out of a person, whichever number it came from",
)
async def test_an_opt_out_at_one_of_several_numbers(store):
    rules = RetryRules(9, {}, (Outcome.NO_ANSWER,))
    campaign = await running_campaign(store, contacts(1, others=((phone(7), NEW_YORK),)), retry=rules)
    [first] = await claim(store)
    await store.attempts.report(first.attempt_id, said("CA1", CallStatus.NO_ANSWER))
    [second] = await claim(store)
    await store.attempts.report(second.attempt_id, spoken("CA2", reported=Reported.OPTED_OUT))
    assert [second.contact.called_phone, (await store.contacts.find(campaign.id, phone(0))).outcome] == [
        phone(7),
        "opted_out",
    ]
    await running_campaign(store, contacts(1) + contacts(1, first=7), name="next")
    assert await claim(store) == []


@fault(
    "a list with two numbers for a person is imported again while the second one is tried",
    caller="is not called anew",
    operator="the row counts as there already",
    kept="one contact for each person",
)
async def test_a_list_of_several_numbers_imported_again(store):
    people = contacts(1, others=((phone(7), NEW_YORK),))
    rules = RetryRules(9, {}, (Outcome.NO_ANSWER,))
    campaign = await running_campaign(store, people, retry=rules)
    [one] = await claim(store)
    await store.attempts.report(one.attempt_id, said("CA1", CallStatus.NO_ANSWER))
    assert (await store.contacts.add(campaign.id, people, upto_line=9)).duplicates == 1
    assert [again.contact.called_phone for again in await claim(store)] == [phone(7)]


@fault(
    "the database is restored, and after the backup a person was reached at their second or a later number",
    caller="nobody is rung again for that call",
    operator="the report has the call, with the number that was called; the campaign is paused with the reason",
    kept="that the person was called, at whichever number: for retries and for caps",
)
@pytest.mark.parametrize("place", [1, 2, 3])
async def test_a_call_to_a_further_number_is_lost_with_the_database(tmp_path, place):
    clock = SteeredClock()
    person = NewContact(phone(0), NEW_YORK, {}, others=tuple((phone(n), NEW_YORK) for n in (1, 2, 3)))
    async with sqlite_store(tmp_path, clock) as store:
        campaign = await running_campaign(store, [person, *contacts(1, first=9)])
        twilio, records = LossyTwilio(clock, chance(1), latency_seconds=0.0), RecoveryRecords(store.attempts._database)
        from_number = campaign.plan.numbers[0].number
        twilio.calls["CA1"] = RungCall("CA1", "", phone(place), from_number, clock.now, 0, CallStatus.COMPLETED)
        assert (await Recovery(store, records, twilio, ACCOUNT).recover()).calls == 1
        [attempt] = [one async for one in store.reports.attempts(campaign.id)]
        assert (attempt.phone, attempt.outcome) == (phone(place), Outcome.ANSWERED)
        await store.campaigns.change(campaign.id, CampaignInput.START)
        assert [one.contact.phone for one in await claim(store)] == [phone(9)]
