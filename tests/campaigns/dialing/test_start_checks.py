"""What must be so before a campaign may dial."""

from datetime import UTC, datetime, timedelta

import pytest
from support.campaigns import FAST, claim, contacts, plan

from telebridge.campaigns.dialing.start_checks import stale_registers, start_campaign
from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.campaign import CampaignKind
from telebridge.campaigns.engine.contact import Lane
from telebridge.campaigns.engine.states import CampaignInput, CampaignStatus
from telebridge.errors import CampaignRefused
from telebridge.timing.epoch import epoch_ms

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CONSENT = {"consented_at": NOW, "consent_source": "form 7"}
FILE = 'name = "spring"\nflow = "hello"\nkind = "informational"\nfrom = "+12125550100"\n'


async def filled(store, **fields):
    campaign = await store.campaigns.create(plan(**fields))
    await store.contacts.add(campaign.id, contacts(1, **CONSENT), upto_line=2)
    return campaign


async def test_a_campaign_with_contacts_starts(store):
    campaign = await filled(store)
    assert (await start_campaign(store, campaign, wallclock=NOW)).status is CampaignStatus.RUNNING


async def test_a_campaign_whose_end_has_passed_does_not(store):
    campaign = await filled(store, end_at=epoch_ms(NOW))
    with pytest.raises(CampaignRefused, match="has an end_at that has passed"):
        await start_campaign(store, campaign, wallclock=NOW)


async def test_a_campaign_without_contacts_does_not(store):
    campaign = await store.campaigns.create(plan())
    with pytest.raises(CampaignRefused, match="has no contacts: `telebridge campaign import spring --contacts CSV`"):
        await start_campaign(store, campaign, wallclock=NOW)


async def test_a_campaign_in_which_nobody_waits_names_the_outcomes_and_the_command(store):
    campaign = await filled(store)
    await store.claims.set_pacing(campaign.plan.account, FAST)
    await start_campaign(store, campaign, wallclock=NOW)
    [one] = await claim(store)
    await store.attempts.not_placed(one.attempt_id, NotPlacedReason.REFUSED, error="no")
    done = await store.campaigns.change(campaign.id, CampaignInput.FINISH)
    says = r"nobody left to call \(1 refused\): `telebridge campaign retry spring --outcome refused` puts contacts back"
    with pytest.raises(CampaignRefused, match=says):
        await start_campaign(store, done, wallclock=NOW)
    await store.contacts.retry(campaign.id, {"refused"})
    assert (await start_campaign(store, done, wallclock=NOW)).status is CampaignStatus.RUNNING


async def test_a_campaign_whose_import_is_not_complete_does_not(store):
    campaign = await filled(store)
    await store.contacts.begin_import(campaign.id, "more.csv\t5f3a", owner="o1")
    with pytest.raises(CampaignRefused, match=r"its import of 'more.csv' is not complete: give it again"):
        await start_campaign(store, campaign, wallclock=NOW)


@pytest.mark.parametrize(("age", "starts"), [(timedelta(days=30), True), (timedelta(days=32), False), (None, False)])
async def test_telemarketing_needs_a_register_of_the_last_31_days(store, age, starts):
    campaign = await filled(store, kind=CampaignKind.TELEMARKETING)
    if age is not None:
        await store.do_not_call.set_scrubbed("us-national", epoch_ms(NOW - age))
    if starts:
        assert (await start_campaign(store, campaign, wallclock=NOW)).status is CampaignStatus.RUNNING
        return
    with pytest.raises(CampaignRefused, match="no do-not-call register 'us-national' was compared in the last 31 days"):
        await start_campaign(store, campaign, wallclock=NOW)


async def test_telemarketing_needs_the_register_of_each_country_that_it_calls(store):
    campaign = await filled(store, kind=CampaignKind.TELEMARKETING)
    london, berlin = Lane(("Europe/London",), "GB"), Lane(("Europe/Berlin",), "DE")
    await store.contacts.add(
        campaign.id, contacts(1, london, 5, **CONSENT) + contacts(1, berlin, 6, **CONSENT), upto_line=4
    )
    for register in ("anything", "us-fl", "us-national"):
        await store.do_not_call.set_scrubbed(register, epoch_ms(NOW))
    assert await stale_registers(store, campaign, wallclock=NOW) == ["gb-national"]
    with pytest.raises(CampaignRefused, match="import FILE --register gb-national"):
        await start_campaign(store, campaign, wallclock=NOW)
    await store.do_not_call.set_scrubbed("gb-national", epoch_ms(NOW))
    assert (await start_campaign(store, campaign, wallclock=NOW)).status is CampaignStatus.RUNNING


@pytest.mark.parametrize("consent", [{}, {"consented_at": NOW}, {"consent_source": "form 7"}])
@pytest.mark.parametrize(
    "file", ["", FILE.replace("informational", "telemarketing"), FILE + "require_consent = true\n"]
)
async def test_contacts_that_came_in_without_consent_are_not_called_under_a_plan_that_needs_it(store, consent, file):
    campaign = await filled(store, file=FILE)
    await store.contacts.add(campaign.id, contacts(2, first=3, **consent), upto_line=4)
    kind = CampaignKind.INFORMATIONAL if "informational" in file else CampaignKind.TELEMARKETING
    campaign = await store.campaigns.replan(campaign.id, plan(file=file, kind=kind))
    await store.do_not_call.set_scrubbed("us-national", epoch_ms(NOW))
    with pytest.raises(CampaignRefused, match="2 of its contacts have no consent_at or consent_source"):
        await start_campaign(store, campaign, wallclock=NOW)


async def test_a_plan_that_needs_no_consent_asks_for_none(store):
    campaign = await filled(store, file=FILE.replace("informational", "telemarketing") + "require_consent = false\n")
    await store.contacts.add(campaign.id, contacts(2, first=3), upto_line=4)
    assert (await start_campaign(store, campaign, wallclock=NOW)).status is CampaignStatus.RUNNING
