"""Requests to a campaign's webhook, and what follows from their answers.

One rule: an event is sent until its receiver answers 2xx, so a receiver may get it twice; its id never changes.
Instants are epoch milliseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from telebridge.campaigns.engine.campaign import Webhook, WebhookEvent
from telebridge.campaigns.webhooks.signature import sign
from telebridge.timing.backoff import backoff_seconds

FIRST_SECONDS = 10.0
LONGEST_SECONDS = 3600.0
LONGEST_BACKOFF_SECONDS = 60.0
KEPT_MS = 3 * 86_400_000
GONE = 410


@dataclass(frozen=True, slots=True)
class EventDelivery:
    """An event that only this process sends until its lease runs out.

    Args:
        id: The event's.
        event: Its name.
        body: JSON.
        at: When it happened.
        tries: Which try this is, from 1.
    """

    id: str
    event: WebhookEvent
    body: str
    at: int
    tries: int


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events of one campaign that are due.

    Args:
        webhook: Where they go, as the campaign's plan says now; None when nowhere any more.
        deliveries: What is sent.
        dropped: How many events were dropped, as there is no webhook.
        now: What the store's clock said when they were taken.
    """

    campaign_id: str
    webhook: Webhook | None
    deliveries: Sequence[EventDelivery] = ()
    dropped: int = 0
    now: int = 0


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The HTTP status that a receiver answered to a delivery; None for no answer."""

    delivery: EventDelivery
    status: int | None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Again:
    """It is sent once more at `due_at`."""

    due_at: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """It is never sent again."""


Verdict = Delivered | Again | Dropped


@dataclass(frozen=True, slots=True)
class Tally:
    """How many deliveries ended how."""

    delivered: int = 0
    failed: int = 0
    dropped: int = 0


def verdict(result: DeliveryResult, *, now: int) -> Verdict:
    """Return what follows for an event from the answer to it."""
    status = result.status
    if status is not None and 200 <= status < 300:
        return Delivered()
    if status == GONE or is_old(result.delivery.at, now=now):
        return Dropped()
    return Again(now + round(1000 * retry_seconds(result.delivery.tries)))


def is_old(at: int, *, now: int) -> bool:
    """Whether an event is too old to be sent once more."""
    return now - at >= KEPT_MS


def retry_seconds(tries: int) -> float:
    """Return how long to wait after so many failed tries: twice as long each time."""
    return backoff_seconds(tries, first=FIRST_SECONDS, longest=LONGEST_SECONDS)


def request_headers(webhook: Webhook, delivery: EventDelivery, *, now: int) -> dict[str, str]:
    """Return the headers of a request, signed when the webhook has a secret. `now` is epoch milliseconds."""
    at_seconds = now // 1000
    headers = {
        "Content-Type": "application/json",
        "Telebridge-Event": delivery.event.value,
        "webhook-id": delivery.id,
        "webhook-timestamp": str(at_seconds),
    }
    if webhook.secret:
        headers["webhook-signature"] = sign(webhook.secret, delivery.id, delivery.body.encode(), at_seconds=at_seconds)
    return headers


class Endpoints:
    """The back-off of each campaign's webhook endpoint, which begins when no event of a batch was delivered.

    Without it an endpoint that is away would get a request for each of its events. `now` is monotonic seconds.
    """

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._backoff_until: dict[str, float] = {}

    def in_backoff(self, campaign_id: str, *, now: float) -> bool:
        """Whether nothing is sent to a campaign's endpoint now."""
        return now < self._backoff_until.get(campaign_id, now)

    def record(self, campaign_id: str, tally: Tally, *, now: float) -> None:
        """Record the results of a batch."""
        if tally.delivered or not tally.failed:
            self._failures.pop(campaign_id, None)
            self._backoff_until.pop(campaign_id, None)
            return
        failures = self._failures[campaign_id] = self._failures.get(campaign_id, 0) + 1
        self._backoff_until[campaign_id] = now + min(retry_seconds(failures), LONGEST_BACKOFF_SECONDS)
