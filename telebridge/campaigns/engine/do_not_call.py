"""The do-not-call list, as a store keeps it.

One rule: a number stays on it until a person takes it off. Instants are epoch milliseconds.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

EVERY_CAMPAIGN = ""
"""The scope of a number that nobody may call."""


@dataclass(frozen=True, slots=True)
class Barred:
    """A number that must not be called.

    Args:
        scope: The campaign, or "" for all.
        source: How it came on the list.
        reason: In words, or empty.
        added_at: Since when.
    """

    phone: str
    scope: str
    source: str
    reason: str
    added_at: int


class DoNotCallRecords(Protocol):
    """Numbers that must not be called, by one campaign or by any."""

    async def add(self, phones: Iterable[str], *, source: str, reason: str = "", scope: str = EVERY_CAMPAIGN) -> int:
        """Put numbers on the list, at once and for ever; answers how many were not on it."""
        ...

    async def remove(self, phone: str, *, scope: str = EVERY_CAMPAIGN) -> bool:
        """Take a number off; whether it was on."""
        ...

    async def has(self, phone: str, *, campaign_id: str = EVERY_CAMPAIGN) -> bool:
        """Whether a campaign, or any, must not call a number."""
        ...

    def all(self, *, after: tuple[str, str] = ("", "")) -> AsyncIterator[Barred]:
        """Everything on the list, by number and scope, behind a number and scope, a page at a time."""
        ...

    async def set_scrubbed(self, register: str, at: int) -> None:
        """A register was last compared with the contacts then."""
        ...

    async def scrubbed(self) -> Mapping[str, int]:
        """When each register was last compared."""
        ...
