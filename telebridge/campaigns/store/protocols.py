"""The interface of a campaign store: one Protocol for each duty, and `CampaignStore`, which holds one of each.

`DoNotCallRecords` is in `telebridge.campaigns.engine.do_not_call`, and `AdministrationRecords` in
`telebridge.campaigns.engine.administration`. An implementation must pass the tests in
`tests/conformance/campaign_store/`, which show what each operation promises.

One rule: every method is one transaction, and its result was true in that transaction. `ReportRecords` only reads: it
never waits for a claim. Instants are epoch milliseconds of the store's own clock.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from telebridge.campaigns.engine.administration import AdministrationRecords
from telebridge.campaigns.engine.attempt import Attempt, CallReport, NotPlacedReason, Receipt
from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan
from telebridge.campaigns.engine.claim import CampaignLane, Claim, OpenLane
from telebridge.campaigns.engine.contact import Added, BegunImport, Contact, ImportPosition, Lane, NewContact
from telebridge.campaigns.engine.do_not_call import DoNotCallRecords
from telebridge.campaigns.engine.outcomes import Outcome
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.reconciliation import Overdue
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.campaigns.webhooks.delivery import DeliveryResult, EventBatch, Tally

DIALING = "dialing "
"""What the task of every process that dials begins with."""


def dialing_task(account: str, worker: str) -> str:
    """The task that a process holds while it dials for an account."""
    return f"{DIALING}{account} {worker}"


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of a campaign's contacts and attempts.

    Args:
        contacts: How many are in each state, by `ContactState.value`.
        outcomes: Of those done or skipped, how many ended how.
        attempts: How many attempts there are in each state, by `AttemptState.value`.
    """

    contacts: Mapping[str, int] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WaitingLane:
    """Why contacts of a lane are not called now, as far as the store knows.

    Args:
        lane: Which; whether it is open is for the calling hours to say.
        due: How many could be called now if it is.
        later: How many wait for their time, by what they wait for: "" is a retry or a start in the future.
        next_due_at: When the first of those is due.
    """

    id: int
    lane: Lane
    due: int
    later: Mapping[str, int]
    next_due_at: int | None


@dataclass(frozen=True, slots=True)
class DialingNow:
    """What decides whether due contacts are called.

    Args:
        dialers: How many processes dial for the campaign's account.
        elsewhere: How many dial for other accounts.
        rate_limited_until: Until when no call is placed, because Twilio limits the rate; None while one may be.
        numbers_left: How many calls the campaign's numbers may still make of their 24 hours; None for any.
    """

    dialers: int
    elsewhere: int = 0
    rate_limited_until: int | None = None
    numbers_left: int | None = None


class ReportRecords(Protocol):
    """Reading the progress of a campaign."""

    async def progress(self, campaign_id: str) -> Progress:
        """How far it is."""
        ...

    async def waiting(self, campaign_id: str) -> list[WaitingLane]:
        """Why contacts are not called now."""
        ...

    async def dialing(self, campaign: Campaign) -> DialingNow:
        """Which processes dial for a campaign, and whether they may."""
        ...

    async def outcomes(self, campaign_id: str, *, since: int, latest: int | None = None) -> Mapping[Outcome, int]:
        """How the attempts begun since then ended, or only the latest ones.

        An answered call that ended more than ten seconds ago, and of which there is no report yet, is counted as lost.
        """
        ...

    async def lanes(self, campaign_id: str) -> Mapping[int, Lane]:
        """Where its contacts may be, by the id of the lane."""
        ...

    async def priorities(self, campaign_id: str) -> Mapping[int, int]:
        """Which priority its contacts have, by the id of the lane."""
        ...

    async def columns(self, campaign_id: str) -> list[str]:
        """What its contacts have beside a number, by name: those of the first contact first."""
        ...

    def contacts(self, campaign_id: str, *, after: int = 0) -> AsyncIterator[Contact]:
        """Every contact in the order of import, a page at a time; those behind the id `after` alone."""
        ...

    async def first_ready(self, campaign_id: str, count: int) -> list[Contact]:
        """The contacts that are not called yet or are called again, in the order of import, so many at most."""
        ...

    def attempts(self, campaign_id: str) -> AsyncIterator[Attempt]:
        """Every attempt in the order of contacts, a page at a time."""
        ...


class CampaignRecords(Protocol):
    """Campaigns and their status."""

    async def create(self, plan: CampaignPlan) -> Campaign:
        """Make a campaign, a draft.

        Raises:
            CampaignRefused: Its account has one of that name which is not over.
        """
        ...

    async def create_or_replan(self, plan: CampaignPlan) -> Campaign:
        """Give the account's campaign of that name which is not over this plan, or make one where there is none.

        Raises:
            CampaignRefused: It is neither a draft nor paused.
        """
        ...

    async def replan(self, campaign_id: str, plan: CampaignPlan) -> Campaign:
        """Give a campaign that does not dial another plan.

        Raises:
            CampaignRefused: There is no such campaign, it is neither a draft nor paused, or another one has that name.
        """
        ...

    async def find(self, campaign_id: str) -> Campaign | None:
        """The campaign of this id, also one that is deleted."""
        ...

    async def all(self) -> list[Campaign]:
        """Every campaign that is not deleted, the newest first."""
        ...

    async def change(self, campaign_id: str, happened: CampaignInput, *, reason: str = "") -> Campaign:
        """Start, pause, drain, finish or cancel a campaign.

        Raises:
            CampaignRefused: There is no such campaign, its status does not allow the change, or its name is taken.
        """
        ...

    async def lanes(self, account: str) -> list[CampaignLane]:
        """The lanes of all campaigns of an account that dial now."""
        ...

    async def now(self) -> int:
        """What the store's clock says."""
        ...

    async def close_finished(self) -> list[Campaign]:
        """Drain campaigns whose end time has come, finish those with nothing left; answers those that changed."""
        ...


class ContactRecords(Protocol):
    """Filling a campaign."""

    async def add(
        self,
        campaign_id: str,
        contacts: Sequence[NewContact],
        *,
        upto_line: int,
        owner: str | None = None,
        update: bool = False,
    ) -> Added:
        """Add a batch of an import, together with the position in its file.

        A batch that does not go beyond the position kept was added before, by an import that was then interrupted:
        nothing happens. A number that the campaign has already is a duplicate.

        Args:
            campaign_id: Whose contacts they are.
            contacts: The batch.
            upto_line: The source is done up to here.
            owner: Who began the import; None for contacts that come from none.
            update: Whether duplicates that were not called yet get the data of the batch; the last of a number counts.

        Raises:
            CampaignRefused: Somebody else fills it by now.
        """
        ...

    async def begin_import(self, campaign_id: str, source: str, *, owner: str) -> BegunImport:
        """Begin to fill a campaign from a source, or go on with it.

        One owner at a time fills a campaign, until it finishes, leaves, or adds no batch for a minute.
        Until `finish_import` the campaign is not done, however few of its contacts are left.

        Raises:
            CampaignRefused: There is no such campaign, it is cancelled, or somebody else fills it.
        """
        ...

    async def finish_import(self, campaign_id: str, *, owner: str) -> None:
        """The source has come to its end; the same one is read from its beginning the next time.

        Raises:
            CampaignRefused: Somebody else fills it by now.
        """
        ...

    async def leave_import(self, campaign_id: str, begun: BegunImport, *, owner: str) -> None:
        """The source has not come to its end, and can be gone on with; when nothing came of it, all is as before."""
        ...

    async def import_position(self, campaign_id: str) -> ImportPosition:
        """How far it is filled."""
        ...

    async def is_filled(self, campaign_id: str) -> bool:
        """Whether it has contacts, and no import of it was begun and not finished."""
        ...

    async def without_consent(self, campaign_id: str) -> int:
        """How many that may still be called lack `consented_at` or `consent_source`."""
        ...

    async def retry(self, campaign_id: str, outcomes: Collection[str]) -> int:
        """Make contacts that are done with one of these outcomes ready again; returns how many.

        Their attempts stay counted. What is interrupted can be repeated.

        Raises:
            CampaignRefused: There is no such campaign, it is cancelled, or an outcome may not be retried.
        """
        ...

    async def find(self, campaign_id: str, phone: str) -> Contact | None:
        """The contact that has this number; whose first number it is, before those whose further number it is."""
        ...

    async def of(self, attempt: Attempt) -> Contact | None:
        """The contact of an attempt, whichever of its numbers was called."""
        ...

    async def lane(self, contact: Contact) -> Lane:
        """Where a contact may be."""
        ...


class ClaimRecords(Protocol):
    """Who may be called now: the one place that counts."""

    async def set_pacing(self, account: str, pacing: Pacing) -> None:
        """Set an account's limits; what is under way stays counted."""
        ...

    async def claim(
        self, account: str, lanes: Sequence[OpenLane], *, worker: str, wanted: int, lease_seconds: float
    ) -> list[Claim]:
        """Take contacts to be called, as many as all limits allow, from the first lanes first.

        Each is written as an attempt in `INTENT` before it is answered: from then on it counts as live.

        Raises:
            LocalProtocolError: The account's pacing was never set.
        """
        ...

    async def back_off(self, account: str, *, jitter: float) -> int:
        """Begin a back-off for all processes, longer each time in a row; returns until when no call is placed."""
        ...

    async def wait_out_queue(self, account: str, queue_ms: int) -> None:
        """Place no call until Twilio's queue has emptied."""
        ...


class AttemptRecords(Protocol):
    """What becomes known of calls."""

    async def find(self, attempt_id: str) -> Attempt | None:
        """The attempt of this id."""
        ...

    async def find_by_call(self, call_sid: str) -> Attempt | None:
        """Return the attempt of a call."""
        ...

    async def report(self, attempt_id: str, report: CallReport) -> Receipt:
        """Apply what was learned of a call; when it is over, its contact is done or due again. Any order will do.

        An opt-out puts the number on the do-not-call list of every campaign in the same transaction.
        """
        ...

    async def not_placed(self, attempt_id: str, why: NotPlacedReason, *, error: str) -> bool:
        """Record that a call was not placed; returns False when that is known, or the attempt has a call."""
        ...

    async def take_expired_intents(self, limit: int = 50) -> Overdue:
        """Take intents with an expired lease whose next check is due; no other process gets them before the next."""
        ...

    async def take_due_checks(self, limit: int = 50) -> Overdue:
        """Take attempts with a call whose report is overdue; no other process gets them for 20 seconds."""
        ...

    async def bound(self, call_sids: Iterable[str]) -> set[str]:
        """Return which of these calls belong to an attempt."""
        ...

    async def live(self, campaign_id: str) -> list[Attempt]:
        """The attempts of a campaign that are under way."""
        ...


class TaskLeases(Protocol):
    """Leases of tasks that one process at a time carries out for all."""

    async def take(self, name: str, owner: str, seconds: float) -> bool:
        """Take or renew the lease of a task; returns False while another owner has it. All must use one length."""
        ...

    async def release(self, name: str, owner: str) -> None:
        """Release a task if this owner holds it."""
        ...


class OutboxRecords(Protocol):
    """Webhook events to be sent; they are written in the transactions of the changes."""

    async def waiting(self) -> list[str]:
        """The campaigns that have an event due now, the most overdue first."""
        ...

    async def take(self, campaign_id: str, *, limit: int, lease_seconds: float) -> EventBatch | None:
        """Take events of a campaign that are due, for a try; no other process gets them until the lease expires.

        Returns None when nothing is due. When the campaign has no webhook any more, its events are dropped.
        """
        ...

    async def apply_results(self, campaign_id: str, results: Sequence[DeliveryResult]) -> Tally:
        """Apply what receivers answered: see `telebridge.campaigns.webhooks.delivery.verdict`.

        When an event is given up because it is old, all that are as old are given up with it.
        """
        ...

    async def undelivered(self, campaign_id: str) -> int:
        """How many events of a campaign are still to be sent, now or later."""
        ...


@dataclass(frozen=True, slots=True)
class CampaignStore:
    """Everything of campaigns that outlives a process, one attribute for each duty.

    Args:
        campaigns: Campaigns and their status.
        contacts: Filling a campaign.
        claims: Who may be called now.
        attempts: What becomes known of calls.
        do_not_call: Numbers that must not be called.
        leases: Work that one process at a time does.
        outbox: Webhook events to be sent.
        reports: Reading the progress of a campaign.
        administration: What a person does to a whole campaign.
    """

    campaigns: CampaignRecords
    contacts: ContactRecords
    claims: ClaimRecords
    attempts: AttemptRecords
    do_not_call: DoNotCallRecords
    leases: TaskLeases
    outbox: OutboxRecords
    reports: ReportRecords
    administration: AdministrationRecords
