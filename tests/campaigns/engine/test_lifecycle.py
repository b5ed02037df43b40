"""Changes of a campaign's status, by an order or because its time or its work is over."""

import pytest
from support.campaigns import START, plan

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.lifecycle import change_status, check_fillable, closing_input, replace_plan
from telebridge.campaigns.engine.states import CAMPAIGN, CampaignInput, CampaignStatus
from telebridge.errors import CampaignRefused

STOPPED = {CampaignStatus.DRAFT, CampaignStatus.PAUSED}


def campaign(status, **fields):
    return Campaign("c1", plan(**fields), status, status_at=1, reason="before")


@pytest.mark.parametrize("happened", CampaignInput)
@pytest.mark.parametrize("status", CampaignStatus)
def test_every_order_follows_the_table_or_is_refused_in_words(status, happened):
    before = campaign(status)
    after = CAMPAIGN.get((status, happened))
    if after is None:
        with pytest.raises(CampaignRefused, match=f"is {status.value} and cannot {happened.value}"):
            change_status(before, happened, reason="x", now=START)
    elif after is status:
        assert change_status(before, happened, reason="x", now=START) is before
    else:
        changed = change_status(before, happened, reason="x", now=START)
        assert (changed.status, changed.status_at, changed.reason) == (after, START, "x")


@pytest.mark.parametrize("status", CampaignStatus)
def test_a_plan_is_replaced_only_while_nobody_is_dialled(status):
    other = plan(priority=7)
    if status in STOPPED:
        assert replace_plan(campaign(status), other).plan == other
    else:
        with pytest.raises(CampaignRefused, match="pause it before its plan is changed"):
            replace_plan(campaign(status), other)


@pytest.mark.parametrize("status", CampaignStatus)
def test_only_a_cancelled_campaign_takes_no_contacts(status):
    if status is CampaignStatus.CANCELLED:
        with pytest.raises(CampaignRefused, match="make a new campaign"):
            check_fillable(campaign(status))
    else:
        check_fillable(campaign(status))


@pytest.mark.parametrize(
    ("status", "filled", "ready", "live", "happened"),
    [
        (CampaignStatus.RUNNING, True, 0, 0, CampaignInput.FINISH),
        (CampaignStatus.RUNNING, True, 1, 0, None),
        (CampaignStatus.RUNNING, True, 0, 1, None),
        (CampaignStatus.RUNNING, False, 0, 0, None),
        (CampaignStatus.DRAINING, True, 5, 0, CampaignInput.FINISH),
        (CampaignStatus.DRAINING, False, 5, 0, CampaignInput.FINISH),
        (CampaignStatus.DRAINING, True, 0, 1, None),
        (CampaignStatus.PAUSED, True, 0, 0, None),
        (CampaignStatus.DRAFT, True, 0, 0, None),
    ],
)
def test_a_campaign_is_finished_when_nothing_is_left(status, filled, ready, live, happened):
    assert closing_input(campaign(status), filled=filled, ready=ready, live=live, now=START) is happened


@pytest.mark.parametrize("status", CampaignStatus)
def test_a_campaign_whose_end_has_come_is_drained_while_it_runs_or_is_paused(status):
    before = campaign(status, end_at=START)
    drains = status in {CampaignStatus.RUNNING, CampaignStatus.PAUSED}
    assert closing_input(before, filled=True, ready=3, live=1, now=START - 1) is None
    assert closing_input(before, filled=True, ready=3, live=1, now=START) is (CampaignInput.DRAIN if drains else None)
