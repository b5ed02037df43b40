"""The calls of the database, as the API tells them."""

from typing import Any

from typing_extensions import override

from telebridge.call.store.store import CallStore
from telebridge.server.control import PastCalls, Position


class StoredCalls(PastCalls):
    """Looks calls up that are over, or live in another process."""

    def __init__(self, store: CallStore) -> None:
        self._store = store

    @override
    async def find(self, call_sid: str) -> dict[str, Any] | None:
        kept = await self._store.find(call_sid)
        return None if kept is None else kept.as_json()

    @override
    async def recent(self, limit: int, before: Position | None) -> list[dict[str, Any]]:
        after = None if before is None else (before.started_at, before.call_sid)
        return [kept.as_json() for kept in await self._store.recent(limit, before=after)]
