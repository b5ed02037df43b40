"""`telebridge campaign preflight`: who would be called, who would not and why, the duration and the cost."""

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typing_extensions import override

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.flows.python.registry import PythonFlow
from telebridge.campaigns.calling_hours.hours import CallingLaw
from telebridge.campaigns.calling_hours.law import calling_rules
from telebridge.campaigns.definition.model import CampaignDefinition
from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan
from telebridge.campaigns.engine.claim import CampaignLane
from telebridge.campaigns.engine.contact import Added, Lane, NewContact
from telebridge.campaigns.importing.importing import ContactSink, ImportProgress, import_contacts
from telebridge.campaigns.importing.rejects import reasons_in
from telebridge.campaigns.numbers.location import codes_disagree
from telebridge.campaigns.reporting.estimate import USUAL_ANSWER_RATE, USUAL_CALL_SECONDS, Estimate, Speed, estimated
from telebridge.campaigns.reporting.words import FIRST_CALLS, CampaignWords, words_of
from telebridge.campaigns.webhooks.signature import is_standard_secret
from telebridge.cli.campaign.lists.importing import readers_for
from telebridge.cli.campaign.store import campaign_store, flows_of, read_file, run
from telebridge.cli.campaign.words import tell_words
from telebridge.cli.options import AppOption, ConfigOption, JsonOption
from telebridge.cli.process.printing import number_of, print_line, print_text
from telebridge.errors import ConfigurationError
from telebridge.flows.inspection import folded_name, used_variables
from telebridge.flows.model import Flow
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings


@dataclass(slots=True)
class Counted(ContactSink):
    """Counts contacts instead of keeping them, but for the first.

    Args:
        do_not_call: Numbers that are not called.
        used: The variables that the flow uses.
        first: The number and the variables of the contacts that come first.
        blank: How many have nothing in a column that the flow uses.
        lanes: How many contacts there are in each lane.
        on_list: How many are on the do-not-call list.
        codes_disagree: How many have a postal code and an area code of different states.
        seen: The numbers so far.
    """

    do_not_call: frozenset[str]
    used: frozenset[str] = frozenset()
    first: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    blank: Counter[str] = field(default_factory=Counter)
    lanes: dict[Lane, int] = field(default_factory=dict)
    on_list: int = 0
    codes_disagree: int = 0
    seen: set[str] = field(default_factory=set)
    _columns: list[str] | None = None

    @override
    async def add(self, campaign_id: str, contacts: Sequence[NewContact], *, upto_line: int) -> Added:
        new = {one.phone: one for one in contacts if one.phone not in self.seen}
        self.seen |= set(new)
        for one in new.values():
            if not self.do_not_call.isdisjoint((one.phone, *(phone for phone, _ in one.others))):
                self.on_list += 1
                continue
            for _, lane in one.others:
                self.lanes.setdefault(lane, 0)
            self.lanes[one.lane] = self.lanes.get(one.lane, 0) + 1
            self.codes_disagree += codes_disagree(one.phone, one.lane)
            self.blank.update(name for name in self._watched(one.variables) if not one.variables[name].strip())
            if len(self.first) < FIRST_CALLS:
                self.first.append((one.phone, one.variables))
        return Added(len(new), len(contacts) - len(new))

    def _watched(self, variables: Mapping[str, str]) -> list[str]:
        if self._columns is None:
            folded = {folded_name(name) for name in self.used}
            self._columns = [name for name in variables if folded_name(name) in folded]
        return self._columns


@dataclass(frozen=True, slots=True)
class Preflight:
    """The forecast of a campaign.

    Args:
        counted: Its contacts.
        read: The result of reading the CSV.
        reasons: Why rows were rejected.
        estimate: The duration and the cost.
        warnings: What the owner should know besides, as sentences.
        words: What the first contacts will hear.
        name: The name of the campaign.
        priced: Whether the file sets a price.
    """

    counted: Counted
    read: ImportProgress
    reasons: dict[str, int]
    estimate: Estimate
    warnings: tuple[str, ...] = ()
    words: CampaignWords | None = None
    name: str = ""
    priced: bool = False

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        done = self.estimate.first_round_over
        return {
            "rows": self.read.rows,
            "empty_rows": self.read.empty,
            "callable": sum(self.counted.lanes.values()),
            "skipped": {
                "duplicate": self.read.duplicates,
                "do_not_call": self.counted.on_list,
                "never_open": self.estimate.never_open,
                "left_over": self.estimate.left_over,
                "rejected": self.reasons,
            },
            "lanes": len(self.counted.lanes),
            "codes_disagree": self.counted.codes_disagree,
            "open_now": self.estimate.open_now,
            "first_round_over": None if done is None else done.isoformat(),
            "calls": round(self.estimate.calls),
            "cost": round(self.estimate.cost, 2) if self.priced else None,
            "warnings": list(self.warnings),
            "words": None if self.words is None else self.words.as_json(),
        }


def preflight(
    file: Annotated[Path, typer.Argument(help="A campaign file.")],
    contacts: Annotated[Path, typer.Option("--contacts", help="The people: a CSV.")],
    answer_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share of calls that are answered.")
    ] = USUAL_ANSWER_RATE,
    call_seconds: Annotated[float, typer.Option(min=1, help="How long an answered call lasts.")] = USUAL_CALL_SECONDS,
    app: AppOption = None,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Report who would be called, who would not and why, what they hear, the duration and the cost.

    Nothing is written. The first calls are shown word for word, with the variables that no column fills.

    The duration is that of the first call to every contact: within the windows, from the file's start to its end, at
    the lower rate of the file and of `[campaigns]`, and within the daily cap of the numbers; retries are not counted.
    The cost counts expected retries, at the file's prices.
    """
    settings = load_settings(config)
    flows = flows_of(settings, app)
    work = _checked(settings, flows, file, contacts, answer_rate=answer_rate, call_seconds=call_seconds, quiet=json_)
    result = run(work)
    if json_:
        print_line(json.dumps(result.as_json()))
    else:
        _tell(result)


async def _checked(
    settings: Settings,
    flows: FlowCatalogue,
    file: Path,
    contacts: Path,
    *,
    answer_rate: float,
    call_seconds: float,
    quiet: bool,
) -> Preflight:
    definition, plan = read_file(settings, flows, file)
    console = Console(stderr=True, quiet=quiet)
    flow = flows.find(plan.flow)
    used = used_variables(flow) if isinstance(flow, Flow) else frozenset(flows.needs_of(plan.flow))
    counted = Counted(await _do_not_call(settings), used)
    with tempfile.TemporaryDirectory() as folder, console.status(f"reading {contacts.name}"):
        rejects = Path(folder) / "rejects.csv"
        try:
            size = (await asyncio.to_thread(contacts.stat)).st_size
        except OSError as error:
            raise ConfigurationError(str(contacts), f"cannot be read ({error.strerror})") from error
        read = await import_contacts(
            contacts,
            definition,
            counted,
            campaign_id="",
            rejects=rejects,
            needs=flows.needs_of(plan.flow),
            workers=readers_for(size),
        )
        reasons = reasons_in(rejects)
    law, campaign = CallingLaw(calling_rules()), Campaign("preflight", plan)
    lanes = [(CampaignLane(at, campaign, lane, 0), count) for at, (lane, count) in enumerate(counted.lanes.items())]
    limits = settings.campaigns
    within = Speed.within(
        plan,
        calls_per_second=limits.calls_per_second,
        max_live=limits.max_live - limits.reserved,
        answer_rate=answer_rate,
        call_seconds=call_seconds,
    )
    speed = replace(within, price_per_call=definition.price_per_call, price_per_minute=definition.price_per_minute)
    estimate = estimated(lanes, law, speed, wallclock=datetime.now(UTC))
    blank = tuple(
        f"{number_of(count, 'contact has', 'contacts have')} nothing in the column '{name}', which is said"
        for name, count in counted.blank.items()
    )
    law_told = calling_rules().warnings({lane.region for lane in counted.lanes}, wallclock=datetime.now(UTC))
    told = (*blank, *_disagreement(counted, definition), *law_told, *warnings_of(plan))
    priced = bool(definition.price_per_call or definition.price_per_minute)
    return Preflight(counted, read, reasons, estimate, told, _words(flow, plan, counted), plan.name, priced)


def _disagreement(counted: Counted, definition: CampaignDefinition) -> tuple[str, ...]:
    if not counted.codes_disagree:
        return ()
    have = number_of(counted.codes_disagree, "contact has", "contacts have")
    whose = f"{have} a postal code and an area code of different states: "
    if definition.zones == "both":
        return (f"{whose}they are called only while both places are within their hours",)
    return (f"{whose}the postal code decides; zones = 'both' calls only while both places are within their hours",)


def _words(flow: Flow | PythonFlow, plan: CampaignPlan, counted: Counted) -> CampaignWords | None:
    if not counted.first:
        return None
    if not isinstance(flow, Flow):
        return CampaignWords(plan.flow)
    columns, number = counted.first[0][1], plan.numbers[0].number
    return words_of(flow, columns, counted.first, from_number=number, message_node=plan.message_node)


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
    print_text(f"{number_of(told['rows'], 'row')}: {number_of(told['callable'], 'contact')} would be called")
    if result.read.empty:
        print_text(f"  {number_of(result.read.empty, 'empty row is', 'empty rows are')} skipped")
    skipped = [
        (result.read.duplicates, "the number is there already"),
        (result.counted.on_list, "on the do-not-call list"),
        (estimate.never_open, "no hours within 14 days, or before the end, in which they may be called"),
        (
            estimate.left_over,
            "no turn before the end, or within 60 days: raise calls_per_second, max_live "
            "or daily_cap, or widen the window",
        ),
        *((count, reason) for reason, count in result.reasons.items()),
    ]
    for count, why in skipped:
        if count:
            print_text(f"  {count:,} would not: {why}")
    if not told["callable"]:
        what = (
            "mend what the lines above name" if told["rows"] else "the list has no rows below the names of its columns"
        )
        print_text(f"nobody would be called: {what}")
        _warn(result)
        return
    hours = "the same calling hours" if told["lanes"] == 1 else f"{told['lanes']} different calling hours"
    print_text(f"{estimate.open_now:,} may be called at this moment; the contacts have {hours}, by zone and law")
    if estimate.first_round_over is not None:
        took = estimate.first_round_over - datetime.now(UTC)
        print_text(
            f"everybody has been called once after {_told(took)}, at {estimate.first_round_over:%Y-%m-%d %H:%M} UTC, "
            f"at {estimate.calls_per_second:.3g} calls/s"
        )
    tell_words(result.words, result.name)
    _warn(result)
    cost = f"cost {estimate.cost:,.2f}" if result.priced else "cost unknown: set price_per_call and price_per_minute"
    calls, minutes = number_of(round(estimate.calls), "call"), number_of(round(estimate.minutes), "minute")
    print_text(f"about {calls} with retries, {minutes}, {cost}")


def _warn(result: Preflight) -> None:
    for warning in result.warnings:
        print_text(f"warning: {warning}", err=True)


def _told(span: timedelta) -> str:
    minutes = max(0, round(span / timedelta(minutes=1)))
    if not minutes:
        return "less than a minute"
    days, hours = minutes // 1440, minutes // 60 % 24
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes % 60} min"
