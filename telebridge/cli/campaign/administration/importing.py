"""`telebridge campaign import`: contacts from a CSV into a campaign, or a whole campaign from its file."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from telebridge.campaigns.administration.archive import ENDING, ArchiveCounts, as_json
from telebridge.campaigns.administration.exporting import ImportedCampaign, import_campaign
from telebridge.campaigns.reporting.view import campaign_json
from telebridge.cli.campaign.administration.export import told_counts
from telebridge.cli.campaign.create import RejectsOption, UpdateOption, import_contacts
from telebridge.cli.campaign.store import account_of, campaign_store, flows_of, run
from telebridge.cli.options import AppOption, ConfigOption, JsonOption
from telebridge.cli.process.printing import print_line, print_text
from telebridge.errors import ConfigurationError
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings

LISTS = {".csv", ".tsv", ".txt"}
"""Endings of files that somebody takes for a list of contacts."""


def import_(
    name: Annotated[str, typer.Argument(help="A campaign's name or id; without --contacts an exported file.")],
    contacts: Annotated[
        Path | None, typer.Option("--contacts", help="The people: a CSV with a column 'phone'.")
    ] = None,
    rename: Annotated[str, typer.Option("--name", help="Another name for a whole campaign.")] = "",
    rejects: RejectsOption = None,
    update: UpdateOption = False,  # noqa: FBT002 - a flag of the command line
    app: AppOption = None,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Bring further contacts into a campaign, whether it dials or not; or a whole campaign from an exported file.

    A number that the campaign has already is not added again; with **--update** corrected data take the place of the
    old for everybody who was not called yet.

    Without **--contacts** the argument is a file of **telebridge campaign export**. The campaign is paused until it is
    started, and is imported into a database once. An import that was interrupted goes on when it is given again.
    """
    if contacts is not None:
        if rename:
            raise ConfigurationError("--name", "is for whole campaigns", "leave it out")
        import_contacts(name, contacts, rejects=rejects, update=update, app=app, json_=json_, config=config)
        return
    path = Path(name)
    if not path.exists():
        hint = f"give --contacts CSV to bring contacts into campaign '{name}', or the path of a file *{ENDING}"
        raise ConfigurationError(name, "is no file of an exported campaign", hint)
    if path.suffix.lower() in LISTS:
        hint = f"`telebridge campaign import NAME --contacts {name}` brings its contacts into a campaign"
        raise ConfigurationError(name, "is no file of an exported campaign", hint)
    if rejects is not None or update:
        raise ConfigurationError(
            "--rejects, --update", "are for the contacts of a CSV", "leave them out, or give --contacts"
        )
    _import_whole(load_settings(config), path, rename, app=app, json_=json_)


def _import_whole(settings: Settings, path: Path, name: str, *, app: str | None, json_: bool) -> None:
    flows = flows_of(settings, app)

    async def imported() -> ImportedCampaign:
        async with campaign_store(settings) as store:
            with Console(stderr=True, quiet=json_).status(f"reading {path.name}") as status:

                def shown(done: int, counts: ArchiveCounts) -> None:
                    status.update(f"importing {path.name}: {done:,} of {counts.contacts:,} contacts")

                return await import_campaign(store, path, account=account_of(settings), name=name, on_progress=shown)

    done = run(imported())
    one = done.campaign
    if json_:
        print_line(json.dumps({**campaign_json(one), "imported": as_json(done.counts)}))
    else:
        print_text(f"campaign '{one.plan.name}' ({one.id[:8]}) is {one.status.value}: {told_counts(done.counts)}")
        if not one.status.is_over:
            start = f"`telebridge campaign start {one.plan.name}` lets it dial"
            print_text(f"{start}; see first that it is cancelled where it came from")
    if one.plan.flow not in flows.names:
        print_text(f"warning: its flow '{one.plan.flow}' is not in {settings.flows_dir}: put it there first", err=True)
