"""Sends the events in the outbox to campaigns' webhooks.

This is a shell around `telebridge.campaigns.webhooks.delivery`. Every dialing process runs one; the store gives each
event to one of them at a time, in batches of one campaign, so that a slow receiver does not hold up the others.

The address is the choice of the campaign's owner, who may have it in a private network, as a flow's author may
(`telebridge.call.flows.http_client`); where a redirect leads is not, and none is followed.

One rule: an event is removed from the outbox after the answer, never before it.
"""

import asyncio

import aiohttp

from telebridge.campaigns.dialing.poll_loop import PollLoop
from telebridge.campaigns.engine.campaign import Webhook
from telebridge.campaigns.store.protocols import OutboxRecords
from telebridge.campaigns.webhooks.delivery import (
    DeliveryResult,
    Endpoints,
    EventBatch,
    EventDelivery,
    request_headers,
)
from telebridge.logs import logger
from telebridge.metrics import WEBHOOK_DELIVERIES

log = logger(__name__)


EVERY_SECONDS = 1.0
"""How often the outbox is read."""
TIMEOUT_SECONDS = 10.0
"""How long a receiver may take to answer."""
LEASE_SECONDS = 30.0
"""After so long another process sends the event: longer than a receiver may take."""
MAX_REQUESTS = 100
"""So many requests may be under way."""
BATCH = 20
"""So many of them to one receiver."""
TROUBLE_SECONDS = 5.0
"""How long to wait after the database has failed."""


class WebhookSender:
    """One process's deliveries; `run` it as a task, and `drain` it at the end.

    Args:
        outbox: The events to be sent.
        batch: So many requests to one receiver may be under way.
    """

    def __init__(self, outbox: OutboxRecords, *, batch: int = BATCH) -> None:
        self._outbox = outbox
        self._batch = batch
        self._loop = PollLoop(every_seconds=EVERY_SECONDS, trouble_seconds=TROUBLE_SECONDS)
        self._endpoints = Endpoints()
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._under_way = 0
        self._session: aiohttp.ClientSession | None = None

    async def run(self) -> None:
        """Deliver until `drain` is called; after a failure of the database, wait and go on."""
        await self._loop.run(self.deliver_once, failed="webhook events cannot be sent")

    async def drain(self) -> None:
        """Begin no further request, wait for the answers to those under way, and close."""
        self._loop.drain()
        try:
            while self._sending:
                await asyncio.wait(self._sending.values())
        finally:
            if self._session is not None:
                await self._session.close()

    async def deliver_once(self) -> None:
        """Begin to send what is due, a batch to each receiver that has none under way."""
        now = asyncio.get_running_loop().time()
        for campaign_id in await self._outbox.waiting():
            free = min(self._batch, MAX_REQUESTS - self._under_way)
            if self._loop.draining or free <= 0:
                return
            if campaign_id in self._sending or self._endpoints.in_backoff(campaign_id, now=now):
                continue
            batch = await self._outbox.take(campaign_id, limit=free, lease_seconds=LEASE_SECONDS)
            if batch is not None:
                self._begin(batch)

    def _begin(self, batch: EventBatch) -> None:
        if self._loop.draining:  # the lease runs out, and another process sends it
            return
        if batch.webhook is None:
            _count_dropped(batch.campaign_id, batch.dropped, "the campaign has no webhook any more")
            return
        self._under_way += len(batch.deliveries)
        task = asyncio.create_task(self._send(batch, batch.webhook))
        self._sending[batch.campaign_id] = task
        task.add_done_callback(lambda _: self._over(batch))

    def _over(self, batch: EventBatch) -> None:
        del self._sending[batch.campaign_id]
        self._under_way -= len(batch.deliveries)
        self._loop.wake()

    async def _send(self, batch: EventBatch, webhook: Webhook) -> None:
        try:
            sent = (self._post(webhook, delivery, now=batch.now) for delivery in batch.deliveries)
            results = await asyncio.gather(*sent)
            tally = await self._outbox.apply_results(batch.campaign_id, results)
        except Exception:  # the lease runs out, and the events are sent again
            log.exception("a batch of webhook events could not be kept", campaign=batch.campaign_id)
            return
        self._endpoints.record(batch.campaign_id, tally, now=asyncio.get_running_loop().time())
        WEBHOOK_DELIVERIES.labels("delivered").inc(tally.delivered)
        WEBHOOK_DELIVERIES.labels("failed").inc(tally.failed)
        if tally.failed:
            statuses = sorted({str(result.status or "no answer") for result in results})
            log.warning("a webhook did not take events", campaign=batch.campaign_id, count=tally.failed, said=statuses)
        _count_dropped(batch.campaign_id, tally.dropped, "the receiver is gone, or did not take them for days")

    async def _post(self, webhook: Webhook, delivery: EventDelivery, *, now: int) -> DeliveryResult:
        """Send one event."""
        session, timeout = self._open(), aiohttp.ClientTimeout(TIMEOUT_SECONDS)
        body, headers = delivery.body.encode(), request_headers(webhook, delivery, now=now)
        try:
            request = session.post(webhook.url, data=body, headers=headers, timeout=timeout, allow_redirects=False)
            async with request as answer:
                return DeliveryResult(delivery, answer.status)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            log.info("a webhook did not answer", event_id=delivery.id, error=str(error) or type(error).__name__)
            return DeliveryResult(delivery, None)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._session


def _count_dropped(campaign_id: str, count: int, why: str) -> None:
    if count:
        WEBHOOK_DELIVERIES.labels("dropped").inc(count)
        log.error("webhook events were dropped", campaign=campaign_id, count=count, reason=why)
