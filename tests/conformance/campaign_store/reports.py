"""What every store promises of reading the progress of a campaign: `ReportRecords`."""

from datetime import timedelta

from support.campaigns import (
    ACCOUNT,
    CHICAGO,
    NEW_YORK,
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

from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.campaign import PoolNumber
from telebridge.campaigns.engine.contact import NewContact
from telebridge.campaigns.engine.outcomes import Outcome
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.store.protocols import DialingNow, dialing_task
from telebridge.timing.epoch import instant
from telebridge.twilio.calls import CallStatus


class ReportRecordsConformance:
    async def test_progress_counts_everything(self, store):
        campaign = await running_campaign(store, contacts(5))
        await store.do_not_call.add([phone(0)], source="letter")
        one, two = await claim(store, 2)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        await store.attempts.not_placed(two.attempt_id, NotPlacedReason.AGAIN, error="429")
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

    async def test_the_rate_limit_is_told_and_twilios_queue_too(self, store, clock):
        campaign = await running_campaign(store, contacts(1), pacing=Pacing(1.0, 10))
        await claim(store)
        assert (await store.reports.dialing(campaign)).rate_limited_until is None
        until = await store.claims.back_off(ACCOUNT, jitter=1.0)
        assert (await store.reports.dialing(campaign)).rate_limited_until == until > clock.now
        clock.advance(2)
        assert (await store.reports.dialing(campaign)).rate_limited_until is None
        await store.claims.wait_out_queue(ACCOUNT, 9000)
        assert (await store.reports.dialing(campaign)).rate_limited_until == clock.now + 9000

    async def test_calls_that_the_numbers_may_still_make_are_counted_over_24_hours(self, store, clock):
        numbers = (PoolNumber("+15550002222", 2), PoolNumber("+15550003333", 1))
        campaign = await running_campaign(store, contacts(9), numbers=numbers)
        assert (await store.reports.dialing(campaign)).numbers_left == 3
        claims = await claim(store)
        assert (len(claims), (await store.reports.dialing(campaign)).numbers_left) == (3, 0)
        await store.attempts.not_placed(claims[0].attempt_id, NotPlacedReason.AGAIN, error="429")
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

    async def test_the_first_contacts_that_are_ready_are_found_whatever_is_done_before_them(self, store):
        campaign = await running_campaign(store, contacts(5))
        await claim(store, 2)
        assert [one.phone for one in await store.reports.first_ready(campaign.id, 2)] == [phone(2), phone(3)]
        assert [one.phone for one in await store.reports.first_ready(campaign.id, 9)] == [phone(2), phone(3), phone(4)]

    async def test_columns_are_those_of_all_contacts_each_once(self, store):
        campaign = await running_campaign(store, [NewContact(phone(1), NEW_YORK, {"name": "Ann", "a": "1"})])
        more = [NewContact(phone(2), NEW_YORK, {"amount": "7", "name": "Bob", "=\u20ac": "x"})]
        await store.contacts.add(campaign.id, more, upto_line=2)
        other = await running_campaign(store, [NewContact(phone(1), NEW_YORK, {"other": "1"})], name="other")
        assert await store.reports.columns(campaign.id) == ["name", "a", "amount", "=\u20ac"]
        assert await store.reports.columns(other.id) == ["other"]
        assert await store.reports.columns("none") == []
