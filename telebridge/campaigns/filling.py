"""Fills a campaign from a CSV, for commands and for the API alike: checked first, begun, imported, and finished.

One rule: whatever happens, in the end it is written down what came of an import: it is complete, or can be gone on
with, or was never begun.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

from typing_extensions import override

from telebridge.campaigns.campaign import Campaign
from telebridge.campaigns.contact import NewContact
from telebridge.campaigns.definition import CampaignDefinition
from telebridge.campaigns.definition_file import read_campaign
from telebridge.campaigns.import_position import Added
from telebridge.campaigns.importing import ContactSink, ImportProgress, check_import, import_contacts
from telebridge.campaigns.store import ContactRecords
from telebridge.errors import ConfigurationError

IDENTIFYING_BYTES = 65_536
READ_BY = {"columns", "default_country", "default_zone", "number_check", "delimiter", "require_consent", "kind"}
"""What of a campaign file decides which contact a row is."""


async def fill_campaign(
    records: ContactRecords,
    campaign: Campaign,
    contacts: Path,
    *,
    rejects: Path,
    on_resume: Callable[[int], None] | None = None,
    on_progress: Callable[[ImportProgress], None] | None = None,
    workers: int | None = None,
) -> ImportProgress:
    """Import a CSV, going on where an earlier import of the same file was interrupted.

    Args:
        records: The contacts of all campaigns.
        campaign: Whom to fill.
        contacts: The CSV.
        rejects: Where the rows that are no contacts go.
        on_resume: Told the line behind which it goes on, if it does.
        on_progress: Told after each batch.
        workers: As `import_contacts` takes it.

    Raises:
        ConfigurationError: The file cannot be read as the campaign wants it, or the rejects cannot be written.
        CampaignRefused: It is cancelled, or is being filled elsewhere.
        CampaignImportBroken: A process died; the import can be resumed.
    """
    definition = read_campaign(campaign.plan.file, where=f"campaign '{campaign.plan.name}'")
    await asyncio.to_thread(check_import, contacts, definition, rejects=rejects)
    owner = uuid4().hex
    source = await asyncio.to_thread(_source, contacts, definition)
    begun = await records.begin_import(campaign.id, source, owner=owner)
    try:
        if begun.line and on_resume is not None:
            on_resume(begun.line)
        done = await import_contacts(
            contacts,
            definition,
            _Owned(records, owner),
            campaign_id=campaign.id,
            rejects=rejects,
            resume_after_line=begun.line,
            on_progress=on_progress,
            workers=workers,
        )
        await records.finish_import(campaign.id, owner=owner)
    except BaseException:
        await records.leave_import(campaign.id, begun, owner=owner)
        raise
    return done


class _Owned(ContactSink):
    """Contacts of one import."""

    def __init__(self, records: ContactRecords, owner: str) -> None:
        self._records = records
        self._owner = owner

    @override
    async def add(self, campaign_id: str, contacts: Sequence[NewContact], *, upto_line: int) -> Added:
        return await self._records.add(campaign_id, contacts, upto_line=upto_line, owner=self._owner)


def _source(contacts: Path, definition: CampaignDefinition) -> str:
    """A file's name, and what tells it, and how it is read, from another: only the same one is gone on with."""
    try:
        status = contacts.stat()
        with contacts.open("rb") as file:
            beginning = file.read(IDENTIFYING_BYTES)
    except OSError as error:
        raise ConfigurationError(str(contacts), f"cannot be read ({error.strerror})") from error
    read_by = f"{status.st_size} {status.st_mtime_ns} {definition.model_dump_json(include=READ_BY)}"
    return f"{contacts.name}\t{hashlib.sha256(read_by.encode() + beginning).hexdigest()}"
