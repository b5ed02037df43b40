"""`telebridge campaign create`: a campaign from its file, and its contacts from a CSV."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.importing.importing import ImportProgress
from telebridge.campaigns.reporting.view import campaign_json
from telebridge.campaigns.reporting.words import CampaignWords, words_in_store
from telebridge.cli.campaign.lists.importing import fill, rejects_beside, told, told_json
from telebridge.cli.campaign.store import (
    account_of,
    campaign_store,
    find_campaign,
    flows_of,
    read_file,
    run,
)
from telebridge.cli.campaign.words import tell_words
from telebridge.cli.options import AppOption, ConfigOption, JsonOption
from telebridge.cli.process.printing import print_line, print_text
from telebridge.logs import configure_logs
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings

UpdateOption = Annotated[
    bool, typer.Option("--update", help="Let contacts not called yet have the data that the CSV has now.")
]
RejectsOption = Annotated[
    Path | None,
    typer.Option(help="Where rows that are no contacts go.", show_default="beside the CSV, as NAME.rejects.csv"),
]


def create(
    file: Annotated[Path, typer.Argument(help="A campaign file; docs/campaign-files.md has every key.")],
    contacts: Annotated[Path | None, typer.Option(help="The people: a CSV, imported at once.")] = None,
    rejects: RejectsOption = None,
    update: UpdateOption = False,  # noqa: FBT002 - a flag of the command line
    app: AppOption = None,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Make a campaign from its file, or change the one of that name which does not dial, and import its contacts.

    Nobody is called before **telebridge campaign start**. An import that was interrupted goes on where it was when
    the command is given again.
    """
    settings = load_settings(config)
    _quiet()
    flows = flows_of(settings, app)
    made, done, words = run(_create(settings, flows, file, contacts, rejects, update=update, json_=json_))
    _tell_import(made, contacts, rejects, done, words, json_=json_)


def import_contacts(
    name: str,
    contacts: Path,
    *,
    rejects: Path | None,
    update: bool,
    app: str | None,
    json_: bool,
    config: Path | None,
) -> None:
    """Bring the contacts of a CSV into a campaign, or go on with an import, and print what became of it."""
    settings = load_settings(config)
    _quiet()

    flows = flows_of(settings, app)

    async def done() -> tuple[Campaign, ImportProgress]:
        async with campaign_store(settings) as store:
            found = await find_campaign(store, name)
            return found, await fill(
                store,
                found,
                contacts,
                rejects=rejects,
                needs=flows.needs_of(found.plan.flow),
                update=update,
                console=Console(stderr=True, quiet=json_),
            )

    found, progress = run(done())
    _tell_import(found, contacts, rejects, progress, json_=json_)


async def _create(
    settings: Settings,
    flows: FlowCatalogue,
    file: Path,
    contacts: Path | None,
    rejects: Path | None,
    *,
    update: bool,
    json_: bool,
) -> tuple[Campaign, ImportProgress | None, CampaignWords | None]:
    account_of(settings)
    _, plan = read_file(settings, flows, file)
    needs = flows.needs_of(plan.flow)
    async with campaign_store(settings) as store:
        made = await store.campaigns.create_or_replan(plan)
        done = None
        if contacts is not None:
            console = Console(stderr=True, quiet=json_)
            done = await fill(store, made, contacts, rejects=rejects, needs=needs, update=update, console=console)
        return made, done, await words_in_store(store, made, flows.get(made.plan.flow))


def _tell_import(
    one: Campaign,
    contacts: Path | None,
    rejects: Path | None,
    done: ImportProgress | None,
    words: CampaignWords | None = None,
    *,
    json_: bool,
) -> None:
    at = rejects or (rejects_beside(contacts) if contacts is not None else Path())
    if json_:
        imported = None if done is None else told_json(done, at)
        said = None if words is None else words.as_json()
        print_line(json.dumps({**campaign_json(one), "import": imported, "words": said}))
        return
    print_text(f"campaign '{one.plan.name}' ({one.id[:8]}) is {one.status.value}")
    if done is not None:
        print_text(told(done, at))
        if done.added and one.status is CampaignStatus.DONE:
            print_text(f"it was done: `telebridge campaign start {one.plan.name}` calls those who came")
    tell_words(words, one.plan.name)


def _quiet() -> None:
    """A command's output is for people; logs say only what went wrong."""
    configure_logs(level="error")
