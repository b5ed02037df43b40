"""What every store promises of campaigns and their status: `CampaignRecords`."""

import asyncio

import pytest
from support.campaigns import (
    ACCOUNT,
    CHICAGO,
    NEW_YORK,
    START,
    claim,
    contacts,
    phone,
    plan,
    running_campaign,
    said,
    spoken,
)

from telebridge.campaigns.engine.claim import OpenLane
from telebridge.campaigns.engine.states import (
    CampaignInput,
    CampaignStatus,
)
from telebridge.errors import CampaignRefused
from telebridge.twilio.calls import CallStatus


class CampaignRecordsConformance:
    async def test_a_campaign_is_kept_whole(self, store):
        made = await store.campaigns.create(plan(hours={"weekdays": ["09:00-20:00"]}, max_live=3))
        assert made.status is CampaignStatus.DRAFT
        assert await store.campaigns.find(made.id) == made
        assert await store.campaigns.all() == [made]
        assert await store.campaigns.find("none") is None

    async def test_the_clock_of_the_store_can_be_asked(self, store, clock):
        assert await store.campaigns.now() == START
        clock.advance(5)
        assert await store.campaigns.now() == START + 5000

    async def test_of_those_not_over_an_account_has_one_of_each_name(self, store):
        made = await running_campaign(store, contacts(1))
        with pytest.raises(CampaignRefused, match="'spring': there is another one of that name that is not over"):
            await store.campaigns.create(plan())
        await store.campaigns.create(plan(account="AC2"))
        summer = await store.campaigns.create(plan(name="summer"))
        with pytest.raises(CampaignRefused, match="another one of that name"):
            await store.campaigns.replan(summer.id, plan())
        await store.campaigns.change(made.id, CampaignInput.FINISH)
        again = await store.campaigns.create(plan())
        with pytest.raises(CampaignRefused, match="another one of that name"):
            await store.campaigns.change(made.id, CampaignInput.START)
        await store.campaigns.change(again.id, CampaignInput.CANCEL)
        assert (await store.campaigns.change(made.id, CampaignInput.START)).status is CampaignStatus.RUNNING
        assert await store.campaigns.find(summer.id) == summer

    async def test_the_lane_of_a_contact_is_told(self, store):
        campaign = await running_campaign(store, contacts(1) + contacts(1, CHICAGO, first=1))
        found = [await store.contacts.find(campaign.id, phone(n)) for n in (0, 1)]
        assert [await store.contacts.lane(one) for one in found] == [NEW_YORK, CHICAGO]

    async def test_a_plan_kept_several_times_at_once_makes_one_campaign(self, store):
        made = await asyncio.gather(*(store.campaigns.create_or_replan(plan(priority=n)) for n in range(4)))
        [kept] = await store.campaigns.all()
        assert {one.id for one in made} == {kept.id}
        await store.campaigns.change(kept.id, CampaignInput.START)
        with pytest.raises(CampaignRefused, match="pause it before its plan is changed"):
            await store.campaigns.create_or_replan(plan())
        await store.campaigns.change(kept.id, CampaignInput.FINISH)
        assert (await store.campaigns.create_or_replan(plan())).id != kept.id

    async def test_a_change_keeps_when_and_why(self, store, clock):
        campaign = await running_campaign(store)
        clock.advance(5)
        paused = await store.campaigns.change(campaign.id, CampaignInput.PAUSE, reason="lunch")
        assert (paused.status, paused.status_at, paused.reason) == (CampaignStatus.PAUSED, START + 5000, "lunch")
        assert await store.campaigns.find(campaign.id) == paused

    async def test_what_cannot_happen_is_refused_in_words(self, store):
        campaign = await store.campaigns.create(plan())
        with pytest.raises(CampaignRefused, match=r"campaign 'spring': is draft and cannot pause"):
            await store.campaigns.change(campaign.id, CampaignInput.PAUSE)
        with pytest.raises(CampaignRefused, match="there is none"):
            await store.campaigns.change("none", CampaignInput.START)

    async def test_lanes_are_those_of_campaigns_that_dial_now(self, store, clock):
        await running_campaign(store, contacts(2) + contacts(1, CHICAGO, first=5), name="a")
        later = await running_campaign(store, contacts(1, priority=2), name="b", start_at=START + 1000)
        other = await store.campaigns.create(plan(account="AC2"))
        await store.campaigns.change(other.id, CampaignInput.START)
        assert {lane.lane for lane in await store.campaigns.lanes(ACCOUNT)} == {NEW_YORK, CHICAGO}
        clock.advance(1)
        assert [lane.priority for lane in await store.campaigns.lanes(ACCOUNT) if lane.campaign.id == later.id] == [2]

    async def test_a_campaign_with_nothing_left_is_done_and_can_go_on(self, store):
        campaign = await running_campaign(store, contacts(1))
        assert await store.campaigns.close_finished() == []
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.IN_PROGRESS))
        assert await store.campaigns.close_finished() == []
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        [closed] = await store.campaigns.close_finished()
        assert (closed.id, closed.status) == (campaign.id, CampaignStatus.DONE)
        await store.contacts.add(campaign.id, contacts(1, first=1), upto_line=2)
        await store.campaigns.change(campaign.id, CampaignInput.START)
        assert len(await claim(store)) == 1

    async def test_a_campaign_that_is_being_filled_or_has_nobody_is_never_done(self, store):
        campaign = await running_campaign(store)
        assert await store.campaigns.close_finished() == []
        await store.contacts.begin_import(campaign.id, "a.csv", owner="o1")
        await store.contacts.add(campaign.id, contacts(1), upto_line=5, owner="o1")
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        assert await store.campaigns.close_finished() == []
        await store.contacts.finish_import(campaign.id, owner="o1")
        assert [done.status for done in await store.campaigns.close_finished()] == [CampaignStatus.DONE]

    async def test_a_plan_is_changed_while_nobody_dials(self, store):
        campaign = await store.campaigns.create(plan())
        after = await store.campaigns.replan(campaign.id, plan(name="summer", max_live=3))
        assert await store.campaigns.find(campaign.id) == after
        assert (after.plan.name, after.plan.max_live, after.status) == ("summer", 3, CampaignStatus.DRAFT)
        await store.campaigns.change(campaign.id, CampaignInput.START)
        with pytest.raises(CampaignRefused, match="pause it"):
            await store.campaigns.replan(campaign.id, plan())
        with pytest.raises(CampaignRefused, match="there is none"):
            await store.campaigns.replan("nobody", plan())

    async def test_a_campaign_whose_end_has_come_lets_live_calls_end(self, store, clock):
        campaign = await running_campaign(store, contacts(2), end_at=START + 1000, max_live=1)
        [one] = await claim(store)
        clock.advance(1)
        [draining] = await store.campaigns.close_finished()
        assert draining.status is CampaignStatus.DRAINING
        assert await claim(store, lanes=[OpenLane(1, campaign.id, START * 2)]) == []
        assert await store.campaigns.close_finished() == []
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        assert [done.status for done in await store.campaigns.close_finished()] == [CampaignStatus.DONE]
