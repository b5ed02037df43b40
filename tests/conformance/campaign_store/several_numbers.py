"""What every store promises of contacts with several numbers."""

import pytest
from support.campaigns import (
    ACCOUNT,
    CHICAGO,
    NEW_YORK,
    START,
    at,
    claim,
    open_lanes,
    phone,
    running_campaign,
    said,
    spoken,
)

from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.campaign import Cap
from telebridge.campaigns.engine.claim import OpenLane
from telebridge.campaigns.engine.contact import NewContact
from telebridge.campaigns.engine.outcomes import Outcome, Reported, RetryRules
from telebridge.campaigns.engine.states import ContactState
from telebridge.twilio.calls import CallStatus

RULES = RetryRules(9, {Outcome.NO_ANSWER: (3600.0,)}, (Outcome.NO_ANSWER, Outcome.BAD_NUMBER))
MOBILE, HOME = phone(0), phone(100)


def person(number=0, *, others=((HOME, CHICAGO),), **fields):
    return NewContact(phone(number), NEW_YORK, {"name": f"n{number}"}, others=tuple(others), **fields)


async def campaign_of(store, *people, **fields):
    return await running_campaign(store, people or (person(),), retry=RULES, **fields)


async def unanswered(store):
    [one] = await claim(store)
    await store.attempts.report(one.attempt_id, said(f"CA{one.attempt_id}", CallStatus.NO_ANSWER))
    return one


async def found(store, campaign, number=0):
    return await store.contacts.find(campaign.id, phone(number))


class SeveralNumbersConformance:
    async def test_numbers_are_kept_with_their_lanes(self, store):
        campaign = await campaign_of(store)
        kept = await found(store, campaign)
        assert kept.phones == (MOBILE, HOME)
        lanes = await store.reports.lanes(campaign.id)
        assert [lanes[one.lane_id] for one in kept.numbers] == [NEW_YORK, CHICAGO]
        assert (kept.called_phone, kept.lane_id) == (MOBILE, kept.numbers[0].lane_id)

    async def test_a_contact_is_found_by_any_of_its_numbers_and_first_by_its_first(self, store):
        campaign = await campaign_of(
            store, person(), person(1, others=((HOME, CHICAGO), (phone(2), CHICAGO))), person(2)
        )
        for number, whose in ((MOBILE, 0), (HOME, 0), (phone(1), 1), (phone(2), 2)):
            assert (await store.contacts.find(campaign.id, number)).phone == phone(whose)
        assert await store.contacts.find(campaign.id, phone(3)) is None

    async def test_a_contact_with_one_number_has_no_list(self, store):
        campaign = await campaign_of(store, person(others=()))
        assert (await found(store, campaign)).numbers == ()

    async def test_the_next_number_is_called_at_once_by_the_hours_of_its_own_lane(self, store):
        campaign = await campaign_of(store)
        await unanswered(store)
        lanes = await store.campaigns.lanes(ACCOUNT)
        eastern, central = (
            [OpenLane(one.id, campaign.id, START * 2) for one in lanes if one.lane == where]
            for where in (NEW_YORK, CHICAGO)
        )
        assert await claim(store, lanes=eastern) == []
        [one] = await claim(store, lanes=central)
        assert (one.contact.called_phone, one.n) == (HOME, 2)
        attempt = await store.attempts.find(one.attempt_id)
        assert attempt.phone == HOME
        assert await store.contacts.lane(one.contact) == CHICAGO
        assert (await store.contacts.of(attempt)).phone == MOBILE

    async def test_after_all_numbers_the_first_comes_again_later(self, store, clock):
        campaign = await campaign_of(store)
        await unanswered(store)
        await unanswered(store)
        assert await claim(store) == []
        clock.advance(3600)
        assert (await unanswered(store)).contact.called_phone == MOBILE
        assert (await found(store, campaign)).attempts == 3

    async def test_a_number_that_does_not_exist_gives_way_to_the_next(self, store):
        campaign = await campaign_of(store)
        [one] = await claim(store)
        await store.attempts.not_placed(one.attempt_id, NotPlacedReason.BAD_NUMBER, error="no such number")
        [again] = await claim(store)
        assert (again.contact.called_phone, again.contact.attempts) == (HOME, 1)
        await store.attempts.not_placed(again.attempt_id, NotPlacedReason.BAD_NUMBER, error="no such number")
        kept = await found(store, campaign)
        assert (kept.state, kept.outcome) == (ContactState.DONE, "bad_number")

    async def test_contacts_put_back_begin_with_their_first_number_again(self, store):
        campaign = await campaign_of(store)
        for _ in range(2):
            [one] = await claim(store)
            await store.attempts.not_placed(one.attempt_id, NotPlacedReason.BAD_NUMBER, error="no such number")
        assert await store.contacts.retry(campaign.id, {"bad_number"}) == 1
        kept = await found(store, campaign)
        assert (kept.called_phone, kept.usable_numbers, kept.lane_id) == (MOBILE, 2, kept.numbers[0].lane_id)

    async def test_caps_and_the_do_not_call_list_hold_for_the_person(self, store):
        campaign = await campaign_of(store)
        await unanswered(store)
        assert await claim(store, lanes=await open_lanes(store, Cap(1, 3600))) == []
        assert (await found(store, campaign)).held == "capped"
        other = await campaign_of(store, person(5, others=[(phone(6), NEW_YORK)]))
        await store.do_not_call.add([phone(6)], source="letter")
        await claim(store)
        assert (await found(store, other, 5)).outcome == "do_not_call"

    async def test_who_opts_out_at_one_number_is_called_at_none(self, store):
        campaign = await campaign_of(store)
        await unanswered(store)
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA9", reported=Reported.OPTED_OUT))
        for number in (MOBILE, HOME):
            assert await store.do_not_call.has(number)
        assert (await found(store, campaign)).outcome == "opted_out"

    async def test_a_list_imported_again_doubles_nobody_wherever_they_are(self, store):
        campaign = await campaign_of(store)
        await unanswered(store)
        done = await store.contacts.add(campaign.id, [person()], upto_line=9)
        assert (done.added, done.duplicates) == (0, 1)
        assert (await found(store, campaign)).called_phone == HOME

    @pytest.mark.parametrize("others", [(), ((phone(7), CHICAGO),)])
    async def test_an_update_gives_other_numbers_to_who_was_not_called(self, store, others):
        campaign = await campaign_of(store)
        again = [person(others=others, due_at=at("2027-01-01"))]
        done = await store.contacts.add(campaign.id, again, upto_line=9, update=True)
        kept = await found(store, campaign)
        assert (done.updated, kept.phones) == (1, (MOBILE, *(number for number, _ in others)))
