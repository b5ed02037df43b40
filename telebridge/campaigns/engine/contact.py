"""Whom a campaign calls, as an import hands them to a store.

One rule: a contact without a lane does not exist; where its legal hours cannot be told, it is rejected at the import.

How far a campaign is filled with contacts, and who fills it.

One rule: a line of a source counts only with the contacts before it, for both are written together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

IMPORT_LEASE_SECONDS = 60.0


def import_lease(campaign_id: str) -> str:
    """The name of the task that filling a campaign is."""
    return f"import {campaign_id}"


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a batch of an import: how many contacts are new, how many the campaign had already."""

    added: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class ImportPosition:
    """How far a campaign is filled from a source.

    Args:
        source: Its name for people, then a tab and whatever tells it from another; "" before the first.
        line: Its last line whose contacts are in.
        under_way: Whether it was begun and has not come to its end.
    """

    source: str = ""
    line: int = 0
    under_way: bool = False

    @property
    def name(self) -> str:
        """The source for people."""
        return self.source.partition("\t")[0]


@dataclass(frozen=True, slots=True)
class BegunImport:
    """An import that goes on behind a line, 0 for a new source, and how the campaign was filled before it."""

    line: int
    before: ImportPosition


@dataclass(frozen=True, slots=True)
class Lane:
    """All contacts of a campaign that open and close together.

    Args:
        zones: Every time zone that the called person may be in, by its name in the IANA database, sorted. All of them
            must be inside the calling hours.
        region: Whose law applies: a country, or a country and its part, as ISO 3166 spells them (`US-FL`, `GB`).
    """

    zones: tuple[str, ...]
    region: str


class NewContact(msgspec.Struct, frozen=True):
    """One row of an import. A struct and no dataclass: millions of them go from process to process.

    Args:
        phone: The number to call, in E.164.
        lane: When it may be called.
        variables: What the flow knows of the contact: every other column.
        priority: Higher is called earlier.
        due_at: Not to be called before; None for as soon as it may be.
        consented_at: When the person agreed to be called; None when that is not known.
        consent_source: Where that is written down.
    """

    phone: str
    lane: Lane
    variables: Mapping[str, str]
    priority: int = 0
    due_at: datetime | None = None
    consented_at: datetime | None = None
    consent_source: str = ""
