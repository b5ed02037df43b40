"""What the recovery of a restored database reads and writes in it.

One rule: nothing that is made up is sent to webhooks, because its receivers were told of the calls themselves.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, func, insert, select, update

from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.recovery.missing_calls import (
    Called,
    DialedCall,
    MissingCall,
    make_up,
    most_likely_first,
    never_placed,
    perhaps_called,
    settle,
    unexplained,
    unknown_calls,
)
from telebridge.campaigns.store.attempts import write_attempt, write_contact
from telebridge.campaigns.store.by_number import contacts_with_numbers, in_parts
from telebridge.campaigns.store.tables import (
    IS_LIVE,
    IS_WATCHED,
    attempt,
    attempt_of,
    attempt_values,
    campaign,
    campaign_of,
    contact,
    contact_of,
    task_lease,
)
from telebridge.database.database import Database

RESTORED = "restored "
"""A task lease of this name and an account, with the instant of the backup, until its lost calls are made up for."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a database stands to what an account has dialled.

    Args:
        marked: Whether it was restored, and the calls since then have not been made up for.
        since: It knows what was dialled until then: its latest attempt, as it was when the database was marked; without
            an attempt when the first campaign was made; None without a campaign.
        numbers: The numbers from which its campaigns call.
    """

    marked: bool
    since: int | None
    numbers: tuple[str, ...]


class RecoveryRecords:
    """The campaigns of a database that was restored, or may have been."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self, account: str) -> Standing:
        """Return how the database stands to what an account has dialled."""

        def work(connection: Connection) -> Standing:
            marks = select(task_lease.c.lease_until).where(task_lease.c.name == RESTORED + account)
            marked: int | None = connection.execute(marks).scalar()
            numbers = _numbers(connection, account)
            since = _latest(connection, account, numbers) if marked is None else marked
            return Standing(marked is not None, since, tuple(numbers))

        return await self._database.read(work)

    async def mark(self, account: str, since: int) -> None:
        """Note that the database was restored, and knows of an account what was dialled until an instant."""
        await self._database.write(lambda connection: self._mark(connection, account, since))

    async def mark_all(self) -> None:
        """Note for all accounts with campaigns that the database was restored."""

        def work(connection: Connection) -> None:
            for account in connection.execute(select(campaign.c.account).distinct()).scalars().all():
                since = _latest(connection, account, _numbers(connection, account))
                if since is not None:
                    self._mark(connection, account, since)

        await self._database.write(work)

    def _mark(self, connection: Connection, account: str, since: int) -> None:
        name = RESTORED + account
        self._database.insert_new(connection, task_lease, [{"name": name, "owner": "", "lease_until": since}])
        earlier = update(task_lease).where(task_lease.c.name == name, task_lease.c.lease_until > since)
        connection.execute(earlier.values(lease_until=since))

    async def unmark(self, account: str) -> None:
        """Note that the calls of an account are made up for."""
        await self._database.write(
            lambda connection: connection.execute(delete(task_lease).where(task_lease.c.name == RESTORED + account))
        )

    async def running(self, account: str | None = None) -> list[str]:
        """Return the ids of the campaigns that dial, of one account or of all."""
        query = select(campaign.c.id).where(campaign.c.status == CampaignStatus.RUNNING)
        query = query if account is None else query.where(campaign.c.account == account)
        return [row.id for row in await self._database.rows(query)]

    async def watched(self, account: str) -> list[Attempt]:
        """Return the attempts whose calls are under way, or whose end is not told yet, as far as the database knows."""
        query = select(attempt).where(attempt.c.account == account, IS_WATCHED, attempt.c.call_sid.is_not(None))
        return await self._database.rows_as(attempt_of, query)

    async def missing(self, account: str, calls: Sequence[DialedCall], *, restored: bool) -> list[MissingCall]:
        """Return the calls to contacts of campaigns that the database has lost, in the order they were dialled.

        Args:
            account: Whose campaigns.
            calls: What Twilio lists.
            restored: Whether the database was restored: then an attempt without a call explains none, but gets it.
        """

        def work(connection: Connection) -> list[MissingCall]:
            known: set[str] = set()
            for some in in_parts([call.sid for call in calls]):
                query = select(attempt.c.call_sid).where(self._database.among(attempt.c.call_sid, some))
                known.update(sid for sid in connection.execute(query).scalars() if sid is not None)
            unknown = unknown_calls(calls, known)
            reached = self._reached(connection, _campaigns(connection, account), unknown)
            ours = [call for call in unknown if (call.to, call.from_number) in reached]
            if not restored:
                ours = unexplained(ours, self._without_call(connection, {call.to for call in ours}))
            return [MissingCall(call, tuple(reached[call.to, call.from_number])) for call in ours]

        return await self._database.read(work)

    async def settle(self, attempt_id: str, call: DialedCall) -> None:
        """Write the end of an attempt whose call is known, if that call is over."""

        def work(connection: Connection) -> None:
            before = attempt_of(connection.execute(_locked(attempt, attempt.c.id == attempt_id)).one())
            held = contact_of(connection.execute(_locked(contact, contact.c.id == before.contact_id)).one())
            owner = campaign_of(connection.execute(select(campaign).where(campaign.c.id == before.campaign_id)).one())
            after, released = settle(before, held, owner, call)
            write_attempt(connection, after)
            write_contact(connection, released)

        await self._database.write(work)

    async def make_up(self, account: str, missing: MissingCall) -> bool:
        """Write the attempt that a call was; returns False while its contact has another call that is under way."""

        def work(connection: Connection) -> bool:
            campaigns = {one.id: one for one in _campaigns(connection, account)}
            call = missing.call
            first, *others = most_likely_first(_called(connection, campaigns, missing))
            if first.is_busy:
                return False
            if first.live is not None and first.live.phone != call.to:
                void, first = never_placed(first, first.live)
                write_attempt(connection, void)
            made, changed = make_up(call, first, uuid4().hex)
            if first.live is None:
                connection.execute(insert(attempt), [attempt_values(made)])
            else:
                write_attempt(connection, made)
            for after in (changed, *map(perhaps_called, others)):
                write_contact(connection, after)
            return True

        return await self._database.write(work)

    def _reached(
        self, connection: Connection, campaigns: Iterable[Campaign], calls: Iterable[DialedCall]
    ) -> dict[tuple[str, str], list[int]]:
        """Return the ids of the contacts that calls may have been for, by the numbers called and calling."""
        wanted = {(call.to, call.from_number) for call in calls}
        calling = {from_number for _, from_number in wanted}
        pools = {one.id: calling.intersection(pooled.number for pooled in one.plan.numbers) for one in campaigns}
        pools = {campaign_id: numbers for campaign_id, numbers in pools.items() if numbers}
        reached: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for one in contacts_with_numbers(self._database, connection, pools, {to for to, _ in wanted}):
            for place in wanted.intersection((to, by) for to in one.phones for by in pools[one.campaign_id]):
                reached[place].append(one.id)
        return dict(reached)

    def _without_call(self, connection: Connection, phones: Collection[str]) -> list[Attempt]:
        found: list[Attempt] = []
        for some in in_parts(sorted(phones)):
            query = select(attempt).where(self._database.among(attempt.c.phone, some), attempt.c.call_sid.is_(None))
            found += map(attempt_of, connection.execute(query))
        return found


def _locked(table: Table, which: ColumnElement[bool]) -> Select[Any]:
    return select(table).where(which).with_for_update()


def _latest(connection: Connection, account: str, numbers: Iterable[str]) -> int | None:
    """Return when the latest attempt from these numbers was begun, or the first campaign made; None without one."""
    found: list[int] = []
    for number in numbers:  # one look into an index for each; a statement for all would read every attempt
        latest = select(func.max(attempt.c.intent_at)).where(attempt.c.from_number == number)
        found += [at for at in connection.execute(latest).scalars() if at is not None]
    first = select(func.min(campaign.c.created_at)).where(campaign.c.account == account)
    return max(found) if found else connection.execute(first).scalar()


def _numbers(connection: Connection, account: str) -> list[str]:
    """Return the numbers from which the campaigns of an account call."""
    return sorted({pooled.number for one in _campaigns(connection, account) for pooled in one.plan.numbers})


def _campaigns(connection: Connection, account: str) -> list[Campaign]:
    query = select(campaign).where(campaign.c.account == account, campaign.c.status != CampaignStatus.CANCELLED)
    return [campaign_of(row) for row in connection.execute(query)]


def _called(connection: Connection, campaigns: Mapping[str, Campaign], missing: MissingCall) -> list[Called]:
    """Return the contacts that a call may have been for, each with its attempt that is under way."""
    running = select(attempt).where(attempt.c.contact_id.in_(missing.contacts), IS_LIVE).with_for_update()
    live = {one.contact_id: one for one in map(attempt_of, connection.execute(running))}
    query = select(contact).where(contact.c.id.in_(missing.contacts)).with_for_update()
    found = map(contact_of, connection.execute(query))
    return [Called(campaigns[one.campaign_id], one, live.get(one.id)) for one in found]
