"""Fills a campaign from a CSV: what surrounds an import, for the commands and the API.

One rule: the file is checked first; afterwards the import is complete, can be resumed, or never began.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

from typing_extensions import override

from telebridge.campaigns.definition.loading import read_campaign
from telebridge.campaigns.definition.model import CampaignDefinition
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.contact import Added, NewContact
from telebridge.campaigns.importing.importing import ContactSink, ImportProgress, check_import, import_contacts
from telebridge.campaigns.store.protocols import ContactRecords
from telebridge.errors import ConfigurationError

IDENTIFYING_BYTES = 65_536
READ_BY = {
    *("columns", "default_country", "default_zone", "zones", "number_check", "delimiter", "require_consent", "kind")
}
"""What of a campaign file decides which contact a row is."""


async def fill_campaign(  # noqa: PLR0913 - each is a choice of its caller
    records: ContactRecords,
    campaign: Campaign,
    contacts: Path,
    *,
    rejects: Path,
    needs: Sequence[str] = (),
    update: bool = False,
    on_resume: Callable[[int], None] | None = None,
    on_progress: Callable[[ImportProgress], None] | None = None,
    workers: int | None = None,
) -> ImportProgress:
    """Import a CSV, or resume an interrupted import of the same file.

    Args:
        records: The contacts of all campaigns.
        campaign: Whom to fill.
        contacts: The CSV.
        rejects: Where the rows that are no contacts go.
        needs: The variables that the flow of the campaign needs.
        update: Whether contacts that are there and were not called yet get the data of their rows.
        on_resume: Called with the line behind which an earlier import is resumed; None for no-op.
        on_progress: Called after each batch; None for no-op.
        workers: As `import_contacts` takes it.

    Raises:
        ConfigurationError: The file cannot be read as the campaign wants it, or the rejects cannot be written.
        CampaignRefused: It is cancelled, or is being filled elsewhere.
        CampaignImportBroken: A process died; the import can be resumed.
    """
    definition = read_campaign(campaign.plan.file, where=f"campaign '{campaign.plan.name}'")
    await asyncio.to_thread(check_import, contacts, definition, rejects=rejects, needs=needs)
    owner = uuid4().hex
    source = await asyncio.to_thread(_source, contacts, definition, f"{update} {needs}")
    begun = await records.begin_import(campaign.id, source, owner=owner)
    try:
        if begun.line and on_resume is not None:
            on_resume(begun.line)
        done = await import_contacts(
            contacts,
            definition,
            _Owned(records, owner, update=update),
            campaign_id=campaign.id,
            rejects=rejects,
            needs=needs,
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

    def __init__(self, records: ContactRecords, owner: str, *, update: bool) -> None:
        self._records = records
        self._owner = owner
        self._update = update

    @override
    async def add(self, campaign_id: str, contacts: Sequence[NewContact], *, upto_line: int) -> Added:
        return await self._records.add(
            campaign_id, contacts, upto_line=upto_line, owner=self._owner, update=self._update
        )


def _source(contacts: Path, definition: CampaignDefinition, options: str) -> str:
    """A file's name, and what tells it, and how it is read, from another: only the same one is gone on with."""
    try:
        status = contacts.stat()
        with contacts.open("rb") as file:
            beginning = file.read(IDENTIFYING_BYTES)
    except OSError as error:
        raise ConfigurationError(str(contacts), f"cannot be read ({error.strerror})") from error
    read_by = f"{status.st_size} {status.st_mtime_ns} {options} {definition.model_dump_json(include=READ_BY)}"
    return f"{contacts.name}\t{hashlib.sha256(read_by.encode() + beginning).hexdigest()}"
