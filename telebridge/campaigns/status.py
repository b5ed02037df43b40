"""When a campaign's status changes, by a person's order or because its work or its time is over.

One rule: an order that a campaign cannot take is refused with words for a person; it is no bug.
"""

from dataclasses import replace

from telebridge.campaigns.campaign import Campaign
from telebridge.campaigns.states import CAMPAIGN, CampaignInput, CampaignStatus, follow
from telebridge.errors import CampaignRefused


def changed(campaign: Campaign, happened: CampaignInput, *, reason: str, now: int) -> Campaign:
    """The campaign after an order; the same one when it is so already.

    Raises:
        CampaignRefused: It cannot happen to it as it stands.
    """
    if (campaign.status, happened) not in CAMPAIGN:
        problem = f"is {campaign.status.value} and cannot {happened.value}"
        raise CampaignRefused(campaign.plan.name, problem)
    status = follow(CAMPAIGN, campaign.status, happened)
    if status is campaign.status:
        return campaign
    return replace(campaign, status=status, status_at=now, reason=reason)


def closing(campaign: Campaign, *, ready: int, live: int, now: int) -> CampaignInput | None:
    """What the clock or the lack of work does to a campaign.

    Args:
        campaign: Which.
        ready: Its contacts that wait to be called, now or later.
        live: Its calls under way, and calls whose verdict is still to come.
        now: Epoch milliseconds.
    """
    if campaign.status in {CampaignStatus.RUNNING, CampaignStatus.PAUSED} and campaign.ends_by(now):
        return CampaignInput.DRAIN
    left = live if campaign.status is CampaignStatus.DRAINING else ready + live
    if campaign.status in {CampaignStatus.RUNNING, CampaignStatus.DRAINING} and left == 0:
        return CampaignInput.FINISH
    return None
