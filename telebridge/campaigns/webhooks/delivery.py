"""What is sent to a campaign's webhook, and what follows from its answer.

The signature is made as Stripe makes its own: a receiver's code for those checks ours under another header's name.

One rule: an event is sent until its receiver says 2xx, so a receiver may get it twice; it has one id for ever.
Instants are epoch milliseconds.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from telebridge.backoff import backoff_seconds
from telebridge.campaigns.engine.campaign import Webhook, WebhookEvent

FIRST_SECONDS = 10.0
LONGEST_SECONDS = 3600.0
LONGEST_REST_SECONDS = 60.0
KEPT_MS = 3 * 86_400_000
GONE = 410


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that this process, and no other, sends until the lease runs out.

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
class Batch:
    """Events of one campaign that are due.

    Args:
        webhook: Where they go, as the campaign's plan says now; None when nowhere any more.
        deliveries: What is sent.
        dropped: How many events were dropped, as there is no webhook.
        now: What the store's clock said when they were taken.
    """

    campaign_id: str
    webhook: Webhook | None
    deliveries: Sequence[Delivery] = ()
    dropped: int = 0
    now: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said to a delivery: a status of HTTP, or None when it said nothing."""

    delivery: Delivery
    status: int | None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Again:
    """It is sent once more, then."""

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


def verdict(answer: Answer, *, now: int) -> Verdict:
    """What becomes of an event after an answer."""
    status = answer.status
    if status is not None and 200 <= status < 300:
        return Delivered()
    if status == GONE or is_old(answer.delivery.at, now=now):
        return Dropped()
    return Again(now + round(1000 * back_off_seconds(answer.delivery.tries)))


def is_old(at: int, *, now: int) -> bool:
    """Whether an event has waited for its receiver long enough."""
    return now - at >= KEPT_MS


def back_off_seconds(tries: int) -> float:
    """How long to wait after so many tries in vain: twice as long each time."""
    return backoff_seconds(tries, first=FIRST_SECONDS, longest=LONGEST_SECONDS)


def request_headers(webhook: Webhook, delivery: Delivery, *, now: int) -> dict[str, str]:
    """The headers of a delivery."""
    headers = {
        "Content-Type": "application/json",
        "Telebridge-Event": delivery.event.value,
        "Telebridge-Event-Id": delivery.id,
    }
    if webhook.secret:
        headers["Telebridge-Signature"] = signature(webhook.secret, delivery.body, at_seconds=now // 1000)
    return headers


def signature(secret: str, body: str, *, at_seconds: int) -> str:
    """Proof of who sent a body, and when."""
    signed = hmac.new(secret.encode(), f"{at_seconds}.{body}".encode(), hashlib.sha256)
    return f"t={at_seconds},v1={signed.hexdigest()}"


class Receivers:
    """Which receivers are left alone for a while, because nothing that was sent to them lately arrived.

    Without this, one that is away would be asked for each of its events, and hold up everybody else's.
    `now` is monotonic seconds.
    """

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._rests_until: dict[str, float] = {}

    def rests(self, campaign_id: str, *, now: float) -> bool:
        """Whether a campaign's receiver is left alone now."""
        return now < self._rests_until.get(campaign_id, now)

    def answered(self, campaign_id: str, tally: Tally, *, now: float) -> None:
        """A batch is over."""
        if tally.delivered or not tally.failed:
            self._failures.pop(campaign_id, None)
            self._rests_until.pop(campaign_id, None)
            return
        failures = self._failures[campaign_id] = self._failures.get(campaign_id, 0) + 1
        self._rests_until[campaign_id] = now + min(back_off_seconds(failures), LONGEST_REST_SECONDS)
