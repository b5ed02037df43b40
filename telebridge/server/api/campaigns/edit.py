"""Edits and clones campaigns: for the command line and the API.

One rule: a changed file is checked with its flow before anything is written, and the plan that it replaces must still
be the campaign's.
"""

import re
from collections.abc import Collection, Iterable
from datetime import datetime

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.campaigns.administration.cloning import Cloned, clone_contacts
from telebridge.campaigns.definition.editing import KeyAssignment, apply_changes, key_changes, need_pause
from telebridge.campaigns.definition.loading import read_campaign
from telebridge.campaigns.definition.model import CampaignDefinition
from telebridge.campaigns.engine.administration import KeyChange
from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import CampaignRefused, ConfigurationError
from telebridge.server.api.campaigns.plan import planned
from telebridge.timing.epoch import epoch_ms

LINE = re.compile(r":\d+(?=:|$)")


async def edit_campaign(
    store: CampaignStore, campaign: Campaign, file: str, *, flows: FlowCatalogue, wallclock: datetime
) -> tuple[Campaign, tuple[KeyChange, ...]]:
    """Give a campaign the plan of a changed file, also while it dials.

    Args:
        store: The campaigns.
        campaign: Which, as it was read.
        file: The text of its file now; see `telebridge.campaigns.definition.editing.apply_changes`.
        flows: The flows that there are.
        wallclock: The aware instant.

    Returns:
        The campaign, and what was changed: nothing when the file says the same.

    Raises:
        ConfigurationError: There is a mistake in the file.
        CampaignRefused: The campaign cannot be changed so as it stands.
    """
    where = f"campaign '{campaign.plan.name}'"
    before = read_campaign(campaign.plan.file, where=where)
    after, plan = planned_again(campaign, file, where=where, flows=flows, wallclock=wallclock)
    changes = key_changes(before, after)
    if not changes:
        return campaign, ()
    edited = await store.administration.edit(campaign.id, campaign.plan, plan, changes, need_pause=need_pause(changes))
    return edited, changes


def changed_file(campaign: Campaign, changes: Iterable[KeyAssignment]) -> str:
    """Return the text of a campaign's file with other values for some keys.

    Raises:
        ConfigurationError: A key is to be removed that is not there.
        CampaignRefused: The campaign was not made from a file.
    """
    if not campaign.plan.file:
        raise CampaignRefused(campaign.plan.name, "was not made from a campaign file, so it has no keys to change")
    return apply_changes(campaign.plan.file, changes)


async def clone_campaign(
    store: CampaignStore,
    campaign: Campaign,
    name: str,
    *,
    contacts: bool,
    outcomes: Collection[str] = (),
    flows: FlowCatalogue,
    wallclock: datetime,
) -> Cloned:
    """Make a draft like a campaign, with another name.

    Times at which it starts and ends are left out when its end has passed.

    Args:
        store: The campaigns.
        campaign: The model; it may be running or over.
        name: The name of the new one.
        contacts: Whether its contacts come along, as if they had never been called in it.
        outcomes: Only those that are done or skipped with one of these outcomes; empty for all.
        flows: The flows that there are.
        wallclock: The aware instant.

    Raises:
        ConfigurationError: The name is none, or the file does not fit the flows any more.
        CampaignRefused: There is a campaign of that name that is not over, or an outcome is not known.
    """
    passed = campaign.ends_by(epoch_ms(wallclock))
    times = [((key,), None) for key in ("start_at", "end_at") if passed and _has(campaign, key)]
    text = changed_file(campaign, [(("name",), name), *times])
    _, plan = planned_again(campaign, text, where=f"clone '{name}'", flows=flows, wallclock=wallclock)
    return await clone_contacts(store, campaign, plan, contacts=contacts, outcomes=outcomes)


def planned_again(
    campaign: Campaign, text: str, *, where: str, flows: FlowCatalogue, wallclock: datetime
) -> tuple[CampaignDefinition, CampaignPlan]:
    """The plan of a changed file, for the account of a campaign; see `telebridge.server.api.campaigns.plan.planned`.

    Raises:
        ConfigurationError: The first mistake in it, without its line: nobody has seen the file.
    """
    try:
        return planned(text, where=where, flows=flows, account=campaign.plan.account, wallclock=wallclock)
    except ConfigurationError as error:
        raise ConfigurationError(LINE.sub("", error.where), error.problem, error.hint) from error


def _has(campaign: Campaign, key: str) -> bool:
    return getattr(read_campaign(campaign.plan.file, where=campaign.plan.name), key) is not None
