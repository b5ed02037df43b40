"""The outbox of campaigns in this process's memory; see `OutboxRecords` for what is promised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from typing_extensions import override

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.store.protocols import OutboxRecords
from telebridge.campaigns.webhooks.delivery import (
    Again,
    DeliveryResult,
    Dropped,
    EventBatch,
    EventDelivery,
    Tally,
    is_old,
    verdict,
)
from telebridge.campaigns.webhooks.events import OutboxChange, OutboxEvent
from telebridge.timing.epoch import Clock


@dataclass(slots=True)
class OutboxRow:
    """An event that is still to be sent."""

    told: OutboxEvent
    due_at: int
    tries: int = 0


OutboxRows = dict[str, OutboxRow]


def write_outbox(rows: OutboxRows, change: OutboxChange) -> None:
    """Put what a change means for the outbox there."""
    for key, row in list(rows.items()):
        if (row.told.event, row.told.subject) in change.withdrawn and row.tries == 0:
            del rows[key]
    for event in change.events:
        rows[event.id] = OutboxRow(event, event.due_at)


class MemoryOutbox(OutboxRecords):
    """What webhooks are still to be told."""

    def __init__(self, rows: OutboxRows, campaigns: Mapping[str, Campaign], clock: Clock) -> None:
        self._rows = rows
        self._campaigns = campaigns
        self._clock = clock

    @override
    async def waiting(self) -> list[str]:
        due = [row for row in self._rows.values() if row.due_at <= self._clock()]
        due.sort(key=lambda row: row.due_at)
        return list(dict.fromkeys(row.told.campaign_id for row in due))

    @override
    async def take(self, campaign_id: str, *, limit: int, lease_seconds: float) -> EventBatch | None:
        now = self._clock()
        own = [row for row in self._rows.values() if row.told.campaign_id == campaign_id]
        webhook = self._campaigns[campaign_id].plan.webhook
        if webhook is None:
            for row in own:
                del self._rows[row.told.id]
            return EventBatch(campaign_id, None, dropped=len(own))
        taken = sorted((row for row in own if row.due_at <= now), key=lambda row: row.due_at)[:limit]
        for row in taken:
            row.due_at, row.tries = now + round(1000 * lease_seconds), row.tries + 1
        deliveries = [
            EventDelivery(one.told.id, one.told.event, one.told.body, one.told.at, one.tries) for one in taken
        ]
        return EventBatch(campaign_id, webhook, deliveries, now=now) if taken else None

    @override
    async def apply_results(self, campaign_id: str, results: Sequence[DeliveryResult]) -> Tally:
        now = self._clock()
        delivered = failed = dropped = 0
        too_old = False
        for result in results:
            one = result.delivery
            match verdict(result, now=now):
                case Again(due_at):
                    failed += 1
                    row = self._rows.get(one.id)
                    if row is not None and row.tries == one.tries:
                        row.due_at = due_at
                    continue
                case Dropped():
                    dropped += 1
                    too_old = too_old or is_old(one.at, now=now)
                case _:
                    delivered += 1
            self._rows.pop(one.id, None)
        return Tally(delivered, failed, dropped + (self._drop_old(campaign_id, now) if too_old else 0))

    @override
    async def undelivered(self, campaign_id: str) -> int:
        return sum(row.told.campaign_id == campaign_id for row in self._rows.values())

    def _drop_old(self, campaign_id: str, now: int) -> int:
        old = [
            key
            for key, row in self._rows.items()
            if row.told.campaign_id == campaign_id and row.due_at <= now and is_old(row.told.at, now=now)
        ]
        for key in old:
            del self._rows[key]
        return len(old)
