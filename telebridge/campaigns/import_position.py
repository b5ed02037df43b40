"""How far a campaign is filled with contacts, and who fills it.

One rule: a line of a source counts only with the contacts before it, for both are written together.
"""

from dataclasses import dataclass

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
