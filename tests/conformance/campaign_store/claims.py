"""What every store promises of claims: `ClaimRecords`."""

import asyncio
from dataclasses import replace

import pytest
from support.campaigns import (
    ACCOUNT,
    CHICAGO,
    START,
    claim,
    contacts,
    open_lanes,
    phone,
    running_campaign,
    said,
    spoken,
)

from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.campaign import Cap, PoolNumber
from telebridge.campaigns.engine.contact import NewContact
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import (
    AttemptState,
    CampaignInput,
    ContactState,
)
from telebridge.errors import LocalProtocolError
from telebridge.timing.epoch import instant
from telebridge.twilio.calls import CallStatus


class ClaimRecordsConformance:
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

    async def test_do_not_call_numbers_hold_up_nobody(self, store):
        campaign = await running_campaign(store, contacts(900), pacing=Pacing(1.0, 5))
        await store.do_not_call.add([phone(n) for n in range(890)], source="register")
        assert [one.contact.phone for _ in range(2) for one in await claim(store, 1)] == [phone(890)]
        stands = (await store.reports.progress(campaign.id)).contacts
        assert stands == {"skipped": 890, "ready": 9, "live": 1}

    async def test_one_claim_looks_past_hundreds_of_do_not_call_numbers(self, store):
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
            await store.attempts.not_placed(void.attempt_id, NotPlacedReason.AGAIN, error="refused")
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

    async def test_after_a_conversation_a_cap_can_hold_further_calls(self, store, clock):
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

    async def test_a_back_off_holds_for_everybody_and_grows(self, store, clock):
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
