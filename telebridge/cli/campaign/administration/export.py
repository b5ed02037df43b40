"""`telebridge campaign export`: a whole campaign in one file."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from telebridge.campaigns.administration.archive import ENDING, ArchiveCounts, as_json
from telebridge.campaigns.administration.exporting import export_campaign
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.reporting.view import campaign_json
from telebridge.cli.campaign.store import NameArgument, campaign_store, find_campaign, run
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.cli.process.printing import number_of, print_line, print_text
from telebridge.errors import ConfigurationError
from telebridge.settings.loading import load_settings


def export(
    name: NameArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file.", show_default=f"NAME{ENDING} here")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,  # noqa: FBT002
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Write a whole campaign to one file: its definition, contacts, attempts, outcomes and do-not-call entries.

    **telebridge campaign import FILE** brings it into another database, SQLite or PostgreSQL. A running campaign must
    be paused first. The file holds personal data, and the secret of the webhook: only its owner can read it.
    """
    settings = load_settings(config)

    async def exported() -> tuple[Campaign, Path, ArchiveCounts]:
        async with campaign_store(settings) as store:
            one = await find_campaign(store, name)
            path = output or Path(f"{one.plan.name}{ENDING}")
            if path.exists() and not path.is_dir() and not force:
                raise ConfigurationError(str(path), "is there already", "name another file by -o, or give --force")
            with Console(stderr=True, quiet=json_).status(f"exporting {one.plan.name}") as status:
                counts = await export_campaign(
                    store,
                    one,
                    path,
                    wallclock=datetime.now(UTC),
                    on_progress=lambda done: status.update(f"exporting {one.plan.name}: {done:,} contacts"),
                )
            return one, path, counts

    one, path, counts = run(exported())
    if json_:
        print_line(json.dumps({**campaign_json(one), "file": str(path), "exported": as_json(counts)}))
        return
    print_text(f"{path}: {told_counts(counts)}")
    if not one.status.is_over:
        print_text(
            f"campaign '{one.plan.name}' is still here, {one.status.value}: cancel it before an import of it starts"
        )


def told_counts(counts: ArchiveCounts) -> str:
    """What an archive has, for people."""
    return ", ".join(
        (
            number_of(counts.contacts, "contact"),
            number_of(counts.attempts, "attempt"),
            number_of(counts.do_not_call, "do-not-call entry", "do-not-call entries"),
        )
    )
