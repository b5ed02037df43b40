"""When a campaign's status changes, by a person's order or because its work or its time is over.

One rule: an order that a campaign cannot take is refused with words for a person; it is no bug.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan
from telebridge.campaigns.engine.outcomes import CONVERSATIONS, Outcome
from telebridge.campaigns.engine.states import (
    CAMPAIGN,
    CampaignInput,
    CampaignStatus,
    follow,
)
from telebridge.errors import CampaignRefused
from telebridge.timing.epoch import iso_time

RETRIED = frozenset(outcome.value for outcome in Outcome if outcome not in CONVERSATIONS)
"""Outcomes whose contacts may be put back by hand: those in which no person was spoken to."""


def change_status(campaign: Campaign, happened: CampaignInput, *, reason: str, now: int) -> Campaign:
    """The campaign after an order; the same one when it is so already.

    Raises:
        CampaignRefused: It cannot happen to it as it stands.
    """
    check_not_deleted(campaign)
    if (campaign.status, happened) not in CAMPAIGN:
        problem = f"is {campaign.status.value} and cannot {happened.value}"
        raise CampaignRefused(campaign.plan.name, problem)
    status = follow(CAMPAIGN, campaign.status, happened)
    if status is campaign.status:
        return campaign
    return replace(campaign, status=status, status_at=now, reason=reason)


def check_not_deleted(campaign: Campaign) -> None:
    """Refuse whatever would change a campaign of which only records are kept.

    Raises:
        CampaignRefused: It is deleted.
    """
    if campaign.deleted_at is not None:
        raise CampaignRefused(campaign.plan.name, f"was deleted at {iso_time(campaign.deleted_at)}")


def name_taken(campaign: Campaign | CampaignPlan) -> CampaignRefused:
    """Why a campaign cannot be: its account has another one of that name which is not over."""
    plan = campaign.plan if isinstance(campaign, Campaign) else campaign
    return CampaignRefused(plan.name, "there is another one of that name that is not over: cancel it, or let it end")


def replace_plan(campaign: Campaign, plan: CampaignPlan) -> Campaign:
    """The campaign with another plan.

    Raises:
        CampaignRefused: It dials, or is over.
    """
    check_not_deleted(campaign)
    if campaign.status not in {CampaignStatus.DRAFT, CampaignStatus.PAUSED}:
        raise CampaignRefused(campaign.plan.name, f"is {campaign.status.value}: pause it before its plan is changed")
    return replace(campaign, plan=plan)


def check_fillable(campaign: Campaign) -> None:
    """Refuse contacts that would never be called.

    Raises:
        CampaignRefused: It is cancelled or deleted.
    """
    check_not_deleted(campaign)
    if campaign.status is CampaignStatus.CANCELLED:
        problem = "is cancelled, for ever: make a new campaign for further contacts"
        raise CampaignRefused(campaign.plan.name, problem)


def check_retry(campaign: Campaign, outcomes: Collection[str]) -> None:
    """Check that the contacts of a campaign which ended in these ways may be called again.

    Raises:
        CampaignRefused: It is cancelled, one of these is no outcome, or one in which a person was spoken to.
    """
    check_fillable(campaign)
    unknown = sorted(set(outcomes) - RETRIED)
    if unknown or not outcomes:
        what = f"cannot retry '{unknown[0]}'" if unknown else "needs outcomes to retry"
        raise CampaignRefused(campaign.plan.name, f"{what}: give some of {', '.join(sorted(RETRIED))}")


def nobody_left(campaign: Campaign, outcomes: Mapping[str, int]) -> CampaignRefused:
    """Return what is said to whoever starts a campaign in which nobody waits to be called.

    Args:
        campaign: Which.
        outcomes: How its contacts ended.
    """
    name, unspoken = campaign.plan.name, [one for one in sorted(outcomes) if one in RETRIED]
    ended = ", ".join(f"{outcomes[one]:,} {one}" for one in sorted(outcomes))
    retry = (
        f"`telebridge campaign retry {name} --outcome {','.join(unspoken)}` puts contacts back, and "
        if unspoken
        else ""
    )
    fill = f"`telebridge campaign import {name} --contacts CSV` brings in more"
    return CampaignRefused(name, f"has nobody left to call ({ended}): {retry}{fill}")


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
