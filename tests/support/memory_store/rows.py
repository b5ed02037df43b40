"""What a store in this process's memory keeps; the parts of the store all work on the same rows.

One rule: no method of a part awaits in its middle, so each is a transaction.
"""

from collections import Counter
from dataclasses import dataclass, field

from support.memory_store.outbox import OutboxRows
from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan
from telebridge.campaigns.engine.claim import DAY_MS
from telebridge.campaigns.engine.contact import Contact, ImportPosition, Lane
from telebridge.campaigns.engine.do_not_call import DoNotCallEntry
from telebridge.campaigns.engine.pacing import Backoff, Pacing
from telebridge.campaigns.engine.states import AttemptState
from telebridge.timing.epoch import Clock


@dataclass(slots=True)
class Pacer:
    """How fast an account calls: its limits, when its next call is on time, its back-off."""

    pacing: Pacing
    tat: float = 0.0
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(slots=True)
class MemoryRows:
    """All that is kept."""

    clock: Clock
    campaigns: dict[str, Campaign] = field(default_factory=dict)
    lanes: dict[int, tuple[str, Lane, int]] = field(default_factory=dict)
    contacts: dict[int, Contact] = field(default_factory=dict)
    phones: dict[tuple[str, str], int] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    pacers: dict[str, Pacer] = field(default_factory=dict)
    imported: dict[str, ImportPosition] = field(default_factory=dict)
    do_not_call: dict[tuple[str, str], DoNotCallEntry] = field(default_factory=dict)
    scrubbed: dict[str, int] = field(default_factory=dict)
    leases: dict[str, tuple[str, int]] = field(default_factory=dict)
    outbox: OutboxRows = field(default_factory=dict)

    def not_over(self, plan: CampaignPlan) -> Campaign | None:
        """The campaign of that account and name that is not over."""
        named = (
            one for one in self.campaigns.values() if (one.plan.account, one.plan.name) == (plan.account, plan.name)
        )
        return next((one for one in named if not one.status.is_over), None)

    def contacts_of(self, campaign_id: str) -> list[Contact]:
        """Its contacts in the order of import."""
        return [contact for contact in self.contacts.values() if contact.campaign_id == campaign_id]

    def attempts_of(self, campaign_id: str) -> list[Attempt]:
        """Its attempts, the oldest first."""
        return [attempt for attempt in self.attempts.values() if attempt.campaign_id == campaign_id]

    def live(self) -> list[Attempt]:
        """The attempts of all campaigns that are under way."""
        return [attempt for attempt in self.attempts.values() if attempt.state.is_live]

    def made(self, now: int) -> Counter[str]:
        """How many calls each number has made in the last 24 hours."""
        return Counter(
            attempt.from_number
            for attempt in self.attempts.values()
            if attempt.intent_at > now - DAY_MS and attempt.state is not AttemptState.VOID
        )
