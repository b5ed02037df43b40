"""What a person does to a whole campaign: edits its plan while it runs, deletes it, copies it.

One rule: nothing that a person does to a campaign lets anybody be called sooner or more often than before: attempts
stay counted, and the do-not-call list stays as it is.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec

from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan, WebhookEvent
from telebridge.campaigns.engine.contact import Contact, Lane
from telebridge.campaigns.engine.do_not_call import DoNotCallEntry
from telebridge.campaigns.engine.lifecycle import check_not_deleted
from telebridge.campaigns.engine.states import CAMPAIGN, CampaignInput, CampaignStatus, follow
from telebridge.errors import CampaignRefused

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key of a campaign file, as an edit changes it.

    Args:
        key: Its name, with its table's before it: `retry.busy`.
        before: What held, as a plain value; None when the file had no such key and there is no default.
        after: What holds now.
    """

    key: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class KeptRecords:
    """What is kept of a campaign that is deleted.

    Args:
        attempts: Records of attempts that were placed, or may have been.
        latest_at: When the latest of them was begun; None without any.
        do_not_call: Entries of the do-not-call list that hold for this campaign alone. Those that hold for all
            campaigns are no part of any.
    """

    attempts: int
    latest_at: int | None
    do_not_call: int

    def until(self, keep_days: int) -> int | None:
        """When the last record of an attempt is removed; None when there is none."""
        return None if self.latest_at is None else self.latest_at + keep_days * DAY_MS


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge removed for good: attempts that were older than the retention time, contacts without any."""

    attempts: int = 0
    contacts: int = 0
    campaigns: int = 0

    def __add__(self, other: "Purged") -> "Purged":
        """The sum of two purges."""
        return Purged(self.attempts + other.attempts, self.contacts + other.contacts, self.campaigns + other.campaigns)


class ArchivedContact(msgspec.Struct, frozen=True):
    """A contact with everything that is known of it, without what only its database knows.

    A struct and no dataclass: a million of them are written and read.

    Args:
        contact: As the store keeps it; its ids are those of the store that it was read from.
        lane: When it may be called.
        priority: Higher is called earlier.
        attempts: Its attempts, the earliest first.
        lanes: When each of several numbers may be called.
    """

    contact: Contact
    lane: Lane
    priority: int
    attempts: tuple[Attempt, ...] = ()
    lanes: tuple[Lane, ...] = ()


class AdministrationRecords(Protocol):
    """What a person does to a whole campaign."""

    async def edit(
        self,
        campaign_id: str,
        before: CampaignPlan,
        after: CampaignPlan,
        changes: Sequence[KeyChange],
        *,
        need_pause: Collection[str],
    ) -> Campaign:
        """Give a campaign another plan, also while it dials, and write the event for its webhook.

        Args:
            campaign_id: Which.
            before: The plan that the other one was made from.
            after: The other one.
            changes: What differs, for the webhook.
            need_pause: The keys among these that must not change while it dials.

        Raises:
            CampaignRefused: There is no such campaign, its status does not allow the change, its plan was changed
                meanwhile, or the name is taken.
        """
        ...

    async def write_event(self, campaign_id: str, event: WebhookEvent, facts: Mapping[str, Any]) -> None:
        """Write an event of a whole campaign for its webhook, if that wants it."""
        ...

    async def copy_do_not_call(self, from_id: str, to_id: str) -> int:
        """Let the do-not-call entries that hold for one campaign alone hold for another one too; returns how many."""
        ...

    async def delete(self, campaign_id: str) -> KeptRecords:
        """Delete a campaign that is over, or a draft: from now on only `deleted` has it.

        What is no record goes with `erase`.

        Raises:
            CampaignRefused: There is no such campaign, it may still call somebody, calls of it are not settled, or it
                is being filled.
        """
        ...

    async def deleted(self) -> list[Campaign]:
        """The campaigns that are deleted and of which records are kept, the latest first."""
        ...

    async def erase(self, campaign_id: str) -> None:
        """Remove a deleted campaign's contacts that were never called, and the variables of the others.

        It works in parts and can be repeated.
        """
        ...

    async def unsettled(self, campaign_id: str) -> int:
        """How many attempts of a campaign are under way, or wait for a report."""
        ...

    async def do_not_call_of(self, campaign_id: str, phones: Collection[str] | None) -> list[DoNotCallEntry]:
        """The entries that hold for a campaign alone; or, of these numbers, those that hold for every campaign."""
        ...

    async def create_archived(self, campaign: Campaign) -> None:
        """Make a campaign with an id that it had elsewhere.

        Raises:
            CampaignRefused: There is one of that id or, not over, of that name.
        """
        ...

    async def add_archived(
        self,
        campaign_id: str,
        contacts: Sequence[ArchivedContact],
        entries: Sequence[DoNotCallEntry],
        *,
        upto_line: int,
        owner: str,
    ) -> None:
        """Add contacts with their attempts, and do-not-call entries, together with the position in their file.

        A batch that was added before changes nothing, and nor does an attempt or an entry that is there.

        Raises:
            CampaignRefused: Somebody else fills it by now.
        """
        ...

    async def finish_archived(
        self, campaign_id: str, status: CampaignStatus, reason: str, facts: Mapping[str, Any], *, owner: str
    ) -> Campaign:
        """End the import of a whole campaign: from now on it has this status, and its webhook is told the facts.

        Raises:
            CampaignRefused: Somebody else fills it by now.
        """
        ...

    async def purge(self, campaign_id: str, *, before: int) -> Purged:
        """Remove the attempts of a deleted campaign that were begun before an instant, and what nothing refers to then.

        Without an attempt, and once its webhook has its events, the campaign itself goes. It works in parts and can be
        repeated.
        """
        ...


def edit_plan(
    campaign: Campaign, before: CampaignPlan, after: CampaignPlan, *, need_pause: Collection[str]
) -> Campaign:
    """Return the campaign with another plan; see `AdministrationRecords.edit`.

    Raises:
        CampaignRefused: Its status does not allow it, or `before` is not its plan any more.
    """
    check_editable(campaign)
    name = campaign.plan.name
    if campaign.status is CampaignStatus.RUNNING and need_pause:
        keys = ", ".join(f"'{key}'" for key in sorted(need_pause))
        problem = f"is running, and {keys} cannot change meanwhile: `telebridge campaign pause {name}` first"
        raise CampaignRefused(name, problem)
    if campaign.plan != before:
        raise CampaignRefused(name, "was changed by somebody else at the same time: edit it again")
    return replace(campaign, plan=after)


def check_editable(campaign: Campaign) -> None:
    """Check that some key of a campaign may be changed.

    Raises:
        CampaignRefused: It is deleted, cancelled or draining.
    """
    check_not_deleted(campaign)
    name, status = campaign.plan.name, campaign.status
    if status is CampaignStatus.CANCELLED:
        raise CampaignRefused(name, f"is cancelled, for ever: `telebridge campaign clone {name} NEW` makes one like it")
    if status is CampaignStatus.DRAINING:
        raise CampaignRefused(name, "is draining: its end has come, and it can be edited once its last call is over")


def check_deletable(campaign: Campaign, *, unsettled: int, filling: bool) -> None:
    """Check that a campaign may be deleted.

    Args:
        campaign: Which.
        unsettled: How many of its attempts are under way, or wait for a report.
        filling: Whether somebody fills it at this moment.

    Raises:
        CampaignRefused: It may still call somebody, or more is to be written of its calls or its contacts.
    """
    check_not_deleted(campaign)
    name = campaign.plan.name
    if not campaign.status.is_over and campaign.status is not CampaignStatus.DRAFT:
        problem = f"is {campaign.status.value}: `telebridge campaign cancel {name}` ends it, and then it can be deleted"
        raise CampaignRefused(name, problem)
    if unsettled:
        calls = "1 call is" if unsettled == 1 else f"{unsettled:,} calls are"
        raise CampaignRefused(name, f"{calls} not settled yet: try again in a minute or two")
    if filling:
        raise CampaignRefused(name, "is being filled at this moment: wait for the end of the import")


def delete_campaign(campaign: Campaign, *, now: int) -> Campaign:
    """Return the campaign as it is kept once it is deleted; a draft is cancelled with it."""
    status = campaign.status if campaign.status.is_over else follow(CAMPAIGN, campaign.status, CampaignInput.CANCEL)
    return replace(campaign, status=status, deleted_at=now)


def check_exportable(campaign: Campaign, *, unsettled: int, filling: bool) -> None:
    """Check that a campaign stands still, so that a copy of it is true.

    Args:
        campaign: Which.
        unsettled: How many of its attempts are under way, or wait for a report.
        filling: Whether an import of it was begun and not finished.

    Raises:
        CampaignRefused: It calls people, calls of it are not settled, it is being filled, or it is deleted.
    """
    check_not_deleted(campaign)
    name, status = campaign.plan.name, campaign.status
    if status is CampaignStatus.RUNNING:
        problem = f"is running, so a copy would be old at once: `telebridge campaign pause {name}` first"
        raise CampaignRefused(name, problem)
    if status is CampaignStatus.DRAINING:
        raise CampaignRefused(name, "is draining: it can be exported once its last call is over")
    if unsettled:
        calls = "1 call is" if unsettled == 1 else f"{unsettled:,} calls are"
        raise CampaignRefused(name, f"{calls} not settled yet: try again in a minute or two")
    if filling:
        raise CampaignRefused(name, "has an import that is not complete: give it again, and then export")


def imported_status(archived: CampaignStatus) -> CampaignStatus:
    """The status of a campaign that was imported: it never dials before a person has started it."""
    return CampaignStatus.PAUSED if archived is CampaignStatus.RUNNING else archived
