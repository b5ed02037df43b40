"""The state of a campaign at one moment, as values for the commands and the API."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.dial_rules import OpensAt, OpenUntil
from telebridge.campaigns.reporting.why_waiting import Explanation, explain
from telebridge.campaigns.store.protocols import CampaignStore, Progress
from telebridge.errors import CampaignRefused
from telebridge.timing.epoch import instant, iso_instant


@dataclass(frozen=True, slots=True)
class CampaignView:
    """A campaign at one moment.

    Args:
        campaign: The campaign.
        progress: Counts of its contacts and attempts.
        explanation: Why contacts are not called now.
        per_second: Attempts begun in a second, lately; None where that is not known.
        undelivered: Webhook events that are still to be sent.
    """

    campaign: Campaign
    progress: Progress
    explanation: Explanation
    per_second: float | None = None
    undelivered: int = 0

    @property
    def total(self) -> int:
        """All contacts."""
        return sum(self.progress.contacts.values())

    @property
    def over(self) -> int:
        """Those that will not be called again."""
        return self.progress.contacts.get("done", 0) + self.progress.contacts.get("skipped", 0)

    @property
    def live(self) -> int:
        """Calls under way."""
        return sum(self.progress.attempts.get(state, 0) for state in ("intent", "placed", "answered"))

    @property
    def attempts(self) -> int:
        """Attempts so far, without those that were never placed."""
        return sum(count for state, count in self.progress.attempts.items() if state != "void")

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        next_due, limited = self.explanation.next_due_at, self.explanation.rate_limited_until
        opening = self.explanation.opens_at
        return {
            **campaign_json(self.campaign),
            "contacts": dict(self.progress.contacts),
            "total": self.total,
            "outcomes": dict(self.progress.outcomes),
            "attempts": dict(self.progress.attempts),
            "live_calls": self.live,
            "waiting": {waiting.value: count for waiting, count in self.explanation.waiting.items()},
            "next_due_at": None if next_due is None else iso_instant(next_due),
            "opens_at": None if opening is None else iso_instant(opening),
            "dialers": self.explanation.dialers,
            "rate_limited_until": None if limited is None else iso_instant(limited),
            "undelivered_events": self.undelivered,
        }


def campaign_json(campaign: Campaign) -> dict[str, Any]:
    """A campaign for programs, without how far it is."""
    return {
        "id": campaign.id,
        "name": campaign.plan.name,
        "status": campaign.status.value,
        "since": iso_instant(instant(campaign.status_at)),
        "reason": campaign.reason,
        "flow": campaign.plan.flow,
        "kind": campaign.plan.kind.value,
    }


async def view_campaign(
    store: CampaignStore,
    campaign_id: str,
    open_until: OpenUntil,
    *,
    wallclock: datetime,
    per_second: float | None = None,
    opens_at: OpensAt | None = None,
) -> CampaignView:
    """Return the state of a campaign at this moment.

    Raises:
        CampaignRefused: There is no such campaign.
    """
    campaign = await store.campaigns.find(campaign_id)
    if campaign is None:
        raise CampaignRefused(campaign_id, "there is none")
    progress = await store.reports.progress(campaign_id)
    lanes, dialing = await store.reports.waiting(campaign_id), await store.reports.dialing(campaign)
    explanation = explain(campaign, lanes, dialing, open_until, wallclock=wallclock, opens_at=opens_at)
    undelivered = await store.outbox.undelivered(campaign_id)
    return CampaignView(campaign, progress, explanation, per_second, undelivered)
