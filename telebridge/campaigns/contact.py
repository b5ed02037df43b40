"""Whom a campaign calls, as an import hands them to a store.

One rule: a contact without a lane does not exist; where its legal hours cannot be told, it is rejected at the import.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec


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
