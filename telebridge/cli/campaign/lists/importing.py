"""Import of the contacts of a CSV into a campaign, with a progress bar."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.importing.filling import fill_campaign
from telebridge.campaigns.importing.importing import ImportProgress
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.cli.process.printing import number_of

MOST_BYTES_OF_ONE_PROCESS = 2_000_000
"""A smaller file is read by one process: starting more costs more than they save."""

ROWS_WITH_RATE = 1000
"""Of fewer rows the rate says nothing."""


async def fill(
    store: CampaignStore,
    campaign: Campaign,
    contacts: Path,
    *,
    rejects: Path | None,
    needs: Sequence[str] = (),
    update: bool = False,
    console: Console,
) -> ImportProgress:
    """Import a CSV, or resume an import of the same file that was interrupted.

    Raises:
        ConfigurationError: The file cannot be read as the campaign wants it.
        CampaignRefused: It is cancelled, or is being filled elsewhere.
    """
    size = await asyncio.to_thread(_size, contacts)
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

        def resumed(line: int) -> None:
            console.print(f"goes on after line {line:,} of {contacts.name}", highlight=False)

        return await fill_campaign(
            store.contacts,
            campaign,
            contacts,
            rejects=rejects or rejects_beside(contacts),
            needs=needs,
            update=update,
            on_resume=resumed,
            on_progress=shown,
            workers=readers_for(size),
        )


def _size(contacts: Path) -> int:
    """The size of a file in bytes, 0 if it cannot be read: the import reports that."""
    return contacts.stat().st_size if contacts.is_file() else 0


def readers_for(size: int) -> int | None:
    """How many processes read a file of so many bytes beside this one: none if it is small."""
    return 0 if size < MOST_BYTES_OF_ONE_PROCESS else None


def rejects_beside(contacts: Path) -> Path:
    """The default file for rejected rows."""
    return contacts.with_name(f"{contacts.stem}.rejects.csv")


def told(done: ImportProgress, rejects: Path) -> str:
    """The result of an import in one line, for people."""
    parts = [f"{done.added:,} added"]
    parts += [f"{done.duplicates - done.updated:,} already there"] if done.duplicates > done.updated else []
    parts += [f"{done.updated:,} updated"] if done.updated else []
    parts += [number_of(done.empty, "empty row")] if done.empty else []
    parts += [f"{done.rejected:,} rejected, see {rejects}"] if done.rejected else []
    rate = f" ({done.rows_per_second:,.0f} rows/s)" if done.rows >= ROWS_WITH_RATE else ""
    return f"{', '.join(parts)}{rate}"


def told_json(done: ImportProgress, rejects: Path) -> dict[str, Any]:
    """The result of an import as plain values, for JSON."""
    return {**asdict(done), "rejects": str(rejects) if done.rejected else None}
