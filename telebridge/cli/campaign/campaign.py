"""`telebridge campaign`: call many people, each in their legal hours, and each attempt once.

The commands work on the database of the settings; `telebridge serve` or `telebridge campaign work` dials.

One rule: what only one command needs is imported by that command: all together takes longer than most of them.
"""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from telebridge.campaigns.calling_hours.hours import CallingLaw
from telebridge.campaigns.calling_hours.law import calling_rules
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.states import CampaignInput, CampaignStatus
from telebridge.campaigns.reporting.view import CampaignView, campaign_json, view_campaign
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.cli.campaign.confirming import YesOption, asks, confirmed
from telebridge.cli.campaign.store import NameArgument, campaign_store, find_campaign, flows_of, run
from telebridge.cli.campaign.view import pictured, watch
from telebridge.cli.on_demand import CommandOnDemand, CommandsOnDemand
from telebridge.cli.options import AppOption, ConfigOption, JsonOption
from telebridge.cli.process.printing import number_of, print_line, print_text
from telebridge.errors import CampaignRefused
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings
from telebridge.timing.epoch import iso_time

if TYPE_CHECKING:
    from telebridge.campaigns.reporting.words import CampaignWords

ON_DEMAND = (
    CommandOnDemand(
        "init",
        "telebridge.cli.campaign.init:init",
        "Write a campaign file for a CSV: the column of numbers, and the columns that fill what the flow says.",
    ),
    CommandOnDemand(
        "preflight",
        "telebridge.cli.campaign.preflight:preflight",
        "Report who would be called, who would not and why, what they hear, the duration and the cost.",
    ),
    CommandOnDemand(
        "create",
        "telebridge.cli.campaign.create:create",
        "Make a campaign from its file, or change the one of that name which does not dial, and import its contacts.",
    ),
    CommandOnDemand(
        "law",
        "telebridge.cli.campaign.law:law",
        "Show what is enforced in a country: hours, caps and registers, each with its source. It is no legal advice.",
    ),
    CommandOnDemand(
        "import",
        "telebridge.cli.campaign.administration.importing:import_",
        "Bring further contacts into a campaign, whether it dials or not; or a whole campaign from an exported file.",
    ),
    CommandOnDemand(
        "edit",
        "telebridge.cli.campaign.administration.edit:edit",
        "Change a campaign's rate, hours, retries and the like, also while it runs; without changes show its keys.",
    ),
    CommandOnDemand(
        "clone",
        "telebridge.cli.campaign.administration.clone:clone",
        "Make a draft like a campaign, with another name; nobody is called before **start**.",
    ),
    CommandOnDemand(
        "delete",
        "telebridge.cli.campaign.administration.delete:delete",
        "Delete a draft, or a campaign that is done or cancelled: its contacts and all that was known of them.",
    ),
    CommandOnDemand(
        "export",
        "telebridge.cli.campaign.administration.export:export",
        "Write a whole campaign to one file: its definition, contacts, attempts, outcomes and do-not-call entries.",
    ),
    CommandOnDemand(
        "report",
        "telebridge.cli.campaign.report:report",
        "Write one row for each contact: its attempts, the outcome, what was heard, the keys pressed, the flow's "
        "results.",
    ),
    CommandOnDemand(
        "do-not-call",
        "telebridge.cli.campaign.lists.do_not_call:do_not_call",
        "Numbers that no campaign calls, or one campaign does not call: at once and permanently.",
    ),
    CommandOnDemand(
        "test",
        "telebridge.cli.campaign.try_campaign:try_campaign",
        "Ring you with the words of a real contact, or speak them to a WAV file. The contact is not called.",
    ),
    CommandOnDemand(
        "work",
        "telebridge.cli.campaign.work:work",
        "Dial campaigns and nothing else; `telebridge serve` at `public_url` answers the calls.",
    ),
    CommandOnDemand(
        "demo",
        "telebridge.cli.campaign.demo:demo",
        "Call up to 200 people on this machine: a local Twilio, the bridge, and a voice; no account, no network.",
    ),
)
"""The commands that need more than the database; none is imported before it is named."""


class Commands(CommandsOnDemand):
    """The commands of campaigns."""

    on_demand = ON_DEMAND


campaign = typer.Typer(
    cls=Commands,
    help="Call many people: contacts from a CSV, each called within the law's hours, never twice for one attempt.",
    epilog="""Begin with **telebridge campaign demo**: 200 people who do not exist, called on this machine.

In earnest: **init**, **preflight**, **create**, **test**, **start**, **status --watch**, **report**, while
**telebridge serve** runs.""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@campaign.command("list")
def list_(
    deleted: Annotated[bool, typer.Option("--deleted", help="Those of which only records are kept.")] = False,  # noqa: FBT002
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """List all campaigns, the newest first."""
    settings = load_settings(config)

    async def known() -> list[Campaign]:
        async with campaign_store(settings) as store:
            return await (store.administration.deleted() if deleted else store.campaigns.all())

    found = run(known())
    if json_:
        print_line(json.dumps([campaign_json(one) for one in found]))
        return
    for one in found:
        since = f"deleted at {iso_time(one.deleted_at)}" if one.deleted_at is not None else one.reason
        print_text(f"{one.id[:8]}  {one.plan.name:<24} {one.status.value:<10} {one.plan.flow:<20} {since}".rstrip())
    if not found and deleted:
        print_text("no records of deleted campaigns are kept")
    elif not found:
        print_text("there are no campaigns; `telebridge campaign create FILE --contacts CSV` makes one")


@campaign.command()
def start(
    name: NameArgument,
    app: AppOption = None,
    yes: YesOption = False,  # noqa: FBT002 - a flag of the command line
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Start a campaign now or at its `start_at`; also one that is done and has new contacts.

    Shows what the first three contacts will hear. Refused without contacts, when contacts lack what the flow needs, and
    for telemarketing if no do-not-call register was imported in the last 31 days. On a terminal it asks before it calls
    more than 50 contacts.
    """
    from telebridge.campaigns.dialing.start_checks import start_campaign
    from telebridge.campaigns.reporting.words import words_in_store
    from telebridge.cli.campaign.words import tell_words

    settings = load_settings(config)
    flows = flows_of(settings, app)
    words: list[CampaignWords | None] = []
    regions: set[str] = set()
    told: list[bool] = []

    async def started(store: CampaignStore, one: Campaign) -> Campaign:
        words.append(await words_in_store(store, one, flows.get(one.plan.flow)))
        regions.update(lane.region for lane in (await store.reports.lanes(one.id)).values())
        told.append(not json_ and await asks(store, one, yes=yes))
        if told[0]:  # who is asked has read the words and the warnings
            tell_words(words[0], one.plan.name)
            _warn_of_law(regions)
        await confirmed(store, one, "Call {count} contacts of campaign '{name}'?", yes=yes)
        return await start_campaign(store, one, wallclock=datetime.now(UTC), needs=flows.needs_of(one.plan.flow))

    after = _on(settings, name, started)
    if json_:
        print_line(json.dumps({**campaign_json(after), "words": words[0].as_json() if words[0] is not None else None}))
    else:
        tell_words(None if told[0] else words[0], after.plan.name)
        _tell_status(after, json_=False)
    if not told[0]:
        _warn_of_law(regions)


def _warn_of_law(regions: Collection[str]) -> None:
    for warning in calling_rules().warnings(regions, wallclock=datetime.now(UTC)):
        print_text(f"warning: {warning}", err=True)


@campaign.command()
def pause(name: NameArgument, json_: JsonOption = False, config: ConfigOption = None) -> None:  # noqa: FBT002
    """Pause a campaign: no new calls, while live calls go on. Every process follows within half a second."""
    _tell_status(_change(load_settings(config), name, CampaignInput.PAUSE), json_=json_)


@campaign.command()
def resume(
    name: NameArgument,
    app: AppOption = None,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Resume a campaign that was paused, or that paused itself."""
    start(name, app, yes=True, json_=json_, config=config)


@campaign.command()
def retry(
    name: NameArgument,
    outcome: Annotated[str, typer.Option(help="Outcomes, by commas, such as refused,bad_number,unknown.")],
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Put contacts that are done with these outcomes back, to be called again; not those who were spoken to.

    A campaign that does not run calls them once it is started.
    """
    settings = load_settings(config)

    async def retried() -> tuple[Campaign, int]:
        async with campaign_store(settings) as store:
            one = await find_campaign(store, name)
            outcomes = {part.strip() for part in outcome.split(",") if part.strip()}
            return one, await store.contacts.retry(one.id, outcomes)

    one, count = run(retried())
    if json_:
        print_line(json.dumps({**campaign_json(one), "retried": count}))
        return
    start_it = f": `telebridge campaign start {one.plan.name}` calls them"
    waits = count and one.status is not CampaignStatus.RUNNING
    put_back = f"{number_of(count, 'contact')} put back{start_it if waits else ''}"
    print_text(f"campaign '{one.plan.name}' is {one.status.value}, {put_back}")


@campaign.command()
def cancel(
    name: NameArgument,
    end_calls: Annotated[bool, typer.Option("--end-calls", help="End its live calls too.")] = False,  # noqa: FBT002
    yes: YesOption = False,  # noqa: FBT002 - a flag of the command line
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Cancel a campaign permanently. Answered calls go on unless `--end-calls` is given; the report is kept.

    On a terminal it asks before it gives up more than 50 contacts.
    """
    from telebridge.app.twilio import open_twilio
    from telebridge.campaigns.dialing.reconciler import Reconciler, ReconcilerOptions

    settings = load_settings(config)

    async def cancelled(store: CampaignStore, one: Campaign) -> Campaign:
        await confirmed(store, one, "Cancel campaign '{name}' for good, with {count} contacts not done?", yes=yes)
        if not end_calls:
            return await store.campaigns.change(one.id, CampaignInput.CANCEL)
        async with open_twilio(settings.twilio) as twilio:  # a missing setting is reported before anything is changed
            after = await store.campaigns.change(one.id, CampaignInput.CANCEL)
            ended = await Reconciler(store, twilio, ReconcilerOptions("cli")).end_calls(one.id, answered_too=True)
        print_text(f"Twilio was told to end {ended} calls", err=True)
        return after

    _tell_status(_on(settings, name, cancelled), json_=json_)


@campaign.command()
def status(
    name: NameArgument,
    watching: Annotated[bool, typer.Option("--watch", help="Update the view until the campaign is over.")] = False,  # noqa: FBT002
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Show the progress of a campaign: contacts, live calls, outcomes, and why nobody is called at the moment."""
    settings = load_settings(config)
    law = CallingLaw(calling_rules())

    async def shown() -> CampaignView:
        async with campaign_store(settings) as store:
            one = await find_campaign(store, name)
            if watching and not json_:
                return await watch(store, one.id, law.open_until, Console(), opens_at=law.opens_at)
            return await view_campaign(
                store, one.id, law.open_until, wallclock=datetime.now(UTC), opens_at=law.opens_at
            )

    view = run(shown())
    if json_:
        print_line(json.dumps(view.as_json()))
    elif not watching:
        Console().print(pictured(view))


def _on(settings: Settings, name: str, change: Any) -> Campaign:
    async def changed() -> Campaign:
        async with campaign_store(settings) as store:
            after = await change(store, await find_campaign(store, name))
            if not isinstance(after, Campaign):
                raise CampaignRefused(name, "is gone")
            return after

    return run(changed())


def _change(settings: Settings, name: str, happened: CampaignInput) -> Campaign:
    async def changed(store: CampaignStore, one: Campaign) -> Campaign:
        return await store.campaigns.change(one.id, happened)

    return _on(settings, name, changed)


def _tell_status(one: Campaign, *, json_: bool) -> None:
    print_line(json.dumps(campaign_json(one)) if json_ else f"campaign '{one.plan.name}' is {one.status.value}")
