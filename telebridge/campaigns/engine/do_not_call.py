"""The do-not-call list, as a store keeps it.

One rule: a number stays on the list until a person removes it. Instants are epoch milliseconds.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

EVERY_CAMPAIGN = ""
"""The scope of a number that no campaign may call."""


@dataclass(frozen=True, slots=True)
class DoNotCallEntry:
    """An entry of the do-not-call list.

    Args:
        phone: The number that must not be called, in E.164.
        scope: The campaign that must not call it, or `EVERY_CAMPAIGN`.
        source: What added it, such as "command", "api", "call" or a register.
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
        """Add numbers to the list, for ever; returns how many were not on it."""
        ...

    async def remove(self, phone: str, *, scope: str = EVERY_CAMPAIGN) -> bool:
        """Remove a number; returns whether it was on the list."""
        ...

    async def has(self, phone: str, *, campaign_id: str = EVERY_CAMPAIGN) -> bool:
        """Whether a campaign, or any, must not call a number."""
        ...

    def all(self, *, after: tuple[str, str] = ("", "")) -> AsyncIterator[DoNotCallEntry]:
        """Iterate over all entries in the order of number and scope, beginning behind `after`, a page at a time."""
        ...

    async def set_scrubbed(self, register: str, at: int) -> None:
        """Record when a register was last compared with the contacts."""
        ...

    async def scrubbed(self) -> Mapping[str, int]:
        """Return when each register was last compared."""
        ...
