"""What every store promises of imports: `ContactRecords`."""

import msgspec
import pytest
from support.campaigns import (
    CHICAGO,
    at,
    claim,
    contacts,
    phone,
    plan,
    running_campaign,
)

from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.contact import ImportPosition
from telebridge.campaigns.engine.states import (
    CampaignInput,
    ContactState,
)
from telebridge.errors import CampaignRefused
from telebridge.timing.epoch import instant


def called_ann(people):
    """The same contacts under another name."""
    return [msgspec.structs.replace(one, variables={"name": "Ann"}) for one in people]


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

    async def test_an_update_changes_contacts_that_were_not_called_yet(self, store):
        campaign = await running_campaign(store, contacts(1))
        await claim(store)
        await store.contacts.add(campaign.id, contacts(2, first=1), upto_line=4)
        corrected = [
            *called_ann(contacts(2, CHICAGO, consent_source="form 7", due_at=at("2027-01-01"))),
            *contacts(1, first=2),
            *contacts(1, first=9),
        ]
        done = await store.contacts.add(campaign.id, corrected, upto_line=9, update=True)
        assert (done.added, done.duplicates, done.updated) == (1, 3, 1)
        same, other = [await store.contacts.find(campaign.id, phone(number)) for number in range(2)]
        assert (same.state, same.consent_source) == (ContactState.LIVE, "")
        assert (other.variables, other.consent_source) == ({"name": "Ann"}, "form 7")
        assert instant(other.due_at) == at("2027-01-01")
        assert await store.contacts.lane(other) == CHICAGO
        again = await store.contacts.add(campaign.id, corrected, upto_line=10, update=True)
        assert (again.added, again.duplicates, again.updated) == (0, 4, 0)

    async def test_of_an_update_the_last_row_of_a_number_counts(self, store):
        campaign = await running_campaign(store, contacts(1))
        twice = contacts(1) + called_ann(contacts(1))
        done = await store.contacts.add(campaign.id, twice, upto_line=9, update=True)
        assert (done.added, done.duplicates, done.updated) == (0, 2, 1)
        assert (await store.contacts.find(campaign.id, phone(0))).variables == {"name": "Ann"}

    async def test_without_an_update_contacts_stay_as_they_are(self, store):
        campaign = await running_campaign(store, contacts(1))
        done = await store.contacts.add(campaign.id, called_ann(contacts(1)), upto_line=9)
        assert (done.duplicates, done.updated) == (1, 0)
        assert (await store.contacts.find(campaign.id, phone(0))).variables == {"name": "n0"}

    async def test_contacts_that_are_done_are_put_back_by_outcome(self, store, clock):
        campaign = await running_campaign(store, contacts(3))
        for one, why in zip(await claim(store), (NotPlacedReason.REFUSED, NotPlacedReason.BAD_NUMBER), strict=False):
            await store.attempts.not_placed(one.attempt_id, why, error="no")
        clock.advance(60)
        assert await store.contacts.retry(campaign.id, {"refused", "unknown"}) == 1
        assert await store.contacts.retry(campaign.id, {"refused", "unknown"}) == 0
        put_back, bad, live = [await store.contacts.find(campaign.id, phone(number)) for number in range(3)]
        assert (put_back.state, put_back.outcome, put_back.attempts) == (ContactState.READY, "", 0)
        assert (bad.state, live.state) == (ContactState.DONE, ContactState.LIVE)
        assert [again.contact.phone for again in await claim(store)] == [phone(0)]

    @pytest.mark.parametrize("outcomes", [{"opted_out"}, {"answered", "busy"}, {"do_not_call"}, {"wrong"}, set()])
    async def test_who_was_spoken_to_is_not_put_back(self, store, outcomes):
        campaign = await running_campaign(store, contacts(1))
        with pytest.raises(CampaignRefused, match="bad_number"):
            await store.contacts.retry(campaign.id, outcomes)

    async def test_nobody_is_put_back_in_a_cancelled_campaign(self, store):
        campaign = await running_campaign(store, contacts(1))
        await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
        with pytest.raises(CampaignRefused, match="is cancelled"):
            await store.contacts.retry(campaign.id, {"refused"})
