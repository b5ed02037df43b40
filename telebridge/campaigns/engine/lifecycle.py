"""When a campaign's status changes, by a person's order or because its work or its time is over.

One rule: an order that a campaign cannot take is refused with words for a person; it is no bug.
"""

from dataclasses import replace

from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan
from telebridge.campaigns.engine.states import (
    CAMPAIGN,
    CampaignInput,
    CampaignStatus,
    follow,
)
from telebridge.errors import CampaignRefused


def change_status(campaign: Campaign, happened: CampaignInput, *, reason: str, now: int) -> Campaign:
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


def name_taken(campaign: Campaign | CampaignPlan) -> CampaignRefused:
    """Why a campaign cannot be: its account has another one of that name which is not over."""
    plan = campaign.plan if isinstance(campaign, Campaign) else campaign
    return CampaignRefused(plan.name, "there is another one of that name that is not over: cancel it, or let it end")


def replace_plan(campaign: Campaign, plan: CampaignPlan) -> Campaign:
    """The campaign with another plan.

    Raises:
        CampaignRefused: It dials, or is over.
    """
    if campaign.status not in {CampaignStatus.DRAFT, CampaignStatus.PAUSED}:
        raise CampaignRefused(campaign.plan.name, f"is {campaign.status.value}: pause it before its plan is changed")
    return replace(campaign, plan=plan)


def check_fillable(campaign: Campaign) -> None:
    """Refuse contacts that would never be called.

    Raises:
        CampaignRefused: It is cancelled.
    """
    if campaign.status is CampaignStatus.CANCELLED:
        problem = "is cancelled, for ever: make a new campaign for further contacts"
        raise CampaignRefused(campaign.plan.name, problem)


def filled_elsewhere(name: str, source: str) -> CampaignRefused:
    """What is said to whoever would fill a campaign that somebody else fills.

    Args:
        name: The campaign's.
        source: From what it is filled.
    """
    problem = f"is being filled from '{source}' elsewhere: wait for its end; one that died is let go after a minute"
    return CampaignRefused(name, problem)


def closing_input(campaign: Campaign, *, filled: bool, ready: int, live: int, now: int) -> CampaignInput | None:
    """What the clock or the lack of work does to a campaign.

    Args:
        campaign: Which.
        filled: Whether its contacts are all there: an import that was begun and not finished, or none, is no end.
        ready: Its contacts that wait to be called, now or later.
        live: Its calls under way, and calls whose verdict is still to come.
        now: Epoch milliseconds.
    """
    if campaign.status in {CampaignStatus.RUNNING, CampaignStatus.PAUSED} and campaign.ends_by(now):
        return CampaignInput.DRAIN
    if not filled and campaign.status is CampaignStatus.RUNNING:
        return None
    left = live if campaign.status is CampaignStatus.DRAINING else ready + live
    if campaign.status in {CampaignStatus.RUNNING, CampaignStatus.DRAINING} and left == 0:
        return CampaignInput.FINISH
    return None
