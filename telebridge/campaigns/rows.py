"""Between rows of the tables and the values that the engine works with."""

from dataclasses import fields
from typing import Any

from sqlalchemy import Row

from telebridge.campaigns.attempt import Attempt, Contact
from telebridge.campaigns.campaign import Campaign
from telebridge.campaigns.contact import Lane, NewContact
from telebridge.campaigns.epoch import epoch_ms
from telebridge.campaigns.pacing import Backoff, Pacing
from telebridge.campaigns.states import ContactState

ZONES_APART = " "
"""No name of a time zone has a space."""

_ATTEMPT = tuple(field.name for field in fields(Attempt))
_CONTACT = tuple(field.name for field in fields(Contact))
_CAMPAIGN = tuple(field.name for field in fields(Campaign))


def attempt_of(row: Row[Any]) -> Attempt:
    """The attempt that a row of `attempt` tells of."""
    return Attempt(**{name: row._mapping[name] for name in _ATTEMPT})  # noqa: SLF001 - public in SQLAlchemy's own words


def contact_of(row: Row[Any]) -> Contact:
    """The contact that a row of `contact` tells of."""
    return Contact(**{name: row._mapping[name] for name in _CONTACT})  # noqa: SLF001 - as above


def campaign_of(row: Row[Any]) -> Campaign:
    """The campaign that a row of `campaign` tells of."""
    return Campaign(**{name: row._mapping[name] for name in _CAMPAIGN})  # noqa: SLF001 - as above


def attempt_values(attempt: Attempt) -> dict[str, Any]:
    """The row of an attempt."""
    return {name: getattr(attempt, name) for name in _ATTEMPT}


def contact_changes(contact: Contact) -> dict[str, Any]:
    """The columns of a contact that change once it is imported."""
    return {name: getattr(contact, name) for name in ("state", "due_at", "attempts", "claims", "outcome", "held")}


def campaign_changes(campaign: Campaign) -> dict[str, Any]:
    """The columns of a campaign that change once it is made."""
    return {name: getattr(campaign, name) for name in ("status", "status_at", "reason", "tat", "turn")}


def new_contact_values(campaign_id: str, lane_id: int, new: NewContact) -> dict[str, Any]:
    """The row of a contact that is imported."""
    return {
        "campaign_id": campaign_id,
        "lane_id": lane_id,
        "phone": new.phone,
        "state": ContactState.READY,
        "due_at": 0 if new.due_at is None else epoch_ms(new.due_at),
        "attempts": 0,
        "claims": 0,
        "outcome": "",
        "held": "",
        "variables": dict(new.variables),
        "consented_at": None if new.consented_at is None else epoch_ms(new.consented_at),
        "consent_source": new.consent_source,
    }


def lane_of(zones: str, region: str) -> Lane:
    """The lane that columns `zones` and `region` tell of."""
    return Lane(tuple(zones.split(ZONES_APART)), region)


def zones_text(lane: Lane) -> str:
    """A lane's zones as one column."""
    return ZONES_APART.join(lane.zones)


def pacing_of(row: Row[Any]) -> Pacing:
    """An account's limits."""
    return Pacing(row.calls_per_second, row.max_live, row.reserved)


def backoff_of(row: Row[Any]) -> Backoff:
    """The quiet that Twilio asked for."""
    return Backoff(row.backoff_until, row.backoff_step)
