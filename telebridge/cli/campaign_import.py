"""Bringing the contacts of a CSV into a campaign, with its progress to be seen."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from telebridge.campaigns.campaign import Campaign
from telebridge.campaigns.definition_file import read_campaign
from telebridge.campaigns.importing import ImportProgress, import_contacts
from telebridge.campaigns.store import CampaignStore
from telebridge.errors import ConfigurationError

IDENTIFYING_BYTES = 65_536
MOST_BYTES_OF_ONE_PROCESS = 2_000_000
"""A small file is read by one process: starting more costs more than they save."""


async def fill(
    store: CampaignStore, campaign: Campaign, contacts: Path, *, rejects: Path | None, console: Console
) -> ImportProgress:
    """Import a CSV, going on where an earlier import of the same file was interrupted.

    Raises:
        ConfigurationError: The file cannot be read as the campaign wants it.
    """
    definition = read_campaign(campaign.plan.file, where=f"campaign '{campaign.plan.name}'")
    size, source = _identified(contacts)
    line = await store.contacts.begin_import(campaign.id, source)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]} rows · {task.fields[rate]}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"importing {contacts.name}", total=size, rows="0", rate="0")

        def shown(done: ImportProgress) -> None:
            rows, rate = f"{done.rows:,}", f"{done.rows_per_second:,.0f}"
            bar.update(task, completed=done.bytes_read, rows=rows, rate=rate)

        done = await import_contacts(
            contacts,
            definition,
            store.contacts,
            campaign_id=campaign.id,
            rejects=rejects or rejects_beside(contacts),
            resume_after_line=line,
            on_progress=shown,
            workers=readers_for(size),
        )
    await store.contacts.finish_import(campaign.id)
    return done


def readers_for(size: int) -> int | None:
    """How many processes read a file of so many bytes: none besides this one when it is small."""
    return 0 if size < MOST_BYTES_OF_ONE_PROCESS else None


def rejects_beside(contacts: Path) -> Path:
    """Where rows that are no contacts go unless another place is named."""
    return contacts.with_name(f"{contacts.stem}.rejects.csv")


def told(done: ImportProgress, rejects: Path) -> str:
    """What became of an import, in one line."""
    parts = [f"{done.added:,} added"]
    parts += [f"{done.duplicates:,} already there"] if done.duplicates else []
    parts += [f"{done.rejected:,} rejected, see {rejects}"] if done.rejected else []
    return f"{', '.join(parts)} ({done.rows_per_second:,.0f} rows/s)"


def told_json(done: ImportProgress, rejects: Path) -> dict[str, Any]:
    """The same for programs."""
    return {**asdict(done), "rejects": str(rejects) if done.rejected else None}


def _identified(contacts: Path) -> tuple[int, str]:
    """The size of a file, and what tells it from another: only the same one is gone on with."""
    try:
        size = contacts.stat().st_size
        with contacts.open("rb") as file:
            beginning = hashlib.sha256(file.read(IDENTIFYING_BYTES)).hexdigest()
    except OSError as error:
        raise ConfigurationError(str(contacts), f"cannot be read ({error.strerror})") from error
    return size, f"{contacts.name} {size} {beginning}"
