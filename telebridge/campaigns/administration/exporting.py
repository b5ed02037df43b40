"""Exports a whole campaign to a file, and imports it into another database.

One rule: a campaign has one id wherever it goes, so that it is imported into a database once.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from uuid import uuid4

from telebridge.campaigns.administration.archive import (
    VERSION,
    ArchiveCounts,
    ArchiveHead,
    ArchiveLine,
    ArchiveWriter,
    CheckedArchive,
    archive_lines,
    as_json,
    check_archive,
    new_archive,
)
from telebridge.campaigns.administration.batches import in_batches
from telebridge.campaigns.administration.cloning import never_filled
from telebridge.campaigns.definition.editing import apply_changes
from telebridge.campaigns.engine.administration import ArchivedContact, check_exportable, imported_status
from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan, WebhookEvent
from telebridge.campaigns.engine.contact import BegunImport, Lane
from telebridge.campaigns.engine.do_not_call import DoNotCallEntry
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.reporting.report import ReportRow, report_rows
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import CampaignRefused
from telebridge.timing.epoch import iso_instant, iso_time

AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class ImportedCampaign:
    """A campaign that was imported, and what was in its file."""

    campaign: Campaign
    counts: ArchiveCounts


async def export_campaign(
    store: CampaignStore,
    campaign: Campaign,
    path: Path,
    *,
    wallclock: datetime,
    on_progress: Callable[[int], None] | None = None,
) -> ArchiveCounts:
    """Write a campaign with its contacts, their attempts and its do-not-call entries to a file.

    Args:
        store: The campaigns.
        campaign: Which; one that calls nobody at this moment.
        path: The file; one that is there is replaced when all of it is written.
        wallclock: The aware instant.
        on_progress: Called with the number of contacts so far; None for no-op.

    Raises:
        CampaignRefused: It runs, calls of it are not settled, or it was started or changed meanwhile.
        ConfigurationError: The file cannot be written.
    """
    await _check_still(store, campaign)
    with new_archive(path) as archive:
        at, plan = iso_instant(wallclock), campaign.plan
        head = ArchiveHead(VERSION, at, campaign.id, campaign.status, campaign.reason, campaign.turn, plan)
        archive.begin(head)
        done = 0
        lanes, priorities = await store.reports.lanes(campaign.id), await store.reports.priorities(campaign.id)
        async for rows in in_batches(report_rows(store.reports, campaign.id), AT_ONCE):
            phones = {phone for row in rows for phone in row.contact.phones}
            entries = await store.administration.do_not_call_of(campaign.id, phones)
            await asyncio.to_thread(_write, archive, rows, lanes, priorities, entries)
            done += len(rows)
            if on_progress is not None:
                on_progress(done)
        own = await store.administration.do_not_call_of(campaign.id, None)
        await asyncio.to_thread(_write, archive, (), lanes, priorities, own)
        counts = archive.finish()
        now = await store.campaigns.find(campaign.id)
        if now is None or replace(now, tat=campaign.tat) != campaign:
            raise CampaignRefused(plan.name, "was started or changed while it was exported: export it again")
        await _check_still(store, now)
    await store.administration.write_event(campaign.id, WebhookEvent.CAMPAIGN_EXPORTED, as_json(counts))
    return counts


async def import_campaign(
    store: CampaignStore,
    path: Path,
    *,
    account: str,
    name: str = "",
    on_progress: Callable[[int, ArchiveCounts], None] | None = None,
) -> ImportedCampaign:
    """Read a campaign from a file that `export_campaign` wrote, into a store that does not have it.

    It never dials before it is started: what was paused is paused, and what was over is over. An import that was
    interrupted goes on where it was when it is given again.

    Args:
        store: The campaigns.
        path: The file.
        account: The Twilio account whose calls it makes from now on.
        name: Another name for it; empty for its own.
        on_progress: Called with the number of contacts so far, and what the file has; None for no-op.

    Raises:
        ConfigurationError: The file cannot be read, is broken, or is no exported campaign.
        CampaignRefused: The campaign is here already, or its name is taken.
    """
    archive = await asyncio.to_thread(check_archive, path)
    head = archive.head
    source = f"{path.name}\t{archive.digest} {account} {name}"
    await _create(store, head, source, _plan(head, account=account, name=name))
    owner = uuid4().hex
    begun = await store.contacts.begin_import(head.id, source, owner=owner)
    try:
        await _fill(store, archive, begun, owner=owner, on_progress=on_progress)
        facts = {**as_json(archive.counts), "exported_at": head.exported_at}
        reason = head.reason if head.status.is_over else f"imported from {path.name}"
        status = imported_status(head.status)
        imported = await store.administration.finish_archived(head.id, status, reason, facts, owner=owner)
    except BaseException:
        await store.contacts.leave_import(head.id, begun, owner=owner)
        raise
    return ImportedCampaign(imported, archive.counts)


async def _check_still(store: CampaignStore, campaign: Campaign) -> None:
    unsettled = await store.administration.unsettled(campaign.id)
    position = await store.contacts.import_position(campaign.id)
    check_exportable(campaign, unsettled=unsettled, filling=position.under_way)


def _write(
    archive: ArchiveWriter,
    rows: Sequence[ReportRow],
    lanes: Mapping[int, Lane],
    priorities: Mapping[int, int],
    entries: Sequence[DoNotCallEntry],
) -> None:
    for row in rows:
        priority = priorities[row.contact.lane_id]
        own = tuple(lanes[one.lane_id] for one in row.contact.numbers)
        archive.add_contact(ArchivedContact(row.contact, row.lane, priority, tuple(row.attempts), own))
    for entry in entries:
        archive.add_do_not_call(entry)


def _plan(head: ArchiveHead, *, account: str, name: str) -> CampaignPlan:
    plan = replace(head.plan, account=account)
    if not name or name == plan.name:
        return plan
    file = apply_changes(plan.file, [(("name",), name)]) if plan.file else ""
    return replace(plan, name=name, file=file)


async def _create(store: CampaignStore, head: ArchiveHead, source: str, plan: CampaignPlan) -> None:
    """Make the campaign as a draft, unless an interrupted import of the same file has."""
    known = await store.campaigns.find(head.id)
    if known is None:
        await store.administration.create_archived(Campaign(head.id, plan, turn=head.turn))
        return
    position = await store.contacts.import_position(head.id)
    if known.deleted_at is None and position.under_way and position.source == source:
        return
    if known.status is CampaignStatus.DRAFT and known.plan == plan and await never_filled(store, known):
        return
    if known.deleted_at is not None:
        problem = (
            f"was deleted here at {iso_time(known.deleted_at)}, and records of its calls are kept: it cannot come back"
        )
    elif position.under_way:
        problem = f"is being imported from '{position.name}': give that file again, with the same name"
    else:
        problem = "is here already, so nothing was imported: `telebridge campaign clone` makes another one like it"
    raise CampaignRefused(known.plan.name, problem)


async def _fill(
    store: CampaignStore,
    archive: CheckedArchive,
    begun: BegunImport,
    *,
    owner: str,
    on_progress: Callable[[int, ArchiveCounts], None] | None,
) -> None:
    campaign_id, done = archive.head.id, 0
    lines = archive_lines(archive, after_line=begun.line)
    while batch := await asyncio.to_thread(_next, lines):
        contacts = [line.contact for _, line in batch if line.contact is not None]
        entries = [line.do_not_call for _, line in batch if line.do_not_call is not None]
        await store.administration.add_archived(campaign_id, contacts, entries, upto_line=batch[-1][0], owner=owner)
        done += len(contacts)
        if on_progress is not None:
            on_progress(done, archive.counts)


def _next(lines: Iterator[tuple[int, ArchiveLine]]) -> list[tuple[int, ArchiveLine]]:
    return list(islice(lines, AT_ONCE))
