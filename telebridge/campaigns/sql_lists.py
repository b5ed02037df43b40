"""The do-not-call list and task leases in an SQL database; see `DoNotCallRecords` and `TaskLeases`."""

from collections.abc import AsyncIterator, Iterable, Mapping

from sqlalchemy import Connection, delete, or_, select, tuple_, update
from typing_extensions import override

from telebridge.campaigns.claiming import EVERY_CAMPAIGN
from telebridge.campaigns.sql_dialects import SqlDatabase
from telebridge.campaigns.store import Barred, DoNotCallRecords, TaskLeases
from telebridge.campaigns.tables import do_not_call, register_scrub, task_lease

PAGE = 500
DAY_MS = 86_400_000


class SqlDoNotCall(DoNotCallRecords):
    """Numbers that must not be called."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    @override
    async def add(self, phones: Iterable[str], *, source: str, reason: str = "", scope: str = EVERY_CAMPAIGN) -> int:
        def work(connection: Connection) -> int:
            now = self._database.now(connection)
            rows = [
                {"phone": phone, "scope": scope, "source": source, "reason": reason, "added_at": now}
                for phone in dict.fromkeys(phones)
            ]
            return self._database.insert_new(connection, do_not_call, rows)

        return await self._database.write(work)

    @override
    async def remove(self, phone: str, *, scope: str = EVERY_CAMPAIGN) -> bool:
        def work(connection: Connection) -> bool:
            here = (do_not_call.c.phone == phone, do_not_call.c.scope == scope)
            return connection.execute(delete(do_not_call).where(*here)).rowcount == 1

        return await self._database.write(work)

    @override
    async def has(self, phone: str, *, campaign_id: str = EVERY_CAMPAIGN) -> bool:
        asked = select(do_not_call.c.scope).where(do_not_call.c.phone == phone)
        asked = asked.where(do_not_call.c.scope.in_((EVERY_CAMPAIGN, campaign_id)))
        return bool(await self._database.rows(asked))

    @override
    async def all(self) -> AsyncIterator[Barred]:
        place = tuple_(do_not_call.c.phone, do_not_call.c.scope)
        asked = select(do_not_call).order_by(do_not_call.c.phone, do_not_call.c.scope).limit(PAGE)
        after = ("", "")
        while True:
            page = await self._database.rows(asked.where(place > after))
            for row in page:
                yield Barred(row.phone, row.scope, row.source, row.reason, row.added_at)
            if len(page) < PAGE:
                return
            after = (page[-1].phone, page[-1].scope)

    @override
    async def set_scrubbed(self, register: str, at: int) -> None:
        row = {"register": register, "scrubbed_at": at}

        def work(connection: Connection) -> None:
            if not self._database.insert_new(connection, register_scrub, [row]):
                here = register_scrub.c.register == register
                connection.execute(update(register_scrub).where(here).values(scrubbed_at=at))

        await self._database.write(work)

    @override
    async def scrubbed(self) -> Mapping[str, int]:
        return {row.register: row.scrubbed_at for row in await self._database.rows(select(register_scrub))}


class SqlLeases(TaskLeases):
    """Work that one process at a time does."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    @override
    async def take(self, name: str, owner: str, seconds: float) -> bool:
        def work(connection: Connection) -> bool:
            now = self._database.now(connection)
            mine = {"name": name, "owner": owner, "lease_until": now + round(1000 * seconds)}
            if self._database.insert_new(connection, task_lease, [mine]):
                forgotten = task_lease.c.lease_until <= now - DAY_MS  # names of processes that are long gone
                connection.execute(delete(task_lease).where(forgotten))
                return True
            free = or_(task_lease.c.owner == owner, task_lease.c.lease_until <= now)
            taken = connection.execute(update(task_lease).where(task_lease.c.name == name, free).values(**mine))
            return taken.rowcount == 1

        return await self._database.write(work)

    @override
    async def release(self, name: str, owner: str) -> None:
        def work(connection: Connection) -> None:
            mine = (task_lease.c.name == name, task_lease.c.owner == owner)
            connection.execute(delete(task_lease).where(*mine))

        await self._database.write(work)
