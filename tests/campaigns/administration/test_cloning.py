"""Copies of a campaign and its contacts."""

import pytest
from support.campaigns import CHICAGO, NEW_YORK, at, claim, contacts, open_lanes, phone, plan, running_campaign, spoken

from telebridge.campaigns.administration import cloning
from telebridge.campaigns.administration.cloning import clone_contacts
from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.campaign import Cap
from telebridge.campaigns.engine.states import CampaignInput, CampaignStatus
from telebridge.errors import CampaignRefused
from telebridge.timing.epoch import instant

SUMMER = plan(name="summer")


async def people(store, campaign):
    return [one async for one in store.reports.contacts(campaign.id)]


async def test_contacts_come_along_as_if_they_had_never_been_called(store):
    consent = {"consented_at": at("2026-01-02"), "consent_source": "form 7"}
    given = contacts(2, others=((phone(9), CHICAGO),), **consent) + contacts(1, CHICAGO, first=2, priority=5)
    model = await running_campaign(store, given)
    for one in await claim(store, 2):
        await store.attempts.report(one.attempt_id, spoken(f"CA{one.attempt_id}"))
    done = await clone_contacts(store, model, SUMMER, contacts=True)
    assert (done.campaign.status, done.contacts) == (CampaignStatus.DRAFT, 3)
    copied = await people(store, done.campaign)
    assert [(one.phone, one.variables, one.attempts, one.outcome) for one in copied] == [
        (phone(number), {"name": f"n{number}"}, 0, "") for number in range(3)
    ]
    assert (instant(copied[0].consented_at), copied[0].consent_source) == (at("2026-01-02"), "form 7")
    assert [await store.contacts.lane(one) for one in copied] == [NEW_YORK, NEW_YORK, CHICAGO]
    assert [one.phones[1:] for one in copied] == [(phone(9),), (phone(9),), ()]
    priorities = await store.reports.priorities(done.campaign.id)
    assert [priorities[one.lane_id] for one in copied] == [0, 0, 5]
    assert await store.contacts.is_filled(done.campaign.id)


async def test_only_those_who_ended_so_come_along(store):
    model = await running_campaign(store, contacts(3))
    for one, why in zip(await claim(store, 2), (NotPlacedReason.REFUSED, NotPlacedReason.BAD_NUMBER), strict=True):
        await store.attempts.not_placed(one.attempt_id, why, error="no")
    done = await clone_contacts(store, model, SUMMER, contacts=True, outcomes={"refused", "busy"})
    assert [one.phone for one in await people(store, done.campaign)] == [phone(0)]
    with pytest.raises(CampaignRefused, match="'refusd' is no outcome: give some of abandoned"):
        await clone_contacts(store, model, plan(name="autumn"), contacts=True, outcomes={"refusd"})


async def test_without_contacts_it_is_an_empty_draft(store):
    model = await running_campaign(store, contacts(3))
    done = await clone_contacts(store, model, SUMMER, contacts=False)
    assert (done.contacts, await people(store, done.campaign)) == (0, [])


async def test_who_must_not_be_called_by_the_model_is_not_called_by_the_clone(store):
    model = await running_campaign(store, contacts(2))
    await store.do_not_call.add([phone(0)], source="letter", scope=model.id)
    await store.campaigns.change(model.id, CampaignInput.CANCEL)
    done = await clone_contacts(store, model, SUMMER, contacts=True)
    await store.campaigns.change(done.campaign.id, CampaignInput.START)
    assert done.do_not_call == 1
    assert [one.contact.phone for one in await claim(store)] == [phone(1)]


async def test_calls_of_the_model_count_for_the_caps_of_the_clone(store):
    model = await running_campaign(store, contacts(1))
    [one] = await claim(store)
    await store.attempts.report(one.attempt_id, spoken("CA1"))
    done = await clone_contacts(store, model, SUMMER, contacts=True)
    await store.campaigns.change(done.campaign.id, CampaignInput.START)
    assert await claim(store, lanes=await open_lanes(store, Cap(1, 3600))) == []


async def test_a_clone_that_broke_off_goes_on_and_nobody_is_in_it_twice(store, monkeypatch):
    model = await running_campaign(store, contacts(5))
    monkeypatch.setattr(cloning, "COPIED_AT_ONCE", 2)
    add, batches = store.contacts.add, []

    async def failing(*given, **named):
        if len(batches) == 2:
            raise OSError("the database is away")
        batches.append(named)
        return await add(*given, **named)

    monkeypatch.setattr(store.contacts, "add", failing)
    with pytest.raises(OSError, match="away"):
        await clone_contacts(store, model, SUMMER, contacts=True)
    monkeypatch.setattr(store.contacts, "add", add)
    with pytest.raises(CampaignRefused, match="another one of that name"):
        await clone_contacts(store, model, SUMMER, contacts=True, outcomes={"busy"})
    done = await clone_contacts(store, model, SUMMER, contacts=True)
    assert [one.phone for one in await people(store, done.campaign)] == [phone(number) for number in range(5)]
    assert len(await store.campaigns.all()) == 2


async def test_a_name_that_is_taken_is_refused(store):
    model = await running_campaign(store, contacts(1))
    with pytest.raises(CampaignRefused, match="another one of that name"):
        await clone_contacts(store, model, model.plan, contacts=False)
