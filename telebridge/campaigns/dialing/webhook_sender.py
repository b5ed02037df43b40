"""Sends what campaigns' webhooks are to be told.

This is a shell around `telebridge.campaigns.webhooks.delivery`. Every dialing process runs one;
the store gives each event to one of them at a time, in batches of one campaign, so that a receiver that is slow holds
up nobody else's.

The address is the choice of the campaign's owner, who may have it in a private network, as a flow's author may
(`telebridge.call.flows.requests`); where a redirect leads is not, and none is followed.

One rule: an event leaves the outbox after the answer, never before it.
"""

import asyncio
from dataclasses import dataclass

import aiohttp

from telebridge.campaigns.dialing.poll_loop import Rounds
from telebridge.campaigns.engine.campaign import Webhook
from telebridge.campaigns.store.protocols import OutboxRecords
from telebridge.campaigns.webhooks.delivery import (
    Answer,
    Batch,
    Delivery,
    Receivers,
    request_headers,
)
from telebridge.logs import logger
from telebridge.metrics import WEBHOOK_DELIVERIES

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookOptions:
    """How webhooks are told.

    Args:
        every_seconds: How often somebody looks for events that are due.
        timeout_seconds: How long a receiver may take to answer.
        lease_seconds: After so long another process sends the event: longer than a receiver may take.
        requests: How many requests may be under way.
        batch: How many of them to one receiver.
        trouble_seconds: How long to wait after the database has failed.
    """

    every_seconds: float = 1.0
    timeout_seconds: float = 10.0
    lease_seconds: float = 30.0
    requests: int = 100
    batch: int = 20
    trouble_seconds: float = 5.0


class Webhooks:
    """One process's deliveries; `run` it as a task, and `drain` it at the end.

    Args:
        outbox: What is to be sent.
        options: How.
    """

    def __init__(self, outbox: OutboxRecords, options: WebhookOptions | None = None) -> None:
        self._outbox = outbox
        self._options = options or WebhookOptions()
        self._rounds = Rounds(every_seconds=self._options.every_seconds, trouble_seconds=self._options.trouble_seconds)
        self._receivers = Receivers()
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._under_way = 0
        self._session: aiohttp.ClientSession | None = None

    async def run(self) -> None:
        """Deliver until `drain` is called; a database that fails is waited for."""
        await self._rounds.run(self.deliver_once, failed="webhooks cannot be told")

    async def drain(self) -> None:
        """Begin no further request, wait for the answers to those under way, and close."""
        self._rounds.drain()
        while self._sending:
            await asyncio.wait(self._sending.values())
        if self._session is not None:
            await self._session.close()

    async def deliver_once(self) -> None:
        """Begin to send what is due, a batch to each receiver that has none under way."""
        now = asyncio.get_running_loop().time()
        for campaign_id in await self._outbox.waiting():
            free = min(self._options.batch, self._options.requests - self._under_way)
            if self._rounds.draining or free <= 0:
                return
            if campaign_id in self._sending or self._receivers.rests(campaign_id, now=now):
                continue
            lease_seconds = self._options.lease_seconds
            batch = await self._outbox.take(campaign_id, limit=free, lease_seconds=lease_seconds)
            if batch is not None:
                self._begin(batch)

    def _begin(self, batch: Batch) -> None:
        if self._rounds.draining:  # the lease runs out, and another process sends it
            return
        if batch.webhook is None:
            _count_dropped(batch.campaign_id, batch.dropped, "the campaign has no webhook any more")
            return
        self._under_way += len(batch.deliveries)
        task = asyncio.create_task(self._send(batch, batch.webhook))
        self._sending[batch.campaign_id] = task
        task.add_done_callback(lambda _: self._over(batch))

    def _over(self, batch: Batch) -> None:
        del self._sending[batch.campaign_id]
        self._under_way -= len(batch.deliveries)
        self._rounds.wake()

    async def _send(self, batch: Batch, webhook: Webhook) -> None:
        try:
            sent = (self._answer(webhook, delivery, now=batch.now) for delivery in batch.deliveries)
            answers = await asyncio.gather(*sent)
            tally = await self._outbox.settle(batch.campaign_id, answers)
        except Exception:  # the lease runs out, and the events are sent again
            log.exception("a batch of webhook events could not be kept", campaign=batch.campaign_id)
            return
        self._receivers.answered(batch.campaign_id, tally, now=asyncio.get_running_loop().time())
        WEBHOOK_DELIVERIES.labels("delivered").inc(tally.delivered)
        WEBHOOK_DELIVERIES.labels("failed").inc(tally.failed)
        if tally.failed:
            statuses = sorted({str(answer.status or "no answer") for answer in answers})
            log.warning("a webhook did not take events", campaign=batch.campaign_id, count=tally.failed, said=statuses)
        _count_dropped(batch.campaign_id, tally.dropped, "the receiver is gone, or did not take them for days")

    async def _answer(self, webhook: Webhook, delivery: Delivery, *, now: int) -> Answer:
        """Send one event."""
        session, timeout = self._open(), aiohttp.ClientTimeout(self._options.timeout_seconds)
        body, headers = delivery.body.encode(), request_headers(webhook, delivery, now=now)
        try:
            request = session.post(webhook.url, data=body, headers=headers, timeout=timeout, allow_redirects=False)
            async with request as answer:
                return Answer(delivery, answer.status)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            log.info("a webhook did not answer", event_id=delivery.id, error=str(error) or type(error).__name__)
            return Answer(delivery, None)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._session


def _count_dropped(campaign_id: str, count: int, why: str) -> None:
    if count:
        WEBHOOK_DELIVERIES.labels("dropped").inc(count)
        log.error("webhook events were dropped", campaign=campaign_id, count=count, reason=why)
