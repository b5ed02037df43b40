"""The do-not-call list and task leases in an SQL database; see `DoNotCallRecords` and `TaskLeases`."""

from collections.abc import AsyncIterator, Iterable, Mapping

from sqlalchemy import Connection, delete, or_, select, tuple_, update
from typing_extensions import override

from telebridge.campaigns.engine.do_not_call import EVERY_CAMPAIGN, DoNotCallEntry, DoNotCallRecords
from telebridge.campaigns.store.protocols import DIALING, TaskLeases
from telebridge.campaigns.store.tables import do_not_call, register_scrub, task_lease
from telebridge.database.database import Database

PAGE = 500
DAY_MS = 86_400_000


class SqlDoNotCall(DoNotCallRecords):
    """Numbers that must not be called."""

    def __init__(self, database: Database) -> None:
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
        query = select(do_not_call.c.scope).where(do_not_call.c.phone == phone)
        query = query.where(do_not_call.c.scope.in_((EVERY_CAMPAIGN, campaign_id)))
        return bool(await self._database.rows(query))

    @override
    async def all(self, *, after: tuple[str, str] = ("", "")) -> AsyncIterator[DoNotCallEntry]:
        place = tuple_(do_not_call.c.phone, do_not_call.c.scope)
        query = select(do_not_call).order_by(do_not_call.c.phone, do_not_call.c.scope).limit(PAGE)
        while True:
            page = await self._database.rows(query.where(place > after))
            for row in page:
                yield DoNotCallEntry(row.phone, row.scope, row.source, row.reason, row.added_at)
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

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def take(self, name: str, owner: str, seconds: float) -> bool:
        return await self._database.write(
            lambda connection: take_lease(self._database, connection, name, owner, seconds)
        )

    @override
    async def release(self, name: str, owner: str) -> None:
        await self._database.write(lambda connection: release_lease(connection, name, owner))


def take_lease(database: Database, connection: Connection, name: str, owner: str, seconds: float) -> bool:
    """Take or prolong a task, inside a transaction."""
    now, length = database.now(connection), round(1000 * seconds)
    mine = {"name": name, "owner": owner, "lease_until": now + length}
    if database.insert_new(connection, task_lease, [mine]):
        of_dialers = task_lease.c.name.startswith(DIALING, autoescape=True)  # each has a name of its own, and is gone
        connection.execute(delete(task_lease).where(of_dialers, task_lease.c.lease_until <= now - DAY_MS))
        return True
    held_until = task_lease.c.lease_until
    ran_ahead = held_until > now + 2 * length  # the clock did; whoever took it just now is not so far ahead
    free = or_(task_lease.c.owner == owner, held_until <= now, ran_ahead)
    return connection.execute(update(task_lease).where(task_lease.c.name == name, free).values(**mine)).rowcount == 1


def prolong_lease(database: Database, connection: Connection, name: str, owner: str, seconds: float) -> bool:
    """Keep a task that is held, even if its time is over and nobody has taken it; False when somebody has."""
    held = (task_lease.c.name == name, task_lease.c.owner == owner)
    until = database.now(connection) + round(1000 * seconds)
    return connection.execute(update(task_lease).where(*held).values(lease_until=until)).rowcount == 1


def release_lease(connection: Connection, name: str, owner: str) -> bool:
    """Leave a task; whether it was held."""
    mine = (task_lease.c.name == name, task_lease.c.owner == owner)
    return connection.execute(delete(task_lease).where(*mine)).rowcount == 1
