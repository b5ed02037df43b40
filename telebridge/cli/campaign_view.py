"""How a campaign stands, as a person and as a program read it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from telebridge.campaigns.campaign import Campaign
from telebridge.campaigns.dialling import OpenUntil
from telebridge.campaigns.epoch import instant
from telebridge.campaigns.explaining import Explanation, explain
from telebridge.campaigns.report import told_instant
from telebridge.campaigns.states import CampaignStatus
from telebridge.campaigns.store import CampaignStore, Progress

BAR_WIDTH = 40
OVER = frozenset({CampaignStatus.DONE, CampaignStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class CampaignView:
    """A campaign at one moment.

    Args:
        campaign: Which.
        progress: How far it is.
        explanation: Why contacts are not called now.
        per_second: Attempts begun in a second, lately; None where that is not known.
    """

    campaign: Campaign
    progress: Progress
    explanation: Explanation
    per_second: float | None = None

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
        next_due = self.explanation.next_due_at
        return {
            **campaign_json(self.campaign),
            "contacts": dict(self.progress.contacts),
            "total": self.total,
            "outcomes": dict(self.progress.outcomes),
            "attempts": dict(self.progress.attempts),
            "live_calls": self.live,
            "waiting": {waiting.value: count for waiting, count in self.explanation.waiting.items()},
            "next_due_at": None if next_due is None else told_instant(next_due),
        }

    def __rich__(self) -> RenderableType:
        """For people."""
        plan, status = self.campaign.plan, self.campaign.status.value
        rate = "" if self.per_second is None else f" · {self.per_second:.1f} calls/s"
        reason = f" ({self.campaign.reason})" if self.campaign.reason else ""
        head = Text.assemble((plan.name, "bold"), f" · {status}{reason} · {self.live} live{rate}")
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=max(self.total, 1), completed=self.over, width=BAR_WIDTH),
            f"{self.over:,} of {self.total:,} contacts · {self.attempts:,} calls",
        )
        return Group(head, bar, _counts("outcome", self.progress.outcomes), *self._waiting())

    def _waiting(self) -> list[RenderableType]:
        waiting = {reason.value: count for reason, count in self.explanation.waiting.items()}
        if not waiting:
            return []
        lines: list[RenderableType] = [_counts("waits for", waiting)]
        if self.explanation.next_due_at is not None:
            lines.append(Text(f"the first of those is due at {told_instant(self.explanation.next_due_at)}", "dim"))
        return lines


def campaign_json(campaign: Campaign) -> dict[str, Any]:
    """A campaign for programs, without how far it is."""
    return {
        "id": campaign.id,
        "name": campaign.plan.name,
        "status": campaign.status.value,
        "since": told_instant(instant(campaign.status_at)),
        "reason": campaign.reason,
        "flow": campaign.plan.flow,
        "kind": campaign.plan.kind.value,
    }


async def look(
    store: CampaignStore,
    campaign_id: str,
    open_until: OpenUntil,
    *,
    wallclock: datetime,
    per_second: float | None = None,
) -> CampaignView:
    """How a campaign stands now."""
    campaign = await store.campaigns.find(campaign_id)
    if campaign is None:
        raise LookupError(campaign_id)
    progress = await store.reports.progress(campaign_id)
    explanation = explain(campaign, await store.reports.waiting(campaign_id), open_until, wallclock=wallclock)
    return CampaignView(campaign, progress, explanation, per_second)


async def watch(
    store: CampaignStore,
    campaign_id: str,
    open_until: OpenUntil,
    console: Console,
    *,
    every_seconds: float = 1.0,
    wallclock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> CampaignView:
    """Show a campaign until it is over; answers how it stands then."""
    loop = asyncio.get_running_loop()
    before, at = None, loop.time()
    with Live(console=console, auto_refresh=False) as live:
        while True:
            view = await look(store, campaign_id, open_until, wallclock=wallclock())
            now = loop.time()
            if before is not None and now > at:
                rate = max(0, view.attempts - before.attempts) / (now - at)
                view = CampaignView(view.campaign, view.progress, view.explanation, rate)
            live.update(view, refresh=console.is_terminal)
            if view.campaign.status in OVER and not view.live:
                live.update(view, refresh=True)
                return view
            before, at = view, now
            await asyncio.sleep(every_seconds)


def _counts(what: str, counts: Mapping[str, int]) -> Table:
    table = Table(show_header=True, header_style="dim", box=None, padding=(0, 2, 0, 0))
    table.add_column(what)
    table.add_column("contacts", justify="right")
    for name, count in sorted(counts.items(), key=lambda item: -item[1]):
        table.add_row(name.replace("_", " "), f"{count:,}")
    return table
