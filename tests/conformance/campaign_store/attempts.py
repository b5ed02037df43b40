"""What every store promises of attempts and reports on their calls: `AttemptRecords`."""

from dataclasses import replace

import pytest
from support.campaigns import (
    START,
    TALK,
    claim,
    contacts,
    open_lanes,
    phone,
    running_campaign,
    said,
    spoken,
)

from telebridge.campaigns.engine.attempt import NotPlacedReason, Receipt
from telebridge.campaigns.engine.campaign import Cap
from telebridge.campaigns.engine.outcomes import Outcome, Reported, RetryRules
from telebridge.campaigns.engine.states import (
    AttemptState,
    ContactState,
)
from telebridge.twilio.calls import CallStatus

ENDS = [CallStatus.BUSY, CallStatus.NO_ANSWER, CallStatus.FAILED, CallStatus.CANCELED]


class AttemptRecordsConformance:
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
            assert await store.attempts.report(one.attempt_id, report) is Receipt.APPLIED
            assert await store.attempts.report(one.attempt_id, report) is Receipt.DUPLICATE
            assert (await store.attempts.find(one.attempt_id)).state is state
        assert await store.attempts.report(one.attempt_id, said("CA1", CallStatus.RINGING)) is Receipt.DUPLICATE
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
        assert await store.attempts.report(one.attempt_id, ended) is Receipt.APPLIED
        assert await store.attempts.report(one.attempt_id, ended) is Receipt.DUPLICATE
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

    async def test_another_call_than_the_attempts_is_a_mismatch(self, store):
        await running_campaign(store, contacts(2))
        one, two = await claim(store)
        await store.attempts.report(one.attempt_id, said("CA1"))
        before = await store.attempts.find(one.attempt_id)
        assert await store.attempts.report(one.attempt_id, said("CA2", CallStatus.RINGING)) is Receipt.MISMATCH
        assert await store.attempts.report(two.attempt_id, said("CA1", CallStatus.RINGING)) is Receipt.MISMATCH
        assert await store.attempts.find(one.attempt_id) == before
        assert await store.attempts.report("nobody", said("CA3")) is Receipt.UNKNOWN
        assert await store.attempts.bound(["CA1", "CA2"]) == {"CA1"}

    async def test_a_call_of_a_void_attempt_is_a_mismatch(self, store):
        await running_campaign(store, contacts(1))
        [one] = await claim(store)
        assert await store.attempts.not_placed(one.attempt_id, NotPlacedReason.AGAIN, error="refused")
        assert await store.attempts.report(one.attempt_id, said("CA1", CallStatus.RINGING)) is Receipt.MISMATCH
        assert (await store.attempts.find(one.attempt_id)).state is AttemptState.VOID

    async def test_a_call_never_placed_does_not_count(self, store, clock):
        campaign = await running_campaign(store, contacts(1), retry=RetryRules(1, {}))
        [one] = await claim(store)
        assert await store.attempts.not_placed(one.attempt_id, NotPlacedReason.AGAIN, error="429")
        assert not await store.attempts.not_placed(one.attempt_id, NotPlacedReason.AGAIN, error="429")
        contact = await store.contacts.find(campaign.id, phone(0))
        assert (contact.state, contact.attempts, contact.claims) == (ContactState.READY, 0, 1)
        clock.advance(1)
        assert [again.n for again in await claim(store)] == [2]

    @pytest.mark.parametrize(
        ("why", "held", "minutes"), [(NotPlacedReason.UNCLEAR, "refused", 5), (NotPlacedReason.COUNTRY, "country", 15)]
    )
    async def test_a_contact_that_was_refused_for_another_reason_waits(self, store, clock, why, held, minutes):
        campaign = await running_campaign(store, contacts(1))
        [one] = await claim(store)
        await store.attempts.not_placed(one.attempt_id, why, error="21215")
        contact = await store.contacts.find(campaign.id, phone(0))
        assert (contact.state, contact.attempts, contact.held) == (ContactState.READY, 0, held)
        assert await store.reports.outcomes(campaign.id, since=START) == {}
        clock.advance(60 * minutes - 1)
        assert await claim(store) == []
        clock.advance(1)
        assert [again.n for again in await claim(store)] == [2]

    @pytest.mark.parametrize("why", [NotPlacedReason.BAD_NUMBER, NotPlacedReason.REFUSED, NotPlacedReason.UNKNOWN])
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
        assert not await store.attempts.not_placed(one.attempt_id, NotPlacedReason.AGAIN, error="nothing listed")
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
        clock.advance(19)
        assert (await store.attempts.take_due_checks()).attempts == []
        clock.advance(1)
        assert [due.looks for due in (await store.attempts.take_due_checks()).attempts] == [1]

    async def test_a_call_whose_end_the_bridge_has_told_of_is_looked_at_within_seconds(self, store, clock):
        await running_campaign(store, contacts(1))
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.IN_PROGRESS))
        await store.attempts.report(one.attempt_id, said("CA1", talk=TALK))
        waits = []
        for _ in range(8):
            attempt = await store.attempts.find(one.attempt_id)
            waits.append((attempt.check_at - clock.now) // 1000)
            clock.advance(waits[-1])
            assert len((await store.attempts.take_due_checks()).attempts) == 1
            await store.attempts.report(one.attempt_id, said("CA1", CallStatus.IN_PROGRESS, looked_up=True))
        assert waits == [4, 10, 20, 40, 80, 160, 300, 300]

    async def test_live_attempts_of_a_campaign_are_listed(self, store):
        campaign = await running_campaign(store, contacts(3))
        one, two, three = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        await store.attempts.report(two.attempt_id, said("CA2", CallStatus.RINGING))
        assert {attempt.id for attempt in await store.attempts.live(campaign.id)} == {two.attempt_id, three.attempt_id}
