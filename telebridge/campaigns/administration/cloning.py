"""Copies a campaign, with or without its contacts.

One rule: a clone that was interrupted goes on where it was when it is asked for again; it cannot start before.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import uuid4

from telebridge.campaigns.administration.batches import in_batches
from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan, WebhookEvent
from telebridge.campaigns.engine.claim import DO_NOT_CALL
from telebridge.campaigns.engine.contact import Contact, ContactNumber, ImportPosition, Lane, NewContact
from telebridge.campaigns.engine.lifecycle import check_not_deleted
from telebridge.campaigns.engine.outcomes import Outcome
from telebridge.campaigns.engine.states import CampaignStatus, ContactState
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import CampaignRefused
from telebridge.timing.epoch import instant

COPIED_AT_ONCE = 5000
KNOWN_OUTCOMES = frozenset({*(outcome.value for outcome in Outcome), DO_NOT_CALL})


@dataclass(frozen=True, slots=True)
class Cloned:
    """A campaign that was made like another one.

    Args:
        campaign: The new one, a draft.
        contacts: How many contacts it has.
        do_not_call: How many entries of the do-not-call list that held for the model alone now hold for it too.
    """

    campaign: Campaign
    contacts: int
    do_not_call: int


async def clone_contacts(
    store: CampaignStore, model: Campaign, plan: CampaignPlan, *, contacts: bool, outcomes: Collection[str] = ()
) -> Cloned:
    """Make a draft with a plan and the contacts of another campaign, or go on with doing so.

    The contacts are new: their attempts stay with the model, where they count for the caps of their numbers.

    Args:
        store: The campaigns.
        model: Whose contacts are copied.
        plan: What the new one is to do.
        contacts: Whether they are.
        outcomes: Only those whose outcome is one of these; empty for all.

    Raises:
        CampaignRefused: The name is taken, the model is deleted, or an outcome is not known.
    """
    check_not_deleted(model)
    if unknown := sorted(set(outcomes) - KNOWN_OUTCOMES):
        known = ", ".join(sorted(KNOWN_OUTCOMES))
        raise CampaignRefused(model.plan.name, f"'{unknown[0]}' is no outcome: give some of {known}")
    source = f"clone of {model.plan.name}\t{model.id} {contacts} {','.join(sorted(outcomes))}"
    made = await _draft(store, plan, source)
    owner = uuid4().hex
    begun = await store.contacts.begin_import(made.id, source, owner=owner)
    try:
        entries = await store.administration.copy_do_not_call(model.id, made.id)
        if contacts:
            await _copy(store, model, made, owner=owner, after=begun.line, outcomes=outcomes)
        count = sum((await store.reports.progress(made.id)).contacts.values())
        facts = {"of": {"id": model.id, "name": model.plan.name}, "contacts": count}
        await store.administration.write_event(made.id, WebhookEvent.CAMPAIGN_CLONED, facts)
        await store.contacts.finish_import(made.id, owner=owner)
    except BaseException:
        await store.contacts.leave_import(made.id, begun, owner=owner)
        raise
    return Cloned(made, count, entries)


async def _draft(store: CampaignStore, plan: CampaignPlan, source: str) -> Campaign:
    """Make the draft, or find the one that an interrupted clone has left."""
    try:
        return await store.campaigns.create(plan)
    except CampaignRefused:
        for one in await store.campaigns.all():
            if (one.plan.account, one.plan.name) == (plan.account, plan.name) and not one.status.is_over:
                position = await store.contacts.import_position(one.id)
                if position.source == source and position.under_way:
                    return one
                if one.status is CampaignStatus.DRAFT and one.plan == plan and await never_filled(store, one):
                    return one
        raise


async def never_filled(store: CampaignStore, campaign: Campaign) -> bool:
    """Whether nothing was ever brought into a campaign, such as when its making was cut short."""
    if await store.contacts.import_position(campaign.id) != ImportPosition():
        return False
    return not (await store.reports.progress(campaign.id)).contacts


async def _copy(
    store: CampaignStore, model: Campaign, made: Campaign, *, owner: str, after: int, outcomes: Collection[str]
) -> None:
    lanes = await store.reports.lanes(model.id)
    priorities = await store.reports.priorities(model.id)
    async for batch in in_batches(store.reports.contacts(model.id, after=after), COPIED_AT_ONCE):
        some = [_as_new(one, lanes, priorities) for one in batch if not outcomes or _ended(one) in outcomes]
        await store.contacts.add(made.id, some, upto_line=batch[-1].id, owner=owner)


def _ended(contact: Contact) -> str:
    """How a contact ended; empty while it may be called again."""
    return contact.outcome if contact.state in {ContactState.DONE, ContactState.SKIPPED} else ""


def _as_new(contact: Contact, lanes: Mapping[int, Lane], priorities: Mapping[int, int]) -> NewContact:
    first, *others = contact.numbers or (ContactNumber(contact.phone, contact.lane_id),)
    return NewContact(
        phone=contact.phone,
        lane=lanes[first.lane_id],
        variables=contact.variables,
        priority=priorities[contact.lane_id],
        consented_at=None if contact.consented_at is None else instant(contact.consented_at),
        consent_source=contact.consent_source,
        others=tuple((one.phone, lanes[one.lane_id]) for one in others),
    )
