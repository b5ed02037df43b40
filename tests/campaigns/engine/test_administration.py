"""What may be done to a whole campaign, by its status."""

import pytest
from support.campaigns import plan

from telebridge.campaigns.engine.administration import check_deletable, delete_campaign, edit_plan
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.errors import CampaignRefused

NEVER = {CampaignStatus.DRAINING, CampaignStatus.CANCELLED}
DELETABLE = {CampaignStatus.DRAFT, CampaignStatus.DONE, CampaignStatus.CANCELLED}


@pytest.mark.parametrize("status", CampaignStatus)
@pytest.mark.parametrize("keys", [(), ("flow",)])
def test_every_status_takes_an_edit_or_says_what_must_come_first(status, keys):
    before, other = plan(), plan(priority=7)
    campaign = Campaign("c1", before, status, status_at=1, reason="why")
    if status in NEVER or (keys and status is CampaignStatus.RUNNING):
        with pytest.raises(CampaignRefused):
            edit_plan(campaign, before, other, need_pause=keys)
    else:
        edited = edit_plan(campaign, before, other, need_pause=keys)
        assert edited == Campaign("c1", other, status, status_at=1, reason="why")


@pytest.mark.parametrize("status", CampaignStatus)
def test_a_campaign_is_deleted_when_it_calls_nobody_any_more(status):
    campaign = Campaign("c1", plan(), status)
    if status in DELETABLE:
        check_deletable(campaign, unsettled=0, filling=False)
        gone = delete_campaign(campaign, now=5)
        assert (gone.deleted_at, gone.status.is_over) == (5, True)
    else:
        with pytest.raises(CampaignRefused, match="cancel"):
            check_deletable(campaign, unsettled=0, filling=False)
