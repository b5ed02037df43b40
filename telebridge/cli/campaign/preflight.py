"""`telebridge campaign preflight`: who would be called, who would not and why, the duration and the cost."""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typing_extensions import override

from telebridge.campaigns.calling_hours.hours import CallingLaw
from telebridge.campaigns.calling_hours.law import calling_rules
from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan
from telebridge.campaigns.engine.claim import CampaignLane
from telebridge.campaigns.engine.contact import Added, Lane, NewContact
from telebridge.campaigns.importing.importing import ContactSink, ImportProgress, import_contacts
from telebridge.campaigns.importing.rejects import reasons_in
from telebridge.campaigns.reporting.estimate import Estimate, Speed, estimated
from telebridge.campaigns.webhooks.signature import is_standard_secret
from telebridge.cli.campaign.importing import readers_for
from telebridge.cli.campaign.store import campaign_store, read_file, run
from telebridge.cli.listen import print_line
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.errors import ConfigurationError
from telebridge.settings import Settings, load_settings


@dataclass(slots=True)
class Counted(ContactSink):
    """Counts contacts instead of keeping them."""

    do_not_call: frozenset[str]
    lanes: dict[Lane, int] = field(default_factory=dict)
    on_list: int = 0
    seen: set[str] = field(default_factory=set)

    @override
    async def add(self, campaign_id: str, contacts: Sequence[NewContact], *, upto_line: int) -> Added:
        new = {one.phone: one for one in contacts if one.phone not in self.seen}
        self.seen |= set(new)
        for one in new.values():
            if one.phone in self.do_not_call:
                self.on_list += 1
            else:
                self.lanes[one.lane] = self.lanes.get(one.lane, 0) + 1
        return Added(len(new), len(contacts) - len(new))


@dataclass(frozen=True, slots=True)
class Preflight:
    """The forecast of a campaign.

    Args:
        counted: Its contacts.
        read: The result of reading the CSV.
        reasons: Why rows were rejected.
        estimate: The duration and the cost.
        warnings: What the owner should know besides, as sentences.
    """

    counted: Counted
    read: ImportProgress
    reasons: dict[str, int]
    estimate: Estimate
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        done = self.estimate.first_round_over
        return {
            "rows": self.read.rows,
            "callable": sum(self.counted.lanes.values()),
            "skipped": {
                "duplicate": self.read.duplicates,
                "do_not_call": self.counted.on_list,
                "never_open": self.estimate.never_open,
                "left_over": self.estimate.left_over,
                "rejected": self.reasons,
            },
            "lanes": len(self.counted.lanes),
            "open_now": self.estimate.open_now,
            "first_round_over": None if done is None else done.isoformat(),
            "calls": round(self.estimate.calls),
            "cost": round(self.estimate.cost, 2),
            "warnings": list(self.warnings),
        }


def preflight(
    file: Annotated[Path, typer.Argument(help="A campaign file.")],
    contacts: Annotated[Path, typer.Option("--contacts", help="The people: a CSV.")],
    answer_rate: Annotated[float, typer.Option(min=0, max=1, help="Share of calls that are answered.")] = 0.4,
    call_seconds: Annotated[float, typer.Option(min=1, help="How long an answered call lasts.")] = 45.0,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Report who would be called, who would not and why, the duration and the cost; nothing is written.

    The duration is that of the first call to every contact: within the windows, from the file's start to its end, at
    the lower rate of the file and of `[campaigns]`, and within the daily cap of the numbers; retries are not counted.
    The cost counts expected retries, at the file's prices.
    """
    settings = load_settings(config)
    result = run(_checked(settings, file, contacts, answer_rate=answer_rate, call_seconds=call_seconds, quiet=json_))
    if json_:
        print_line(json.dumps(result.as_json()))
    else:
        _tell(result)


async def _checked(
    settings: Settings, file: Path, contacts: Path, *, answer_rate: float, call_seconds: float, quiet: bool
) -> Preflight:
    definition, plan = read_file(settings, file)
    console = Console(stderr=True, quiet=quiet)
    counted = Counted(await _do_not_call(settings))
    with tempfile.TemporaryDirectory() as folder, console.status(f"reading {contacts.name}"):
        rejects = Path(folder) / "rejects.csv"
        try:
            size = (await asyncio.to_thread(contacts.stat)).st_size
        except OSError as error:
            raise ConfigurationError(str(contacts), f"cannot be read ({error.strerror})") from error
        read = await import_contacts(
            contacts, definition, counted, campaign_id="", rejects=rejects, workers=readers_for(size)
        )
        reasons = reasons_in(rejects)
    law, campaign = CallingLaw(calling_rules()), Campaign("preflight", plan)
    lanes = [(CampaignLane(at, campaign, lane, 0), count) for at, (lane, count) in enumerate(counted.lanes.items())]
    limits = settings.campaigns
    speed = Speed(
        calls_per_second=min(definition.calls_per_second, limits.calls_per_second),
        max_live=max(1, min(definition.max_live, limits.max_live - limits.reserved)),
        answer_rate=answer_rate,
        call_seconds=call_seconds,
        ring_seconds=definition.ring_timeout,
        max_attempts=definition.max_attempts,
        price_per_call=definition.price_per_call,
        price_per_minute=definition.price_per_minute,
        calls_per_day=plan.calls_per_day,
    )
    estimate = estimated(lanes, law, speed, wallclock=datetime.now(UTC))
    return Preflight(counted, read, reasons, estimate, warnings_of(plan))


def warnings_of(plan: CampaignPlan) -> tuple[str, ...]:
    """Return what the owner of a campaign should know although it is not a mistake."""
    webhook = plan.webhook
    if webhook is None or not webhook.secret or is_standard_secret(webhook.secret):
        return ()
    return (
        "webhook.secret is no 'whsec_' secret: requests are signed with its UTF-8 bytes, and libraries for "
        "Standard Webhooks verify them with those bytes or their base64",
    )


async def _do_not_call(settings: Settings) -> frozenset[str]:
    """The do-not-call list; empty if there is no database yet, which is not created here."""
    url = settings.database_url
    if url.startswith("sqlite:///") and not await asyncio.to_thread(Path(url.removeprefix("sqlite:///")).exists):
        return frozenset()
    async with campaign_store(settings) as store:
        return frozenset([one.phone async for one in store.do_not_call.all() if not one.scope])


def _tell(result: Preflight) -> None:
    told, estimate = result.as_json(), result.estimate
    print_line(f"{told['rows']:,} rows: {told['callable']:,} contacts would be called")
    skipped = [
        (result.read.duplicates, "have a number that is there already"),
        (result.counted.on_list, "are on the do-not-call list"),
        (estimate.never_open, "have no hours within 14 days, or before the end, in which they may be called"),
        (
            estimate.left_over,
            "do not have their turn before the end, or within 60 days: raise calls_per_second, max_live "
            "or daily_cap, or widen the window",
        ),
        *((count, reason) for reason, count in result.reasons.items()),
    ]
    for count, why in skipped:
        if count:
            print_line(f"  {count:,} would not: {why}")
    print_line(f"{estimate.open_now:,} may be called at this moment, in {told['lanes']} lanes of zone and law")
    if estimate.first_round_over is not None:
        took = estimate.first_round_over - datetime.now(UTC)
        print_line(
            f"everybody has been called once after {_told(took)}, at {estimate.first_round_over:%Y-%m-%d %H:%M} UTC, "
            f"at {estimate.calls_per_second:.3g} calls/s"
        )
    for warning in result.warnings:
        typer.echo(f"warning: {warning}", err=True)
    print_line(
        f"about {estimate.calls:,.0f} calls with retries, {estimate.minutes:,.0f} minutes, cost {estimate.cost:,.2f}"
    )


def _told(span: timedelta) -> str:
    minutes = max(0, round(span / timedelta(minutes=1)))
    days, hours = minutes // 1440, minutes // 60 % 24
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes % 60} min"
