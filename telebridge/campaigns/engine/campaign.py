"""A campaign: its plan, the caps on calls to one number, and its status.

One rule: every field of a plan is a plain value that survives JSON, because the store keeps a plan as one JSON text.
Instants are epoch milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from telebridge.campaigns.engine.circuit_breaker import BreakerRules
from telebridge.campaigns.engine.outcomes import RetryRules
from telebridge.campaigns.engine.pacing import on_time
from telebridge.campaigns.engine.states import CampaignStatus


@dataclass(frozen=True, slots=True)
class Cap:
    """A bound on calls to one number, counted over all campaigns.

    Args:
        attempts: So many calls, at least one, are allowed…
        within_seconds: …in any such time.
        conversations: Count only the calls in which a person was spoken to.
    """

    attempts: int
    within_seconds: float
    conversations: bool = False


class CampaignKind(Enum):
    """The legal kind of a campaign, which decides about hours, caps and consent."""

    TELEMARKETING = "telemarketing"
    INFORMATIONAL = "informational"
    DEBT = "debt"
    OTHER = "other"


class OnUnknown(Enum):
    """What follows for a contact when Twilio lists no call two minutes after a request without an answer."""

    REDIAL = "redial"
    GIVE_UP = "give_up"


class OnMachine(Enum):
    """What follows when a machine answers a call."""

    HANG_UP = "hang_up"
    CARRY_ON = "carry_on"
    LEAVE_MESSAGE = "leave_message"


class OnScreening(Enum):
    """What follows when a telephone that screens calls answers."""

    CARRY_ON = "carry_on"
    HANG_UP = "hang_up"
    ANSWER = "answer"
    """Go to the flow's node that says who calls, and wait there."""


@dataclass(frozen=True, slots=True)
class PoolNumber:
    """One of the numbers that a campaign calls from, and how many calls it may make in 24 hours; None for any."""

    number: str
    daily_cap: int | None = None


class WebhookEvent(Enum):
    """The events of a campaign's webhook."""

    CONTACT_DONE = "contact.done"
    """A contact has its outcome, or is skipped."""
    ATTEMPT_DONE = "attempt.done"
    """One call to a contact is over."""
    CAMPAIGN_STATUS = "campaign.status"
    """The campaign was started, paused, ended."""
    CAMPAIGN_EDITED = "campaign.edited"
    """Its plan was changed by an edit."""
    CAMPAIGN_RETRIED = "campaign.retried"
    """Contacts that were done were put back, to be called again."""
    CAMPAIGN_CLONED = "campaign.cloned"
    """It was made from another campaign."""
    CAMPAIGN_EXPORTED = "campaign.exported"
    """All of it was written to a file."""
    CAMPAIGN_IMPORTED = "campaign.imported"
    """It was read from such a file."""
    CAMPAIGN_DELETED = "campaign.deleted"
    """It was deleted, but for what is kept."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a campaign's events are sent.

    Args:
        url: Gets a POST for each.
        secret: Signs the requests; empty for no signature. See `telebridge.campaigns.webhooks.signature`.
        events: Which of them.
    """

    url: str
    secret: str = field(default="", repr=False)
    events: tuple[WebhookEvent, ...] = tuple(WebhookEvent)


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What a campaign is to do.

    Args:
        name: For people.
        account: The Twilio account that pays.
        flow: What the called person hears, a flow's name.
        numbers: Whom the calls come from, taken in turn.
        kind: What the law calls it.
        priority: Higher goes first, always.
        weight: How campaigns of one priority share the calls among themselves.
        start_at: Nobody is called before; None for no such time.
        end_at: Nobody is called after.
        hours: What the calling hours are made of; the engine keeps it and never reads it.
        retry: When contacts are called again.
        max_live: Calls under way at once, of this campaign alone; None for the account's limit.
        calls_per_second: Likewise.
        machine_detection: "Enable", "DetectMessageEnd", or empty.
        on_machine: What becomes of a call that a machine answers.
        message_node: Where in the flow a message for a machine begins.
        on_screening: What becomes of a call that a telephone screens.
        screening_node: Where in the flow such a telephone is answered.
        ring_seconds: How long it rings; the law's least is 15.
        time_limit_seconds: How long a call may last; None for Twilio's limit.
        on_unknown: What becomes of a contact whose call cannot be found.
        breaker: When too many calls go wrong.
        caps: The owner's own bounds on calls to one number; the law's hold besides.
        webhook: Where its events are sent; None for no events.
        rules_version: Which edition of the law's tables it was checked with.
        file: The text of the campaign file that it was made from, by which contacts are read.
    """

    name: str
    account: str
    flow: str
    numbers: tuple[PoolNumber, ...]
    kind: CampaignKind = CampaignKind.OTHER
    priority: int = 0
    weight: float = 1.0
    start_at: int | None = None
    end_at: int | None = None
    hours: Mapping[str, object] = field(default_factory=dict)
    retry: RetryRules = field(default_factory=RetryRules)
    max_live: int | None = None
    calls_per_second: float | None = None
    machine_detection: str = ""
    on_machine: OnMachine = OnMachine.HANG_UP
    message_node: str = ""
    on_screening: OnScreening = OnScreening.CARRY_ON
    screening_node: str = ""
    ring_seconds: int = 25
    time_limit_seconds: int | None = None
    on_unknown: OnUnknown = OnUnknown.REDIAL
    breaker: BreakerRules = field(default_factory=BreakerRules)
    caps: tuple[Cap, ...] = ()
    webhook: Webhook | None = None
    rules_version: str = ""
    file: str = ""

    @property
    def calls_per_day(self) -> int | None:
        """What its numbers make in 24 hours, at most; None for any number of calls."""
        return self.numbers_left({})

    def numbers_left(self, made: Mapping[str, int]) -> int | None:
        """How many calls its numbers may still make, when each has made so many in 24 hours; None for any number."""
        left = [None if one.daily_cap is None else one.daily_cap - made.get(one.number, 0) for one in self.numbers]
        return None if not left or None in left else sum(max(0, calls or 0) for calls in left)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign with its status.

    Args:
        id: Its own, for ever.
        plan: What it is to do.
        status: Whether it dials.
        status_at: Since when.
        reason: Why, in words for its owner; empty when a person did it without saying.
        tat: When its next call would be on time by its own calls per second.
        turn: Goes up with each call, so that its numbers are taken in turn.
        deleted_at: Since when it is deleted, but for the records that are kept; None for a campaign that is not.
    """

    id: str
    plan: CampaignPlan
    status: CampaignStatus = CampaignStatus.DRAFT
    status_at: int = 0
    reason: str = ""
    tat: float = 0.0
    turn: int = 0
    deleted_at: int | None = None

    def dials_at(self, now: int) -> bool:
        """Whether its contacts may be claimed now."""
        started = self.plan.start_at is None or self.plan.start_at <= now
        return self.status is CampaignStatus.RUNNING and started and not self.ends_by(now)

    def called(self, *, now: int) -> "Campaign":
        """Return the campaign after one more call."""
        rate = self.plan.calls_per_second
        tat = self.tat if rate is None else on_time(self.tat, rate, now=now) + 1000.0 / rate
        return replace(self, tat=tat, turn=self.turn + 1)

    def ends_by(self, now: int) -> bool:
        """Whether its end time has come."""
        return self.plan.end_at is not None and self.plan.end_at <= now
