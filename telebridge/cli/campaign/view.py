"""The progress of a campaign, shown to people or printed as JSON."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from telebridge.campaigns.engine.dial_rules import OpensAt, OpenUntil
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.reporting.view import CampaignView, view_campaign
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.timing.epoch import iso_instant

BAR_WIDTH = 40


def pictured(view: CampaignView) -> RenderableType:
    """The progress of a campaign as text for a terminal."""
    plan, status = view.campaign.plan, view.campaign.status.value
    rate = "" if view.per_second is None else f" · {view.per_second:.1f} calls/s"
    reason = f" ({view.campaign.reason})" if view.campaign.reason else ""
    head = Text.assemble((plan.name, "bold"), f" · {status}{reason} · {view.live} live{rate}")
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        ProgressBar(total=max(view.total, 1), completed=view.over, width=BAR_WIDTH),
        f"{view.over:,} of {view.total:,} contacts · {view.attempts:,} calls",
    )
    outcomes = [_counts("outcome", view.progress.outcomes)] if view.progress.outcomes else []
    return Group(head, bar, *outcomes, *_waiting(view), *_undelivered(view))


def _undelivered(view: CampaignView) -> list[RenderableType]:
    count = view.undelivered
    return [Text(f"webhook events still to be delivered: {count:,}", "dim")] if count else []


def _waiting(view: CampaignView) -> list[RenderableType]:
    told = view.explanation
    waiting = {reason.value: count for reason, count in told.waiting.items()}
    if not waiting:
        return []
    lines: list[RenderableType] = [_counts("waits for", waiting)]
    if told.opens_at is not None:
        lines.append(Text(f"the calling hours of the first begin at {iso_instant(told.opens_at)}", "dim"))
    if told.next_due_at is not None:
        lines.append(Text(f"the first of those that wait for a time is due at {iso_instant(told.next_due_at)}", "dim"))
    if told.rate_limited_until is not None:
        lines.append(Text(f"Twilio limits the rate: no call before {iso_instant(told.rate_limited_until)}", "dim"))
    if not told.dialers and view.campaign.status is CampaignStatus.RUNNING:
        lines.append(Text("no process dials for its Twilio account now", "yellow"))
    return lines


async def watch(
    store: CampaignStore,
    campaign_id: str,
    open_until: OpenUntil,
    console: Console,
    *,
    every_seconds: float = 1.0,
    opens_at: OpensAt | None = None,
    wallclock: Callable[[], datetime] = lambda: datetime.now(UTC),
    until_paused: bool = False,
) -> CampaignView:
    """Show a campaign until it is over; returns its last progress.

    Args:
        store: The campaigns.
        campaign_id: Which one.
        open_until: Until when somebody may be called.
        console: Where it is shown.
        every_seconds: How often it is looked at.
        opens_at: When somebody may be called again.
        wallclock: Returns the aware instant of now.
        until_paused: Also end when it is paused and its calls are over: nobody is there who resumes it.
    """
    loop = asyncio.get_running_loop()
    before, at = None, loop.time()
    with Live(console=console, auto_refresh=False) as live:
        while True:
            view = await view_campaign(store, campaign_id, open_until, wallclock=wallclock(), opens_at=opens_at)
            now = loop.time()
            if before is not None and now > at:
                rate = max(0, view.attempts - before.attempts) / (now - at)
                view = replace(view, per_second=rate)
            live.update(pictured(view), refresh=console.is_terminal)
            paused = until_paused and view.campaign.status is CampaignStatus.PAUSED
            if (view.campaign.status.is_over or paused) and not view.live:
                live.update(pictured(view), refresh=True)
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
