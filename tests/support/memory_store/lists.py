"""The do-not-call list and the tasks in this process's memory; see `DoNotCallRecords` and `TaskLeases`."""

from collections.abc import AsyncIterator, Iterable, Mapping

from typing_extensions import override

from support.memory_store.rows import MemoryRows
from telebridge.campaigns.engine.do_not_call import EVERY_CAMPAIGN, DoNotCallEntry, DoNotCallRecords
from telebridge.campaigns.store.protocols import TaskLeases


class MemoryDoNotCall(DoNotCallRecords):
    """Numbers that must not be called."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    @override
    async def add(self, phones: Iterable[str], *, source: str, reason: str = "", scope: str = EVERY_CAMPAIGN) -> int:
        before = len(self._rows.do_not_call)
        for phone in phones:
            entry = DoNotCallEntry(phone, scope, source, reason, self._rows.clock())
            self._rows.do_not_call.setdefault((phone, scope), entry)
        return len(self._rows.do_not_call) - before

    @override
    async def remove(self, phone: str, *, scope: str = EVERY_CAMPAIGN) -> bool:
        return self._rows.do_not_call.pop((phone, scope), None) is not None

    @override
    async def has(self, phone: str, *, campaign_id: str = EVERY_CAMPAIGN) -> bool:
        return any((phone, scope) in self._rows.do_not_call for scope in (EVERY_CAMPAIGN, campaign_id))

    @override
    async def all(self, *, after: tuple[str, str] = ("", "")) -> AsyncIterator[DoNotCallEntry]:
        for key in sorted(key for key in self._rows.do_not_call if key > after):
            yield self._rows.do_not_call[key]

    @override
    async def set_scrubbed(self, register: str, at: int) -> None:
        self._rows.scrubbed[register] = at

    @override
    async def scrubbed(self) -> Mapping[str, int]:
        return dict(self._rows.scrubbed)


class MemoryLeases(TaskLeases):
    """Work that one process at a time does."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    @override
    async def take(self, name: str, owner: str, seconds: float) -> bool:
        return self.take_now(name, owner, seconds)

    @override
    async def release(self, name: str, owner: str) -> None:
        self.release_now(name, owner)

    def take_now(self, name: str, owner: str, seconds: float) -> bool:
        """Take or prolong a task, in the middle of a method."""
        now = self._rows.clock()
        holder, until = self._rows.leases.get(name, (owner, 0))
        length = round(1000 * seconds)
        if holder != owner and now < until <= now + 2 * length:
            return False
        self._rows.leases[name] = (owner, now + length)
        return True

    def release_now(self, name: str, owner: str) -> bool:
        """Leave a task; whether it was held."""
        held = self._rows.leases.get(name, ("", 0))[0] == owner
        if held:
            del self._rows.leases[name]
        return held
