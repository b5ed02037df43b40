"""The webhook events that follow from a change, as rows for the outbox.

A store calls these functions in the transaction of the change and writes the rows in it, so that events tell exactly
what has happened.

One rule: the last facts of a call come within seconds, in any order (its end, who answered, what was said), so an event
waits some seconds for them; a change before it is sent replaces it, a later change makes another event.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import uuid4

from telebridge.campaigns.engine.attempt import Attempt, attempt_json
from telebridge.campaigns.engine.campaign import Campaign, WebhookEvent
from telebridge.campaigns.engine.contact import Contact
from telebridge.campaigns.engine.states import AttemptState, ContactState

WAIT_FOR_FACTS_MS = 5000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """A value before and after a change."""

    before: T
    after: T


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """An event to be sent.

    Args:
        id: Never changes, so that a receiver recognizes an event that it has.
        campaign_id: Whose webhook gets it.
        event: What has happened.
        subject: The id of the contact or attempt. A later event of this name and subject replaces it; empty for never.
        at: When it happened.
        due_at: When it is sent for the first time.
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
class OutboxChange:
    """What a change of a campaign changes in the outbox.

    Args:
        withdrawn: Events, by name and subject, that no longer hold; they are removed unless they were sent.
        events: Events to be sent.
    """

    withdrawn: tuple[tuple[WebhookEvent, str], ...] = ()
    events: tuple[OutboxEvent, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.withdrawn or self.events)


NOTHING = OutboxChange()


def attempt_events(owner: Campaign, attempt: Change[Attempt], contact: Change[Contact], *, now: int) -> OutboxChange:
    """Return the events of a change of an attempt.

    Args:
        owner: The campaign.
        attempt: The attempt; a void one has no event of its own.
        contact: Its contact.
        now: Epoch milliseconds.
    """
    if owner.plan.webhook is None:
        return NOTHING
    was_done, ended = (one.state is AttemptState.DONE and one.outcome is not None for one in _both(attempt))
    has_changed = attempt_json(attempt.before) != attempt_json(attempt.after)
    due_at = max(now, attempt.after.check_at or 0) + WAIT_FOR_FACTS_MS  # a verdict is still to come by then
    events = _Events(owner, now, due_at)
    if ended and has_changed:
        events.add(WebhookEvent.ATTEMPT_DONE, attempt.after.id, _attempt(attempt.after, contact.after), anew=was_done)
    if attempt.after.n == contact.after.claims:
        _add_contact(events, attempt, contact, has_changed=has_changed)
    return events.change()


def _both(change: Change[T]) -> tuple[T, T]:
    return change.before, change.after


def _add_contact(events: "_Events", attempt: Change[Attempt], contact: Change[Contact], *, has_changed: bool) -> None:
    was_done, is_done = (one.state is ContactState.DONE for one in (contact.before, contact.after))
    subject = str(contact.after.id)
    if is_done and (has_changed or contact.before != contact.after):
        events.add(WebhookEvent.CONTACT_DONE, subject, _contact(contact.after, attempt.after), anew=was_done)
    elif was_done and not is_done:  # a late verdict: it is called again
        events.withdraw(WebhookEvent.CONTACT_DONE, subject)


def skipped_events(owner: Campaign, contact: Contact, *, now: int) -> OutboxChange:
    """Return the events of a contact that a claim has changed: none unless it was skipped."""
    events = _Events(owner, now, now)
    if contact.state is ContactState.SKIPPED:
        events.add(WebhookEvent.CONTACT_DONE, str(contact.id), _contact(contact, None))
    return events.change()


def status_events(campaign: Change[Campaign], *, now: int) -> OutboxChange:
    """Return the events of a change of a campaign's status; none when the status is the same."""
    after = campaign.after
    events = _Events(after, now, now)
    if after.status is not campaign.before.status:
        events.add(WebhookEvent.CAMPAIGN_STATUS, "", {"status": after.status.value, "reason": after.reason})
    return events.change()


def campaign_event(owner: Campaign, event: WebhookEvent, facts: Mapping[str, Any], *, now: int) -> OutboxChange:
    """Return the event of what a person did to a whole campaign; nothing when its webhook does not want it."""
    events = _Events(owner, now, now)
    events.add(event, "", facts)
    return events.change()


def retried_event(owner: Campaign, outcomes: Collection[str], contacts: int, *, now: int) -> OutboxChange:
    """Return the event of contacts that were put back; a retry that is done in parts has one for each part.

    Args:
        owner: The campaign.
        outcomes: With one of these they were done.
        contacts: How many were put back.
        now: Epoch milliseconds.
    """
    facts = {"status": owner.status.value, "outcomes": sorted(outcomes), "contacts": contacts}
    return campaign_event(owner, WebhookEvent.CAMPAIGN_RETRIED, facts, now=now) if contacts else NOTHING


class _Events:
    """Collects the events that a campaign's webhook wants."""

    def __init__(self, owner: Campaign, now: int, due_at: int) -> None:
        self._owner = owner
        self._now = now
        self._due_at = due_at
        self._wanted = () if owner.plan.webhook is None else owner.plan.webhook.events
        self._withdrawn: list[tuple[WebhookEvent, str]] = []
        self._events: list[OutboxEvent] = []

    def add(self, event: WebhookEvent, subject: str, facts: Mapping[str, Any], *, anew: bool = False) -> None:
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

    def change(self) -> OutboxChange:
        return OutboxChange(tuple(self._withdrawn), tuple(self._events))


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
