"""What a campaign's webhook is told of a change, as rows for the outbox.

A store asks here in the transaction of the change, and writes the rows in it: what has happened is told, and nothing
that has not.

One rule: a call's last facts come within seconds, in any order (its end, who answered, what was said), so an event
waits for them a little; what changes meanwhile replaces what is not yet sent, what changes later is told anew.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import uuid4

from telebridge.campaigns.engine.attempt import Attempt, Contact, attempt_json
from telebridge.campaigns.engine.campaign import Campaign, WebhookEvent
from telebridge.campaigns.engine.states import AttemptState, ContactState

SETTLES_MS = 5000
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Change(Generic[Row]):
    """A row before and after."""

    before: Row
    after: Row


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """One event to be sent.

    Args:
        id: Its own, for ever: by it a receiver tells what it has already.
        campaign_id: Whose webhook gets it.
        event: What has happened.
        subject: To whom: with `event`, what a later event would replace; empty when nothing is replaced.
        at: When it happened.
        due_at: When it is sent first.
        body: JSON.
    """

    id: str
    campaign_id: str
    event: WebhookEvent
    subject: str
    at: int
    due_at: int
    body: str


@dataclass(frozen=True, slots=True)
class News:
    """What a change means for the outbox.

    Args:
        withdrawn: Events, by name and subject, that no longer hold; those not sent yet need not be.
        events: Events to be sent.
    """

    withdrawn: tuple[tuple[WebhookEvent, str], ...] = ()
    events: tuple[OutboxEvent, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.withdrawn or self.events)


NOTHING = News()


def news_of_attempt(owner: Campaign, attempt: Change[Attempt], contact: Change[Contact], *, now: int) -> News:
    """What to tell when something became known of an attempt, and its contact was settled or not.

    Args:
        owner: The campaign.
        attempt: Which; one that is void is never told of itself.
        contact: Its contact.
        now: Epoch milliseconds.
    """
    if owner.plan.webhook is None:
        return NOTHING
    was_done, ended = (one.state is AttemptState.DONE and one.outcome is not None for one in _both(attempt))
    has_changed = attempt_json(attempt.before) != attempt_json(attempt.after)
    due_at = max(now, attempt.after.check_at or 0) + SETTLES_MS  # a verdict is still to come by then
    news = _Telling(owner, now, due_at)
    if ended and has_changed:
        news.tell(WebhookEvent.ATTEMPT_DONE, attempt.after.id, _attempt(attempt.after, contact.after), anew=was_done)
    if attempt.after.n == contact.after.claims:
        _tell_contact(news, attempt, contact, has_changed=has_changed)
    return news.told()


def _both(change: Change[Row]) -> tuple[Row, Row]:
    return change.before, change.after


def _tell_contact(news: "_Telling", attempt: Change[Attempt], contact: Change[Contact], *, has_changed: bool) -> None:
    was_done, is_done = (one.state is ContactState.DONE for one in (contact.before, contact.after))
    subject = str(contact.after.id)
    if is_done and (has_changed or contact.before != contact.after):
        news.tell(WebhookEvent.CONTACT_DONE, subject, _contact(contact.after, attempt.after), anew=was_done)
    elif was_done and not is_done:  # a late verdict: it is called again
        news.withdraw(WebhookEvent.CONTACT_DONE, subject)


def news_of_skipped(owner: Campaign, contact: Contact, *, now: int) -> News:
    """What to tell of a contact that a claim has skipped or put off; nothing of one that was put off."""
    news = _Telling(owner, now, now)
    if contact.state is ContactState.SKIPPED:
        news.tell(WebhookEvent.CONTACT_DONE, str(contact.id), _contact(contact, None))
    return news.told()


def news_of_status(campaign: Change[Campaign], *, now: int) -> News:
    """What to tell after an order to a campaign; nothing when it was so already."""
    after = campaign.after
    news = _Telling(after, now, now)
    if after.status is not campaign.before.status:
        news.tell(WebhookEvent.CAMPAIGN_STATUS, "", {"status": after.status.value, "reason": after.reason})
    return news.told()


class _Telling:
    """Collects news that a campaign's webhook wants."""

    def __init__(self, owner: Campaign, now: int, due_at: int) -> None:
        self._owner = owner
        self._now = now
        self._due_at = due_at
        self._wanted = () if owner.plan.webhook is None else owner.plan.webhook.events
        self._withdrawn: list[tuple[WebhookEvent, str]] = []
        self._events: list[OutboxEvent] = []

    def tell(self, event: WebhookEvent, subject: str, facts: Mapping[str, Any], *, anew: bool = False) -> None:
        if event not in self._wanted:
            return
        if anew:
            self.withdraw(event, subject)
        event_id = uuid4().hex
        body = {
            "id": event_id,
            "event": event.value,
            "at_ms": self._now,
            "campaign": {"id": self._owner.id, "name": self._owner.plan.name},
            **facts,
        }
        text = json.dumps(body)
        self._events.append(OutboxEvent(event_id, self._owner.id, event, subject, self._now, self._due_at, text))

    def withdraw(self, event: WebhookEvent, subject: str) -> None:
        if event in self._wanted:
            self._withdrawn.append((event, subject))

    def told(self) -> News:
        return News(tuple(self._withdrawn), tuple(self._events))


def _attempt(attempt: Attempt, contact: Contact) -> dict[str, Any]:
    return {
        "contact": {"phone": contact.phone, "variables": dict(contact.variables)},
        "attempt": attempt_json(attempt),
    }


def _contact(contact: Contact, last: Attempt | None) -> dict[str, Any]:
    return {
        "contact": {
            "phone": contact.phone,
            "variables": dict(contact.variables),
            "state": contact.state.value,
            "outcome": contact.outcome,
            "attempts": contact.attempts,
            "last_attempt": None if last is None else attempt_json(last),
        }
    }
