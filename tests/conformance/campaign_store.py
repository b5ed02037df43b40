"""What every campaign store promises. A test class of each store inherits this suite and brings `store` and `clock`."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from support.campaigns import (
    ACCOUNT,
    CHICAGO,
    NEW_YORK,
    START,
    TALK,
    at,
    claim,
    contacts,
    open_lanes,
    phone,
    plan,
    running_campaign,
    said,
    spoken,
)

from telebridge.campaigns.engine.attempt import Receipt, Unplaced
from telebridge.campaigns.engine.campaign import Cap, PoolNumber, Webhook, WebhookEvent
from telebridge.campaigns.engine.claim import OpenLane
from telebridge.campaigns.engine.contact import ImportPosition, NewContact
from telebridge.campaigns.engine.outcomes import Outcome, Reported, RetryRules
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import (
    AttemptState,
    CampaignInput,
    CampaignStatus,
    ContactState,
)
from telebridge.campaigns.store.protocols import DialingNow, dialing_task
from telebridge.campaigns.webhooks.delivery import Answer, Tally
from telebridge.epoch import instant
from telebridge.errors import CampaignRefused, LocalProtocolError
from telebridge.twilio.calls import CallStatus

HOOK = Webhook("http://127.0.0.1/calls", "a secret")
CALLS = replace(HOOK, events=(WebhookEvent.ATTEMPT_DONE, WebhookEvent.CONTACT_DONE))
ENDS = [CallStatus.BUSY, CallStatus.NO_ANSWER, CallStatus.FAILED, CallStatus.CANCELED]


async def told(store, campaign, *, answered=200):
    """The bodies that are due now, in the order of their instants and names, once the receiver has answered so."""
    batch = await store.outbox.take(campaign.id, limit=1000, lease_seconds=30)
    if batch is None:
        return []
    await store.outbox.settle(campaign.id, [Answer(one, answered) for one in batch.deliveries])
    bodies = [json.loads(one.body) for one in batch.deliveries]
    return sorted(bodies, key=lambda body: (body["at_ms"], body["event"]))


def outcome_told(body):
    return body["contact" if body["event"] == "contact.done" else "attempt"]["outcome"]


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
        made = await asyncio.gather(*(store.campaigns.keep(plan(priority=n)) for n in range(4)))
        [kept] = await store.campaigns.all()
        assert {one.id for one in made} == {kept.id}
        await store.campaigns.change(kept.id, CampaignInput.START)
        with pytest.raises(CampaignRefused, match="pause it before its plan is changed"):
            await store.campaigns.keep(plan())
        await store.campaigns.change(kept.id, CampaignInput.FINISH)
        assert (await store.campaigns.keep(plan())).id != kept.id

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


class ContactRecordsConformance:
    async def test_a_batch_and_its_position_are_one(self, store):
        campaign = await running_campaign(store, contacts(2), upto_line=3)
        again = await store.contacts.add(campaign.id, contacts(2, first=7), upto_line=3)
        more = await store.contacts.add(campaign.id, contacts(3, first=1), upto_line=6)
        assert (again.added, again.duplicates) == (0, 0)
        assert (more.added, more.duplicates) == (2, 1)
        assert await store.contacts.import_position(campaign.id) == ImportPosition(line=6)

    async def test_a_number_twice_in_one_batch_is_a_duplicate(self, store):
        campaign = await running_campaign(store)
        added = await store.contacts.add(campaign.id, contacts(1) + contacts(1), upto_line=2)
        assert (added.added, added.duplicates) == (1, 1)

    async def test_a_contact_is_kept_whole(self, store):
        [new] = contacts(1, due_at=at("2026-10-01"), consented_at=at("2026-01-02"), consent_source="form 7")
        campaign = await running_campaign(store, [new])
        kept = await store.contacts.find(campaign.id, new.phone)
        assert (kept.phone, kept.variables, kept.state) == (new.phone, {"name": "n0"}, ContactState.READY)
        assert (instant(kept.due_at), instant(kept.consented_at)) == (new.due_at, new.consented_at)
        assert kept.consent_source == "form 7"
        assert await store.contacts.find(campaign.id, "+1") is None

    async def test_an_import_goes_on_in_its_own_source_and_begins_anew_in_another(self, store):
        campaign = await store.campaigns.create(plan())
        begun = await store.contacts.begin_import(campaign.id, "a.csv\t1", owner="o1")
        assert (begun.line, begun.before) == (0, ImportPosition())
        await store.contacts.add(campaign.id, contacts(2), upto_line=3, owner="o1")
        await store.contacts.leave_import(campaign.id, begun, owner="o1")
        left = ImportPosition("a.csv\t1", 3, under_way=True)
        assert (await store.contacts.import_position(campaign.id), left.name) == (left, "a.csv")
        begun = await store.contacts.begin_import(campaign.id, "a.csv\t1", owner="o2")
        assert (begun.line, begun.before) == (3, left)
        await store.contacts.leave_import(campaign.id, begun, owner="o2")
        assert (await store.contacts.begin_import(campaign.id, "b.csv", owner="o3")).line == 0
        await store.contacts.add(campaign.id, contacts(2, first=1), upto_line=3, owner="o3")
        assert (await store.reports.progress(campaign.id)).contacts == {"ready": 3}

    async def test_a_source_that_came_to_its_end_is_read_from_its_beginning_again(self, store):
        campaign = await store.campaigns.create(plan())
        for added in (2, 0):
            assert (await store.contacts.begin_import(campaign.id, "a.csv", owner="o1")).line == 0
            done = await store.contacts.add(campaign.id, contacts(2), upto_line=3, owner="o1")
            assert (done.added, done.duplicates) == (added, 2 - added)
            await store.contacts.finish_import(campaign.id, owner="o1")
        assert await store.contacts.import_position(campaign.id) == ImportPosition()

    async def test_an_import_of_which_nothing_came_was_never_begun(self, store):
        campaign = await store.campaigns.create(plan())
        begun = await store.contacts.begin_import(campaign.id, "a.csv", owner="o1")
        await store.contacts.add(campaign.id, contacts(1), upto_line=2, owner="o1")
        await store.contacts.leave_import(campaign.id, begun, owner="o1")
        begun = await store.contacts.begin_import(campaign.id, "b.csv", owner="o1")
        await store.contacts.leave_import(campaign.id, begun, owner="o1")
        assert await store.contacts.import_position(campaign.id) == ImportPosition("a.csv", 2, under_way=True)

    async def test_one_import_at_a_time_fills_a_campaign(self, store, clock):
        campaign = await store.campaigns.create(plan())
        begun = await store.contacts.begin_import(campaign.id, "a.csv\t1", owner="o1")
        with pytest.raises(CampaignRefused, match=r"'spring': is being filled from 'a.csv' elsewhere"):
            await store.contacts.begin_import(campaign.id, "b.csv", owner="o2")
        for call in (
            store.contacts.add(campaign.id, contacts(1), upto_line=2, owner="o2"),
            store.contacts.finish_import(campaign.id, owner="o2"),
        ):
            with pytest.raises(CampaignRefused, match="elsewhere"):
                await call
        await store.contacts.leave_import(campaign.id, begun, owner="o2")
        clock.advance(50)
        await store.contacts.add(campaign.id, contacts(1), upto_line=2, owner="o1")
        clock.advance(50)
        with pytest.raises(CampaignRefused, match="elsewhere"):
            await store.contacts.begin_import(campaign.id, "b.csv", owner="o2")
        await store.contacts.finish_import(campaign.id, owner="o1")
        await store.contacts.begin_import(campaign.id, "b.csv", owner="o2")

    async def test_an_import_that_died_is_let_go_and_adds_nothing_any_more(self, store, clock):
        campaign = await store.campaigns.create(plan())
        await store.contacts.begin_import(campaign.id, "a.csv", owner="o1")
        clock.advance(70)
        await store.contacts.add(campaign.id, contacts(1), upto_line=2, owner="o1")
        clock.advance(70)
        await store.contacts.begin_import(campaign.id, "b.csv", owner="o2")
        with pytest.raises(CampaignRefused, match=r"is being filled from 'b.csv' elsewhere"):
            await store.contacts.add(campaign.id, contacts(1, first=1), upto_line=9, owner="o1")
        assert (await store.reports.progress(campaign.id)).contacts == {"ready": 1}

    async def test_a_cancelled_campaign_is_not_filled(self, store):
        campaign = await store.campaigns.create(plan())
        await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
        with pytest.raises(CampaignRefused, match="is cancelled, for ever"):
            await store.contacts.begin_import(campaign.id, "a.csv", owner="o1")
        with pytest.raises(CampaignRefused, match="there is none"):
            await store.contacts.begin_import("none", "a.csv", owner="o1")

    async def test_a_batch_of_nobody_moves_the_position(self, store):
        campaign = await store.campaigns.create(plan())
        added = await store.contacts.add(campaign.id, [], upto_line=9)
        assert (added.added, added.duplicates) == (0, 0)
        assert await store.contacts.import_position(campaign.id) == ImportPosition(line=9)

    async def test_a_campaign_is_filled_once_its_import_is_finished_and_brought_somebody(self, store):
        campaign = await store.campaigns.create(plan())
        assert not await store.contacts.is_filled(campaign.id)
        await store.contacts.begin_import(campaign.id, "a.csv", owner="o1")
        await store.contacts.add(campaign.id, contacts(1), upto_line=2, owner="o1")
        assert not await store.contacts.is_filled(campaign.id)
        await store.contacts.finish_import(campaign.id, owner="o1")
        assert await store.contacts.is_filled(campaign.id)

    async def test_contacts_still_to_be_called_without_consent_are_counted(self, store):
        consent = {"consented_at": at("2026-01-02"), "consent_source": "form 7"}
        people = contacts(1, **consent) + contacts(1, first=1) + contacts(1, first=2, consent_source="form 7")
        campaign = await running_campaign(store, people)
        assert await store.contacts.without_consent(campaign.id) == 2
        await store.do_not_call.add([phone(1)], source="letter")
        await claim(store)
        assert await store.contacts.without_consent(campaign.id) == 1

    async def test_a_campaign_knows_whose_law_applies_to_its_contacts(self, store):
        campaign = await running_campaign(store, contacts(2) + contacts(1, CHICAGO, first=5))
        other = await store.campaigns.create(plan(name="other"))
        lanes = await store.reports.lanes(campaign.id)
        assert {lane.region for lane in lanes.values()} == {"US-NY", "US-IL"}
        assert await store.reports.lanes(other.id) == {}

    async def test_many_contacts_go_in_at_once(self, store):
        campaign = await running_campaign(store, contacts(7000))
        assert (await store.reports.progress(campaign.id)).contacts == {"ready": 7000}


class TalkConformance:
    async def test_an_attempt_is_found_by_its_call_and_keeps_what_was_said(self, store):
        await running_campaign(store, contacts(1))
        [one] = await claim(store)
        assert await store.attempts.find_by_call("CA1") is None
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.IN_PROGRESS))
        talk = {"heard": ["Hello."], "digits": "1", "result": {"n": 1}}
        await store.attempts.report(one.attempt_id, said("CA1", talk=talk))
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.COMPLETED, talk={"digits": "late"}))
        found = await store.attempts.find_by_call("CA1")
        assert (found.id, found.talk, found.state) == (one.attempt_id, talk, AttemptState.DONE)

    async def test_the_whole_do_not_call_list_is_told_by_number(self, store):
        await store.do_not_call.add([phone(n) for n in range(600)], source="letter", reason="asked")
        await store.do_not_call.add([phone(3)], source="agent", scope="c1")
        told = [one async for one in store.do_not_call.all()]
        assert [one.phone for one in told] == sorted([*(phone(n) for n in range(600)), phone(3)])
        assert (told[3].scope, told[4].scope, told[4].source) == ("", "c1", "agent")
        behind = [one async for one in store.do_not_call.all(after=(phone(3), ""))]
        assert behind == told[4:]
        assert (told[0].source, told[0].reason, told[0].added_at) == ("letter", "asked", START)


class ClaimConformance:
    async def test_a_claim_is_an_intent_before_it_is_answered(self, store):
        campaign = await running_campaign(store, contacts(1), machine_detection="Enable", rules_version="2026-01")
        [one] = await claim(store, worker="w7", lease_seconds=30)
        intent = await store.attempts.find(one.attempt_id)
        assert (intent.state, intent.worker, intent.n, intent.phone) == (AttemptState.INTENT, "w7", 1, phone(0))
        assert (intent.intent_at, intent.lease_until) == (START, START + 30_000)
        assert (intent.detects_machine, intent.rules_version) == (True, "2026-01")
        assert intent.from_number == one.from_number == "+15550002222"
        assert await store.contacts.find(campaign.id, phone(0)) == one.contact
        assert (one.contact.state, one.contact.attempts) == (ContactState.LIVE, 1)

    async def test_the_barred_stand_in_nobodys_way(self, store):
        campaign = await running_campaign(store, contacts(900), pacing=Pacing(1.0, 5))
        await store.do_not_call.add([phone(n) for n in range(890)], source="register")
        assert [one.contact.phone for _ in range(2) for one in await claim(store, 1)] == [phone(890)]
        stands = (await store.reports.progress(campaign.id)).contacts
        assert stands == {"skipped": 890, "ready": 9, "live": 1}

    async def test_one_claim_looks_past_hundreds_who_are_barred(self, store):
        await running_campaign(store, contacts(400), pacing=Pacing(1.0, 5))
        await store.do_not_call.add([phone(n) for n in range(399)], source="register")
        assert [one.contact.phone for one in await claim(store, 1)] == [phone(399)]

    async def test_nobody_is_claimed_twice(self, store):
        await running_campaign(store, contacts(40))
        claimed = await asyncio.gather(*(claim(store, 5, worker=f"w{n}") for n in range(10)))
        phones = [one.contact.phone for some in claimed for one in some]
        assert sorted(phones) == sorted(set(phones))
        assert len(phones) == 40

    async def test_calls_per_second_hold_over_all_workers(self, store, clock):
        await running_campaign(store, contacts(200), pacing=Pacing(20.0, 1000))
        starts = []
        for tick in range(30):
            for worker in ("w1", "w2"):
                starts += [clock.now] * len(await claim(store, worker=worker))
            clock.advance(0.1 if tick % 3 else 0.07)
        assert all(sum(start <= at < start + 1000 for at in starts) <= 22 for start in starts)
        assert len(starts) >= 20 * (starts[-1] - START) / 1000

    async def test_live_calls_are_bounded_with_intents_and_room_for_callers(self, store):
        await running_campaign(store, contacts(10), pacing=Pacing(1000.0, 5, reserved=2))
        first = await claim(store)
        assert len(first) == 3
        assert await claim(store) == []
        await store.attempts.report(first[0].attempt_id, spoken("CA1"))
        assert len(await claim(store)) == 1

    async def test_a_campaign_has_limits_of_its_own_and_leaves_the_rest_to_others(self, store, clock):
        slow = await running_campaign(store, contacts(9), name="slow", calls_per_second=1.0, max_live=2)
        await running_campaign(store, contacts(9, first=20), name="wide")
        taken = [one.campaign.id for _ in range(6) for one in await claim(store, 3)]
        assert taken.count(slow.id) == 1
        assert len(taken) == 10
        clock.advance(1)
        assert [one.campaign.id for one in await claim(store)] == [slow.id]
        clock.advance(1)
        assert await claim(store) == []

    async def test_lanes_are_taken_in_their_order_and_closed_ones_not_at_all(self, store):
        await running_campaign(store, contacts(3) + contacts(3, CHICAGO, first=10))
        lanes = await open_lanes(store)
        claimed = await claim(store, 4, lanes=lanes[::-1])
        order = [one.contact.lane_id for one in claimed]
        assert order == [lanes[1].id] * 3 + [lanes[0].id]
        assert await claim(store, lanes=[lanes[1]]) == []

    async def test_who_is_due_first_is_called_first_and_who_is_not_due_waits(self, store, clock):
        late, early = contacts(1, due_at=instant(START + 9000)), contacts(1, first=1, due_at=instant(START - 9000))
        await running_campaign(store, late + early)
        assert [one.contact.phone for one in await claim(store)] == [phone(1)]
        clock.advance(9)
        assert [one.contact.phone for one in await claim(store)] == [phone(0)]

    async def test_of_a_lane_that_is_not_taken_whole_the_earliest_due_are_taken(self, store):
        campaign = await running_campaign(store, contacts(3))
        due = [NewContact(phone(n), CHICAGO, {}, due_at=instant(START - 1000 * n)) for n in range(3, 33)]
        await store.contacts.add(campaign.id, due, upto_line=2)
        taken = {one.contact.phone for one in await claim(store, 4)}
        assert taken == {phone(0), phone(1), phone(2), phone(32)}

    @pytest.mark.parametrize("happened", [CampaignInput.PAUSE, CampaignInput.CANCEL, CampaignInput.DRAIN])
    async def test_a_campaign_that_stops_is_not_claimed_from_lanes_that_were_open(self, store, happened):
        campaign = await running_campaign(store, contacts(1))
        lanes = await open_lanes(store)
        await store.campaigns.change(campaign.id, happened)
        assert await claim(store, lanes=lanes) == []

    async def test_who_must_not_be_called_is_skipped_with_the_reason(self, store):
        campaign = await running_campaign(store, contacts(3))
        await store.do_not_call.add([phone(0)], source="letter")
        await store.do_not_call.add([phone(1)], source="letter", scope=campaign.id)
        await store.do_not_call.add([phone(2)], source="letter", scope="another")
        assert [one.contact.phone for one in await claim(store)] == [phone(2)]
        skipped = await store.contacts.find(campaign.id, phone(0))
        assert (skipped.state, skipped.outcome) == (ContactState.SKIPPED, "do_not_call")
        assert (await store.contacts.find(campaign.id, phone(1))).state is ContactState.SKIPPED

    async def test_two_campaigns_never_ring_one_number_together(self, store, clock):
        first = await running_campaign(store, contacts(1), name="a")
        second = await running_campaign(store, contacts(1), name="b")
        claimed = await claim(store)
        assert len(claimed) == 1
        assert await claim(store) == []
        waiting = second if claimed[0].campaign.id == first.id else first
        held = await store.contacts.find(waiting.id, phone(0))
        assert (held.state, held.held, held.due_at) == (ContactState.READY, "live_elsewhere", START + 60_000)
        clock.advance(60)
        assert await claim(store) == []
        await store.attempts.report(claimed[0].attempt_id, spoken("CA1"))
        clock.advance(60)
        assert [one.campaign.id for one in await claim(store)] == [waiting.id]

    async def test_caps_count_calls_of_every_campaign_and_not_those_never_placed(self, store, clock):
        rules = RetryRules(9, {Outcome.BUSY: (60.0,)})
        await running_campaign(store, contacts(1), retry=rules, name="a")
        lanes = [replace(lane, caps=(Cap(2, 3600),)) for lane in await open_lanes(store)]
        for sid in ("CA1", "CA2"):
            [void] = await claim(store, lanes=lanes)
            await store.attempts.not_placed(void.attempt_id, Unplaced.AGAIN, error="refused")
            clock.advance(60)
            [one] = await claim(store, lanes=lanes)
            await store.attempts.report(one.attempt_id, said(sid, CallStatus.BUSY))
            clock.advance(60)
        other = await running_campaign(store, contacts(1), name="b")
        lanes = [replace(lane, caps=(Cap(2, 3600),)) for lane in await open_lanes(store)]
        assert await claim(store, lanes=lanes) == []
        held = await store.contacts.find(other.id, phone(0))
        assert (held.held, held.due_at) == ("capped", START + 60_000 + 3_600_000)
        clock.now = held.due_at
        assert len(await claim(store, lanes=lanes)) == 1

    async def test_after_a_conversation_a_cap_can_ask_for_quiet(self, store, clock):
        cap = Cap(1, 7 * 86_400, conversations=True)
        await running_campaign(store, contacts(2), name="a", retry=RetryRules(5, {Outcome.BUSY: (1.0,)}))
        one, two = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        await store.attempts.report(two.attempt_id, said("CA2", CallStatus.BUSY))
        clock.advance(60)
        await running_campaign(store, contacts(1), name="b")
        lanes = [replace(lane, caps=(cap,)) for lane in await open_lanes(store)]
        assert [one.contact.phone for one in await claim(store, lanes=lanes)] == [phone(1)]

    async def test_numbers_are_taken_in_turn_and_rest_after_their_calls_of_the_day(self, store, clock):
        numbers = (PoolNumber("+15550000001", 2), PoolNumber("+15550000002", 1))
        await running_campaign(store, contacts(5), numbers=numbers)
        froms = [one.from_number for _ in range(5) for one in await claim(store, 1)]
        assert sorted(froms) == ["+15550000001", "+15550000001", "+15550000002"]
        assert froms[0] != froms[1]
        clock.advance(86_400)
        assert len(await claim(store)) == 2

    async def test_a_campaign_whose_numbers_rest_leaves_the_way_to_others(self, store):
        spent = await running_campaign(store, contacts(30), numbers=(PoolNumber("+15550000001", 1),))
        wide = await running_campaign(store, contacts(5, first=50), name="wide")
        assert [one.campaign.id for one in await claim(store, 1)] == [spent.id]
        assert [one.campaign.id for one in await claim(store, 5)] == [wide.id] * 5

    async def test_quiet_that_twilio_asked_for_holds_for_everybody_and_grows(self, store, clock):
        await running_campaign(store, contacts(9))
        first = await store.claims.back_off(ACCOUNT, jitter=1.0)
        assert first == START + 1000
        assert await store.claims.back_off(ACCOUNT, jitter=1.0) == first
        assert await claim(store) == []
        clock.now = first
        assert await store.claims.back_off(ACCOUNT, jitter=1.0) == first + 2000
        clock.advance(2)
        assert len(await claim(store)) == 9

    async def test_twilios_queue_is_waited_out(self, store, clock):
        await running_campaign(store, contacts(9), pacing=Pacing(10.0, 100))
        await store.claims.wait_out_queue(ACCOUNT, 1000)
        assert len(await claim(store)) == 2
        await store.claims.wait_out_queue(ACCOUNT, 5000)
        clock.advance(4.8)
        assert await claim(store) == []
        clock.advance(0.1)
        assert len(await claim(store)) == 1

    async def test_a_clock_that_ran_ahead_and_was_put_right_holds_nobody_back(self, store, clock):
        await running_campaign(store, contacts(50), pacing=Pacing(10.0, 100), calls_per_second=5.0)
        clock.advance(86_400)
        [one] = await claim(store, 1)
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.COMPLETED))
        await store.claims.back_off(ACCOUNT, jitter=1.0)
        assert await store.leases.take("close", "w1", 15)
        clock.advance(-86_400)
        assert len(await claim(store, 1)) == 1
        assert await claim(store, 1) == []
        clock.advance(1)
        assert len(await claim(store, 1)) == 1
        assert await store.leases.take("close", "w2", 15)
        assert not await store.leases.take("close", "w1", 15)
        [due] = (await store.attempts.take_due_checks()).attempts
        await store.attempts.report(due.id, said("CA1", CallStatus.COMPLETED, looked_up=True))
        assert (await store.attempts.find(due.id)).outcome is Outcome.LOST

    async def test_new_limits_leave_what_is_under_way_counted(self, store):
        await running_campaign(store, contacts(9), pacing=Pacing(1000.0, 2))
        assert len(await claim(store)) == 2
        await store.claims.set_pacing(ACCOUNT, Pacing(1000.0, 3))
        assert len(await claim(store)) == 1

    async def test_an_account_without_limits_is_a_bug(self, store):
        with pytest.raises(LocalProtocolError, match="the pacing of account 'AC9' was never set"):
            await store.claims.claim("AC9", [], worker="w", wanted=1, lease_seconds=30)


class AttemptConformance:
    async def test_a_call_goes_its_way_and_settles_its_contact(self, store, clock):
        campaign = await running_campaign(store, contacts(1))
        [one] = await claim(store)
        for report, state in [
            (said("CA1", CallStatus.QUEUED), AttemptState.PLACED),
            (said("CA1", CallStatus.RINGING), AttemptState.PLACED),
            (said("CA1", CallStatus.IN_PROGRESS), AttemptState.ANSWERED),
            (said("CA1", talk=TALK), AttemptState.ANSWERED),
            (said("CA1", CallStatus.COMPLETED), AttemptState.DONE),
        ]:
            assert await store.attempts.report(one.attempt_id, report) is Receipt.NEWS
            assert await store.attempts.report(one.attempt_id, report) is Receipt.OLD
            assert (await store.attempts.find(one.attempt_id)).state is state
        assert await store.attempts.report(one.attempt_id, said("CA1", CallStatus.RINGING)) is Receipt.OLD
        done = await store.attempts.find(one.attempt_id)
        assert (done.outcome, done.ended_at, done.check_at) == (Outcome.ANSWERED, START, None)
        contact = await store.contacts.find(campaign.id, phone(0))
        assert (contact.state, contact.outcome) == (ContactState.DONE, "answered")

    @pytest.mark.parametrize("status", ENDS)
    async def test_an_end_without_an_answer_follows_the_retry_rules(self, store, clock, status):
        rules = RetryRules(2, {Outcome.BUSY: (60.0,), Outcome.NO_ANSWER: (60.0,), Outcome.FAILED: (60.0,)})
        campaign = await running_campaign(store, contacts(1), retry=rules)
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, said("CA1", status))
        contact = await store.contacts.find(campaign.id, phone(0))
        if status is CallStatus.CANCELED:
            assert (contact.state, contact.outcome) == (ContactState.DONE, "cancelled")
            return
        assert (contact.state, contact.due_at) == (ContactState.READY, START + 60_000)
        clock.advance(60)
        [two] = await claim(store)
        assert two.n == 2
        await store.attempts.report(two.attempt_id, said("CA2", status))
        assert (await store.contacts.find(campaign.id, phone(0))).state is ContactState.DONE

    async def test_a_verdict_that_comes_late_is_heeded(self, store):
        rules = RetryRules(2, {Outcome.MACHINE: (60.0,)})
        campaign = await running_campaign(store, contacts(1), retry=rules, machine_detection="Enable")
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        assert (await store.contacts.find(campaign.id, phone(0))).state is ContactState.DONE
        assert await store.campaigns.close_finished() == []
        await store.attempts.report(one.attempt_id, said("CA1", answered_by="machine_start"))
        contact = await store.contacts.find(campaign.id, phone(0))
        assert (contact.state, contact.outcome, contact.due_at) == (ContactState.READY, "machine", START + 60_000)

    async def test_a_verdict_that_never_comes_is_asked_for_once(self, store, clock):
        await running_campaign(store, contacts(1), machine_detection="Enable")
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        clock.advance(30)
        due = await store.attempts.take_due_checks()
        assert [attempt.call_sid for attempt in due.attempts] == ["CA1"]
        await store.attempts.report(one.attempt_id, spoken("CA1", looked_up=True))
        assert (await store.attempts.find(one.attempt_id)).check_at is None

    async def test_an_answered_call_that_nobody_tells_of_is_lost_after_a_minute_and_called_again(self, store, clock):
        campaign = await running_campaign(store, contacts(1), retry=RetryRules(2, {Outcome.LOST: (90.0,)}))
        [one] = await claim(store)
        ended = said("CA1", CallStatus.COMPLETED)
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.IN_PROGRESS))
        assert await store.attempts.report(one.attempt_id, ended) is Receipt.NEWS
        assert await store.attempts.report(one.attempt_id, ended) is Receipt.OLD
        assert (await store.contacts.find(campaign.id, phone(0))).state is ContactState.LIVE
        clock.advance(59.9)
        assert (await store.attempts.take_due_checks()).attempts == await claim(store) == []
        assert await store.campaigns.close_finished() == []
        clock.advance(0.1)
        [due] = (await store.attempts.take_due_checks()).attempts
        await store.attempts.report(due.id, said("CA1", CallStatus.COMPLETED, looked_up=True))
        lost = await store.attempts.find(one.attempt_id)
        assert (lost.outcome, lost.check_at) == (Outcome.LOST, None)
        contact = await store.contacts.find(campaign.id, phone(0))
        assert (contact.state, contact.outcome, contact.due_at) == (ContactState.READY, "lost", START + 90_000)
        assert await store.reports.outcomes(campaign.id, since=START) == {Outcome.LOST: 1}

    async def test_the_talk_of_a_call_settles_it_whenever_it_comes(self, store, clock):
        campaign = await running_campaign(store, contacts(2), retry=RetryRules(2, {Outcome.LOST: (600.0,)}))
        soon, late = await claim(store)
        for one, sid in ((soon, "CA1"), (late, "CA2")):
            await store.attempts.report(one.attempt_id, said(sid, CallStatus.COMPLETED))
        clock.advance(5)
        await store.attempts.report(soon.attempt_id, said("CA1", talk=TALK))
        assert (await store.contacts.find(campaign.id, phone(0))).state is ContactState.DONE
        clock.advance(60)
        await store.attempts.report(late.attempt_id, said("CA2", CallStatus.COMPLETED, looked_up=True))
        assert (await store.contacts.find(campaign.id, phone(1))).state is ContactState.READY
        await store.attempts.report(late.attempt_id, said("CA2", talk=TALK))
        for one, number in ((soon, 0), (late, 1)):
            attempt, contact = (
                await store.attempts.find(one.attempt_id),
                await store.contacts.find(campaign.id, phone(number)),
            )
            assert (attempt.outcome, attempt.check_at, attempt.ended_at) == (Outcome.ANSWERED, None, START)
            assert (contact.state, contact.outcome, contact.due_at) == (ContactState.DONE, "answered", START)

    async def test_a_cap_on_conversations_counts_a_call_of_which_nothing_is_known_yet(self, store, clock):
        await running_campaign(store, contacts(1), name="a")
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.COMPLETED))
        await running_campaign(store, contacts(1), name="b")
        lanes = [replace(lane, caps=(Cap(1, 86_400, conversations=True),)) for lane in await open_lanes(store)]
        assert await claim(store, lanes=lanes) == []

    async def test_an_opt_out_counts_at_once_for_every_campaign(self, store):
        campaign = await running_campaign(store, contacts(1))
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, said("CA1", reported=Reported.OPTED_OUT))
        assert await store.do_not_call.has(phone(0))
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        assert (await store.contacts.find(campaign.id, phone(0))).outcome == "opted_out"

    async def test_a_call_back_is_due_when_the_person_said(self, store):
        campaign = await running_campaign(store, contacts(1), retry=RetryRules(1, {}))
        [one] = await claim(store)
        wish = START + 7_200_000
        await store.attempts.report(one.attempt_id, said("CA1", reported=Reported.CALL_BACK, call_back_at=wish))
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        contact = await store.contacts.find(campaign.id, phone(0))
        assert (contact.state, contact.due_at) == (ContactState.READY, wish)

    async def test_another_call_than_the_attempts_is_not_ours(self, store):
        await running_campaign(store, contacts(2))
        one, two = await claim(store)
        await store.attempts.report(one.attempt_id, said("CA1"))
        before = await store.attempts.find(one.attempt_id)
        assert await store.attempts.report(one.attempt_id, said("CA2", CallStatus.RINGING)) is Receipt.NOT_OURS
        assert await store.attempts.report(two.attempt_id, said("CA1", CallStatus.RINGING)) is Receipt.NOT_OURS
        assert await store.attempts.find(one.attempt_id) == before
        assert await store.attempts.report("nobody", said("CA3")) is Receipt.UNKNOWN
        assert await store.attempts.bound(["CA1", "CA2"]) == {"CA1"}

    async def test_a_call_of_a_void_attempt_is_not_ours(self, store):
        await running_campaign(store, contacts(1))
        [one] = await claim(store)
        assert await store.attempts.not_placed(one.attempt_id, Unplaced.AGAIN, error="refused")
        assert await store.attempts.report(one.attempt_id, said("CA1", CallStatus.RINGING)) is Receipt.NOT_OURS
        assert (await store.attempts.find(one.attempt_id)).state is AttemptState.VOID

    async def test_a_call_never_placed_does_not_count(self, store, clock):
        campaign = await running_campaign(store, contacts(1), retry=RetryRules(1, {}))
        [one] = await claim(store)
        assert await store.attempts.not_placed(one.attempt_id, Unplaced.AGAIN, error="429")
        assert not await store.attempts.not_placed(one.attempt_id, Unplaced.AGAIN, error="429")
        contact = await store.contacts.find(campaign.id, phone(0))
        assert (contact.state, contact.attempts, contact.claims) == (ContactState.READY, 0, 1)
        clock.advance(1)
        assert [again.n for again in await claim(store)] == [2]

    @pytest.mark.parametrize("why", [Unplaced.BAD_NUMBER, Unplaced.REFUSED, Unplaced.UNKNOWN])
    async def test_a_contact_that_cannot_be_called_is_done(self, store, why):
        campaign = await running_campaign(store, contacts(1))
        [one] = await claim(store)
        await store.attempts.not_placed(one.attempt_id, why, error="21211")
        contact = await store.contacts.find(campaign.id, phone(0))
        assert (contact.state, contact.outcome) == (ContactState.DONE, why.value)
        void = await store.attempts.find(one.attempt_id)
        assert (void.state, void.error, void.outcome) == (AttemptState.VOID, "21211", Outcome(why.value))
        assert await store.reports.outcomes(campaign.id, since=START) == {Outcome(why.value): 1}

    async def test_a_call_that_is_known_is_never_void(self, store):
        await running_campaign(store, contacts(1))
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.RINGING))
        assert not await store.attempts.not_placed(one.attempt_id, Unplaced.AGAIN, error="nothing listed")
        assert (await store.attempts.find(one.attempt_id)).state is AttemptState.PLACED

    async def test_intents_are_looked_at_when_their_lease_has_run_out_and_by_one_at_a_time(self, store, clock):
        await running_campaign(store, contacts(2))
        one, two = await claim(store, lease_seconds=30)
        await store.attempts.report(two.attempt_id, said("CA2"))
        clock.advance(29.9)
        assert (await store.attempts.take_expired_intents()).attempts == []
        looks = []
        for _ in range(1400):
            due = await store.attempts.take_expired_intents() if clock.now % 1000 == 900 else None
            for attempt in due.attempts if due else []:
                assert attempt.id == one.attempt_id
                looks.append((due.now - attempt.lease_until) // 1000)
            clock.advance(0.1)
        assert looks == [0, 15, 45, 90, 120]

    async def test_a_call_that_falls_silent_is_looked_at(self, store, clock):
        await running_campaign(store, contacts(1), ring_seconds=20)
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.RINGING))
        clock.advance(79)
        assert (await store.attempts.take_due_checks()).attempts == []
        clock.advance(1)
        assert [due.id for due in (await store.attempts.take_due_checks()).attempts] == [one.attempt_id]
        assert (await store.attempts.take_due_checks()).attempts == []
        clock.advance(300)
        assert len((await store.attempts.take_due_checks()).attempts) == 1

    async def test_live_attempts_of_a_campaign_are_listed(self, store):
        campaign = await running_campaign(store, contacts(3))
        one, two, three = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        await store.attempts.report(two.attempt_id, said("CA2", CallStatus.RINGING))
        assert {attempt.id for attempt in await store.attempts.live(campaign.id)} == {two.attempt_id, three.attempt_id}


class ListConformance:
    async def test_the_do_not_call_list_has_what_was_put_on_it(self, store):
        assert await store.do_not_call.add([phone(1), phone(2), phone(2)], source="letter", reason="asked") == 2
        assert await store.do_not_call.add([phone(2)], source="call") == 0
        assert await store.do_not_call.add([phone(3)], source="call", scope="c1") == 1
        assert await store.do_not_call.has(phone(1), campaign_id="c1")
        assert await store.do_not_call.has(phone(3), campaign_id="c1")
        assert not await store.do_not_call.has(phone(3))
        assert await store.do_not_call.remove(phone(1))
        assert not await store.do_not_call.remove(phone(1))
        assert not await store.do_not_call.has(phone(1))

    async def test_registers_have_the_date_of_their_last_comparison(self, store):
        await store.do_not_call.set_scrubbed("us", 5)
        await store.do_not_call.set_scrubbed("us", 9)
        await store.do_not_call.set_scrubbed("us-fl", 7)
        assert await store.do_not_call.scrubbed() == {"us": 9, "us-fl": 7}

    async def test_a_task_is_one_owners_until_it_is_released_or_runs_out(self, store, clock):
        assert await store.leases.take("close", "w1", 10)
        assert await store.leases.take("close", "w1", 10)
        assert not await store.leases.take("close", "w2", 10)
        clock.advance(10)
        assert await store.leases.take("close", "w2", 10)
        await store.leases.release("close", "w1")
        assert not await store.leases.take("close", "w1", 10)
        await store.leases.release("close", "w2")
        assert await store.leases.take("close", "w1", 10)


class ReportConformance:
    async def test_progress_counts_everything(self, store):
        campaign = await running_campaign(store, contacts(5))
        await store.do_not_call.add([phone(0)], source="letter")
        one, two = await claim(store, 2)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        await store.attempts.not_placed(two.attempt_id, Unplaced.AGAIN, error="429")
        progress = await store.reports.progress(campaign.id)
        assert progress.contacts == {"skipped": 1, "done": 1, "ready": 3}
        assert progress.outcomes == {"do_not_call": 1, "answered": 1}
        assert progress.attempts == {"done": 1, "void": 1}

    async def test_where_contacts_may_be_is_told_by_lane(self, store):
        campaign = await running_campaign(store, contacts(1) + contacts(1, CHICAGO, first=1))
        await running_campaign(store, contacts(1, first=2))
        lanes = await store.reports.lanes(campaign.id)
        assert [lanes[one.lane_id] async for one in store.reports.contacts(campaign.id)] == [NEW_YORK, CHICAGO]
        assert len(lanes) == 2

    async def test_why_contacts_wait_is_told_by_lane(self, store):
        soon = instant(START) + timedelta(seconds=9)
        people = contacts(2) + contacts(1, first=5, due_at=soon) + contacts(1, CHICAGO, first=7, due_at=soon)
        campaign = await running_campaign(store, people)
        await running_campaign(store, contacts(1), name="other", priority=1)
        lanes = await open_lanes(store)
        [ringing] = await claim(store, 1, lanes=[lane for lane in lanes if lane.campaign_id != campaign.id])
        assert ringing.contact.phone == phone(0)
        await claim(store, 1, lanes=[lane for lane in lanes if lane.campaign_id == campaign.id])
        waiting = {lane.lane: lane for lane in await store.reports.waiting(campaign.id)}
        assert (waiting[NEW_YORK].due, waiting[NEW_YORK].later) == (0, {"": 1, "live_elsewhere": 1})
        assert (waiting[CHICAGO].due, waiting[CHICAGO].later) == (0, {"": 1})
        assert waiting[CHICAGO].next_due_at == START + 9000

    async def test_processes_that_dial_are_counted_by_account_while_they_tell_it(self, store, clock):
        campaign = await running_campaign(store, contacts(1))
        assert await store.reports.dialing(campaign) == DialingNow(0)
        await store.leases.take("close", "w1", 60)
        await store.leases.take(dialing_task(ACCOUNT, "w1"), "w1", 60)
        await store.leases.take(dialing_task(ACCOUNT, "w2"), "w2", 10)
        await store.leases.take(dialing_task(f"{ACCOUNT}0", "w3"), "w3", 60)
        assert await store.reports.dialing(campaign) == DialingNow(2, elsewhere=1)
        clock.advance(10)
        assert await store.reports.dialing(campaign) == DialingNow(1, elsewhere=1)

    async def test_quiet_that_twilio_asked_for_is_told_and_its_queue_too(self, store, clock):
        campaign = await running_campaign(store, contacts(1), pacing=Pacing(1.0, 10))
        await claim(store)
        assert (await store.reports.dialing(campaign)).quiet_until is None
        until = await store.claims.back_off(ACCOUNT, jitter=1.0)
        assert (await store.reports.dialing(campaign)).quiet_until == until > clock.now
        clock.advance(2)
        assert (await store.reports.dialing(campaign)).quiet_until is None
        await store.claims.wait_out_queue(ACCOUNT, 9000)
        assert (await store.reports.dialing(campaign)).quiet_until == clock.now + 9000

    async def test_calls_that_the_numbers_may_still_make_are_counted_over_24_hours(self, store, clock):
        numbers = (PoolNumber("+15550002222", 2), PoolNumber("+15550003333", 1))
        campaign = await running_campaign(store, contacts(9), numbers=numbers)
        assert (await store.reports.dialing(campaign)).numbers_left == 3
        claims = await claim(store)
        assert (len(claims), (await store.reports.dialing(campaign)).numbers_left) == (3, 0)
        await store.attempts.not_placed(claims[0].attempt_id, Unplaced.AGAIN, error="429")
        assert (await store.reports.dialing(campaign)).numbers_left == 1
        clock.advance(86_400)
        assert (await store.reports.dialing(campaign)).numbers_left == 3

    async def test_outcomes_are_counted_since_a_time_and_for_the_latest(self, store, clock):
        campaign = await running_campaign(store, contacts(4))
        busy, failed = said("CA1", CallStatus.BUSY), [said(f"CA{n}", CallStatus.FAILED) for n in (2, 3)]
        for report in [busy, *failed, spoken("CA4")]:
            [one] = await claim(store, 1)
            await store.attempts.report(one.attempt_id, report)
            clock.advance(1)
        since = {"since": START + 1000}
        assert await store.reports.outcomes(campaign.id, **since) == {Outcome.FAILED: 2, Outcome.ANSWERED: 1}
        latest = await store.reports.outcomes(campaign.id, since=START, latest=2)
        assert latest == {Outcome.FAILED: 1, Outcome.ANSWERED: 1}

    async def test_calls_that_nobody_has_told_of_for_ten_seconds_are_counted_as_lost(self, store, clock):
        campaign = await running_campaign(store, contacts(3))
        one, two, _ = await claim(store)
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.COMPLETED))
        clock.advance(9)
        await store.attempts.report(two.attempt_id, said("CA2", CallStatus.COMPLETED))
        assert await store.reports.outcomes(campaign.id, since=START) == {}
        clock.advance(1)
        assert await store.reports.outcomes(campaign.id, since=START) == {Outcome.LOST: 1}
        await store.attempts.report(one.attempt_id, said("CA1", talk=TALK))
        clock.advance(9)
        assert await store.reports.outcomes(campaign.id, since=START) == {Outcome.ANSWERED: 1, Outcome.LOST: 1}

    async def test_rows_are_streamed_in_order_over_many_pages(self, store):
        campaign = await running_campaign(store, contacts(1201))
        for _ in range(2):
            await claim(store, 900)
        rows = [contact.phone async for contact in store.reports.contacts(campaign.id)]
        assert rows == [phone(n) for n in range(1201)]
        attempts = [attempt.contact_id async for attempt in store.reports.attempts(campaign.id)]
        assert attempts == sorted(attempts)
        assert len(attempts) == 1000

    async def test_columns_are_those_of_all_contacts_each_once(self, store):
        campaign = await running_campaign(store, [NewContact(phone(1), NEW_YORK, {"name": "Ann", "a": "1"})])
        more = [NewContact(phone(2), NEW_YORK, {"amount": "7", "name": "Bob", "=\u20ac": "x"})]
        await store.contacts.add(campaign.id, more, upto_line=2)
        other = await running_campaign(store, [NewContact(phone(1), NEW_YORK, {"other": "1"})], name="other")
        assert await store.reports.columns(campaign.id) == ["name", "a", "amount", "=\u20ac"]
        assert await store.reports.columns(other.id) == ["other"]
        assert await store.reports.columns("none") == []


class OutboxConformance:
    async def test_an_attempt_and_its_contact_are_told_once_their_last_facts_are_in(self, store, clock):
        campaign = await running_campaign(store, contacts(1), webhook=HOOK)
        assert [body["campaign"] for body in await told(store, campaign)] == [{"id": campaign.id, "name": "spring"}]
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.IN_PROGRESS))
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.COMPLETED))
        await store.attempts.report(one.attempt_id, said("CA1", talk={"digits": "1"}))
        await store.attempts.report(one.attempt_id, said("CA1", talk={"digits": "1"}))
        assert await told(store, campaign) == []
        clock.advance(5)
        attempt, contact = await told(store, campaign)
        assert (attempt["event"], contact["event"]) == ("attempt.done", "contact.done")
        assert (attempt["at_ms"], attempt["contact"]) == (START, {"phone": phone(0), "variables": {"name": "n0"}})
        assert (attempt["attempt"]["outcome"], attempt["attempt"]["talk"]) == ("answered", {"digits": "1"})
        assert contact["contact"]["last_attempt"] == attempt["attempt"]
        assert (contact["contact"]["state"], contact["contact"]["attempts"]) == ("done", 1)

    async def test_what_becomes_known_after_an_event_was_sent_is_told_anew(self, store, clock):
        rules = RetryRules(2, {Outcome.MACHINE: (60.0,)})
        campaign = await running_campaign(store, contacts(1), webhook=CALLS, retry=rules)
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        clock.advance(5)
        first = await told(store, campaign, answered=None)
        await store.attempts.report(one.attempt_id, said("CA1", answered_by="machine_start"))
        clock.advance(60)
        second = await told(store, campaign)
        outcomes = [(body["event"], outcome_told(body)) for body in first + second]
        assert sorted(outcomes[:2]) == [("attempt.done", "answered"), ("contact.done", "answered")]
        assert sorted(outcomes[2:]) == [
            ("attempt.done", "answered"),
            ("attempt.done", "machine"),
            ("contact.done", "answered"),
        ]
        assert len({body["id"] for body in first + second}) == 3

    async def test_a_contact_that_is_called_again_is_not_done_and_a_verdict_is_waited_for(self, store, clock):
        rules = RetryRules(2, {Outcome.MACHINE: (60.0,)})
        campaign = await running_campaign(
            store, contacts(1), webhook=CALLS, retry=rules, machine_detection="Enable", name="late"
        )
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        clock.advance(30)
        assert await store.outbox.undelivered(campaign.id) == 2
        assert await told(store, campaign) == []
        await store.attempts.report(one.attempt_id, said("CA1", answered_by="machine_start"))
        clock.advance(5)
        assert [(body["event"], outcome_told(body)) for body in await told(store, campaign)] == [
            ("attempt.done", "machine")
        ]

    async def test_a_call_never_placed_is_told_only_when_its_contact_is_done(self, store, clock):
        campaign = await running_campaign(store, contacts(2), webhook=CALLS)
        one, two = await claim(store)
        await store.attempts.not_placed(one.attempt_id, Unplaced.AGAIN, error="429")
        await store.attempts.not_placed(two.attempt_id, Unplaced.BAD_NUMBER, error="21211")
        await store.attempts.not_placed(two.attempt_id, Unplaced.BAD_NUMBER, error="21211")
        clock.advance(5)
        [contact] = await told(store, campaign)
        assert (contact["event"], outcome_told(contact)) == ("contact.done", "bad_number")
        assert (contact["contact"]["attempts"], contact["contact"]["last_attempt"]["error"]) == (0, "21211")

    async def test_every_change_of_status_is_told_and_nothing_of_contacts_that_were_never_called(self, store, clock):
        campaign = await running_campaign(store, contacts(300), webhook=HOOK)
        clock.advance(1)
        await store.campaigns.change(campaign.id, CampaignInput.PAUSE, reason="lunch")
        await store.campaigns.change(campaign.id, CampaignInput.PAUSE, reason="again")
        clock.advance(1)
        await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
        bodies = await told(store, campaign)
        assert [(body["event"], body["status"], body["reason"]) for body in bodies] == [
            ("campaign.status", "running", ""),
            ("campaign.status", "paused", "lunch"),
            ("campaign.status", "cancelled", ""),
        ]
        assert await store.outbox.undelivered(campaign.id) == 0

    async def test_the_end_of_a_campaign_is_told(self, store, clock):
        events = (WebhookEvent.CAMPAIGN_STATUS,)
        campaign = await running_campaign(store, contacts(1), webhook=replace(HOOK, events=events), end_at=START + 1000)
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.BUSY))
        for _ in range(2):
            clock.advance(1)
            await store.campaigns.close_finished()
        assert [body["status"] for body in await told(store, campaign)] == ["running", "draining", "done"]

    @pytest.mark.parametrize("event", WebhookEvent)
    async def test_only_events_that_are_wanted_are_kept(self, store, clock, event):
        campaign = await running_campaign(store, contacts(1), webhook=Webhook("http://a", events=(event,)))
        other = await running_campaign(store, contacts(1, first=5), name="other")
        for number, one in enumerate(await claim(store)):
            await store.attempts.report(one.attempt_id, spoken(f"CA{number}"))
        clock.advance(5)
        assert {body["event"] for body in await told(store, campaign)} == {event.value}
        assert await store.outbox.undelivered(other.id) == 0

    async def test_the_body_says_what_the_row_says(self, store, clock):
        campaign = await running_campaign(store, webhook=HOOK)
        batch = await store.outbox.take(campaign.id, limit=5, lease_seconds=30)
        [one] = batch.deliveries
        assert (batch.webhook, batch.now, one.at, one.tries) == (HOOK, START, START, 1)
        body = json.loads(one.body)
        assert (body["id"], body["event"], body["at_ms"]) == (one.id, one.event.value, one.at)

    async def test_an_event_is_taken_by_one_at_a_time_and_again_when_nobody_comes_back(self, store, clock):
        campaign = await running_campaign(store, contacts(40), webhook=CALLS)
        for one in await claim(store):
            await store.attempts.report(one.attempt_id, spoken(f"CA{one.attempt_id}"))
        assert await store.outbox.waiting() == []
        clock.advance(5)
        assert await store.outbox.waiting() == [campaign.id]
        take = store.outbox.take
        batches = await asyncio.gather(*(take(campaign.id, limit=9, lease_seconds=30) for _ in range(12)))
        ids = [one.id for batch in batches if batch for one in batch.deliveries]
        assert len(ids) == len(set(ids)) == 80
        assert await store.outbox.waiting() == []
        clock.advance(30)
        assert {one.tries for one in (await take(campaign.id, limit=99, lease_seconds=30)).deliveries} == {2}

    async def test_an_event_leaves_with_2xx_and_comes_again_otherwise(self, store, clock):
        campaign = await running_campaign(store, webhook=HOOK)
        for wait in (10, 20):
            assert len(await told(store, campaign, answered=500)) == 1
            clock.advance(wait - 0.001)
            assert await told(store, campaign) == []
            clock.advance(0.001)
        assert await store.outbox.undelivered(campaign.id) == 1
        batch = await store.outbox.take(campaign.id, limit=9, lease_seconds=30)
        tally = await store.outbox.settle(campaign.id, [Answer(one, 204) for one in batch.deliveries])
        assert tally == Tally(delivered=1)
        assert await store.outbox.undelivered(campaign.id) == 0

    async def test_an_answer_that_comes_after_the_lease_changes_no_later_try(self, store, clock):
        campaign = await running_campaign(store, webhook=HOOK)
        late = await store.outbox.take(campaign.id, limit=9, lease_seconds=30)
        clock.advance(30)
        await store.outbox.take(campaign.id, limit=9, lease_seconds=30)
        await store.outbox.settle(campaign.id, [Answer(one, 500) for one in late.deliveries])
        clock.advance(29)
        assert await store.outbox.waiting() == []
        await store.outbox.settle(campaign.id, [Answer(one, 200) for one in late.deliveries])
        assert await store.outbox.undelivered(campaign.id) == 0

    async def test_gone_drops_an_event_and_days_drop_all_that_are_as_old(self, store, clock):
        campaign = await running_campaign(store, webhook=HOOK)
        batch = await store.outbox.take(campaign.id, limit=9, lease_seconds=30)
        assert await store.outbox.settle(campaign.id, [Answer(batch.deliveries[0], 410)]) == Tally(dropped=1)
        for happened in (CampaignInput.PAUSE, CampaignInput.START, CampaignInput.PAUSE):
            await store.campaigns.change(campaign.id, happened)
        clock.advance(3 * 86_400)
        await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
        batch = await store.outbox.take(campaign.id, limit=1, lease_seconds=30)
        assert await store.outbox.settle(campaign.id, [Answer(batch.deliveries[0], None)]) == Tally(dropped=3)
        assert [body["status"] for body in await told(store, campaign)] == ["cancelled"]

    async def test_events_of_a_campaign_without_a_webhook_are_dropped(self, store, clock):
        campaign = await running_campaign(store, webhook=HOOK)
        await store.campaigns.change(campaign.id, CampaignInput.PAUSE)
        await store.campaigns.replan(campaign.id, plan())
        batch = await store.outbox.take(campaign.id, limit=1, lease_seconds=30)
        assert (batch.webhook, batch.dropped) == (None, 2)
        assert await store.outbox.undelivered(campaign.id) == 0

    async def test_an_address_that_is_changed_holds_for_what_waits(self, store):
        campaign = await running_campaign(store, webhook=HOOK)
        await store.campaigns.change(campaign.id, CampaignInput.PAUSE)
        await store.campaigns.replan(campaign.id, plan(webhook=Webhook("http://b", "other")))
        batch = await store.outbox.take(campaign.id, limit=9, lease_seconds=30)
        assert (batch.webhook, len(batch.deliveries)) == (Webhook("http://b", "other"), 2)


class SkippedOutboxConformance:
    """What a claim tells when it skips contacts."""

    async def test_a_contact_that_is_skipped_is_told_and_one_that_is_put_off_is_not(self, store):
        campaign = await running_campaign(store, contacts(3), webhook=CALLS)
        await store.do_not_call.add([phone(0)], source="letter")
        other = await running_campaign(store, contacts(2, first=1), name="other")
        lanes = [lane for lane in await open_lanes(store) if lane.campaign_id == other.id]
        assert len(await claim(store, 1, lanes=lanes)) == 1
        await claim(store)
        [contact] = await told(store, campaign)
        assert (contact["event"], outcome_told(contact)) == ("contact.done", "do_not_call")
        assert (contact["contact"]["phone"], contact["contact"]["state"]) == (phone(0), "skipped")
        assert contact["contact"]["last_attempt"] is None


class CampaignStoreConformance(
    CampaignRecordsConformance,
    ContactRecordsConformance,
    TalkConformance,
    ClaimConformance,
    AttemptConformance,
    ListConformance,
    ReportConformance,
    OutboxConformance,
):
    """All of it."""
