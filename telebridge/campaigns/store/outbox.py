"""The outbox in an SQL database; see `OutboxRecords` for what is promised.

One rule: taking an event sets its `due_at` to the end of the lease and counts a try; the result of an earlier try than
the last changes nothing, unless it is a delivery.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, select, update
from typing_extensions import override

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.contact import Contact
from telebridge.campaigns.store.protocols import OutboxRecords
from telebridge.campaigns.store.tables import campaign, outbox
from telebridge.campaigns.webhooks.delivery import (
    KEPT_MS,
    Again,
    DeliveryResult,
    Dropped,
    EventBatch,
    EventDelivery,
    Tally,
    is_old,
    verdict,
)
from telebridge.campaigns.webhooks.events import OutboxChange, OutboxEvent, skipped_events
from telebridge.database.database import Database


class SqlOutbox(OutboxRecords):
    """The webhook events to be sent."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def waiting(self) -> list[str]:
        first = select(func.min(outbox.c.due_at)).where(outbox.c.campaign_id == campaign.c.id).scalar_subquery()

        def work(connection: Connection) -> list[str]:
            query = select(campaign.c.id).where(first <= self._database.now(connection)).order_by(first)
            return list(connection.execute(query).scalars())

        return await self._database.read(work)

    @override
    async def take(self, campaign_id: str, *, limit: int, lease_seconds: float) -> EventBatch | None:
        def work(connection: Connection) -> EventBatch | None:
            plan = connection.execute(select(campaign.c.plan).where(campaign.c.id == campaign_id)).scalar_one()
            if plan.webhook is None:
                dropped = connection.execute(delete(outbox).where(_of(campaign_id))).rowcount
                return EventBatch(campaign_id, None, dropped=dropped)
            now = self._database.now(connection)
            due = _due(connection, campaign_id, now=now, limit=limit)
            if not due:
                return None
            taken = {"due_at": now + round(1000 * lease_seconds), "tries": outbox.c.tries + 1}
            ids = [one.id for one in due]
            connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(**taken))
            return EventBatch(campaign_id, plan.webhook, due, now=now)

        return await self._database.write(work)

    @override
    async def apply_results(self, campaign_id: str, results: Sequence[DeliveryResult]) -> Tally:
        def work(connection: Connection) -> Tally:
            now = self._database.now(connection)
            verdicts = [(result.delivery, verdict(result, now=now)) for result in results]
            over = [one.id for one, found in verdicts if not isinstance(found, Again)]
            again = [
                {"key": one.id, "try": one.tries, "then": found.due_at}
                for one, found in verdicts
                if isinstance(found, Again)
            ]
            if over:
                connection.execute(delete(outbox).where(outbox.c.id.in_(over)))
            if again:
                connection.execute(_PUT_OFF, again)
            dropped = [one for one, found in verdicts if isinstance(found, Dropped)]
            tally = Tally(len(over) - len(dropped), len(again), len(dropped))
            if any(is_old(one.at, now=now) for one in dropped):
                tally = replace(tally, dropped=tally.dropped + _drop_old(connection, campaign_id, now=now))
            return tally

        return await self._database.write(work)

    @override
    async def undelivered(self, campaign_id: str) -> int:
        query = select(func.count()).select_from(outbox).where(_of(campaign_id))
        return int((await self._database.rows(query))[0][0])


def write_outbox(connection: Connection, campaign_id: str, change: OutboxChange) -> None:
    """Write the events of a change, in the transaction of the change."""
    for event, subject in change.withdrawn:
        unsent = (outbox.c.subject == subject, outbox.c.event == event, outbox.c.tries == 0)
        connection.execute(delete(outbox).where(_of(campaign_id), *unsent))
    if change.events:
        connection.execute(insert(outbox), [_values(one) for one in change.events])


def write_skipped_events(
    connection: Connection, contacts: Sequence[Contact], campaigns: Mapping[str, Campaign], *, now: int
) -> None:
    """Write the events of contacts that a claim has skipped; nothing is written when no webhook wants them.

    Args:
        connection: The claim's.
        contacts: What the claim has changed; those that were only put off are passed over.
        campaigns: Their campaigns, by id.
        now: Epoch milliseconds.
    """
    for one in contacts:
        write_outbox(connection, one.campaign_id, skipped_events(campaigns[one.campaign_id], one, now=now))


def _of(campaign_id: str) -> ColumnElement[bool]:
    return outbox.c.campaign_id == campaign_id


def _due(connection: Connection, campaign_id: str, *, now: int, limit: int) -> list[EventDelivery]:
    query = select(outbox).where(_of(campaign_id), outbox.c.due_at <= now).order_by(outbox.c.due_at).limit(limit)
    rows = connection.execute(query.with_for_update(skip_locked=True))
    return [EventDelivery(row.id, row.event, row.body, row.at, row.tries + 1) for row in rows]


def _drop_old(connection: Connection, campaign_id: str, *, now: int) -> int:
    old = and_(_of(campaign_id), outbox.c.at <= now - KEPT_MS, outbox.c.due_at <= now)
    return connection.execute(delete(outbox).where(old)).rowcount


def _values(one: OutboxEvent) -> dict[str, Any]:
    return {field.name: getattr(one, field.name) for field in fields(OutboxEvent)}


_PUT_OFF = (
    update(outbox)
    .where(outbox.c.id == bindparam("key"), outbox.c.tries == bindparam("try"))
    .values(due_at=bindparam("then"))
)
