"""The tables of campaigns, and the conversion between their rows and the values of the engine.

Contacts are the queue, attempts the log of intents, a pacer row the limits of an account. Instants are epoch
milliseconds of the database's clock.

One rule: a condition that is queried on every tick has a partial index, so that a million idle contacts cost nothing.
"""

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Row,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan, WebhookEvent
from telebridge.campaigns.engine.contact import Contact, ContactNumber, Lane, NewContact
from telebridge.campaigns.engine.outcomes import Outcome, Reported
from telebridge.campaigns.engine.pacing import Backoff, Pacing
from telebridge.campaigns.engine.states import AttemptState, CampaignStatus, ContactState
from telebridge.database.schema import metadata
from telebridge.timing.epoch import epoch_ms
from telebridge.twilio.calls import CallStatus

E = TypeVar("E", bound=Enum)


class Spelled(TypeDecorator[E], Generic[E]):
    """A member of an enum by its value."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[E]) -> None:
        super().__init__()
        self.kind = kind

    @override
    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value.value)

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> E | None:
        return None if value is None else self.kind(value)


class PlanText(TypeDecorator[CampaignPlan]):
    """A campaign's plan as JSON."""

    impl = Text
    cache_ok = True

    @override
    def process_bind_param(self, value: CampaignPlan | None, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> CampaignPlan | None:
        return None if value is None else msgspec.json.decode(value, type=CampaignPlan)


class NumbersText(TypeDecorator[tuple[ContactNumber, ...]]):
    """The numbers of a contact that has several, as JSON; NULL for one number."""

    impl = Text
    cache_ok = True

    @override
    def process_bind_param(self, value: tuple[ContactNumber, ...] | None, dialect: Dialect) -> str | None:
        return msgspec.json.encode(value).decode() if value else None

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> tuple[ContactNumber, ...]:
        return _NUMBERS.decode(value) if value else ()


_NUMBERS = msgspec.json.Decoder(tuple[ContactNumber, ...])

RowId = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only where the column is called INTEGER."""

# The conditions of partial indexes. They are declared for SQLite alone: to name PostgreSQL would import its dialect,
# which is a tenth of a start. The migrations make the indexes on both.
IS_READY = text("state = 'ready'")
IS_LIVE = text("state IN ('intent', 'placed', 'answered')")
IS_WATCHED = text("check_at IS NOT NULL")
IS_NOT_OVER = text("status NOT IN ('done', 'cancelled')")
IS_OF_ONE_CAMPAIGN = text("scope <> ''")

campaign = Table(
    "campaign",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("status", Spelled(CampaignStatus), nullable=False),
    Column("status_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("plan", PlanText, nullable=False),
    Column("tat", Double, nullable=False),
    Column("turn", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("erased", Boolean, nullable=False, server_default=false()),
    Index("uq_campaign_name", "account", "name", unique=True, sqlite_where=IS_NOT_OVER),
)

lane = Table(
    "lane",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("campaign_id", Text, ForeignKey("campaign.id"), nullable=False),
    Column("zones", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    UniqueConstraint("campaign_id", "zones", "region", "priority"),
)

contact = Table(
    "contact",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("campaign_id", Text, ForeignKey("campaign.id"), nullable=False),
    Column("lane_id", RowId, ForeignKey("lane.id"), nullable=False),
    Column("phone", Text, nullable=False),
    Column("state", Spelled(ContactState), nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claims", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("held", Text, nullable=False),
    Column("variables", JSON, nullable=False),
    Column("consented_at", BigInteger),
    Column("consent_source", Text, nullable=False),
    Column("numbers", NumbersText),
    Column("number", Integer, nullable=False, server_default="0"),
    UniqueConstraint("campaign_id", "phone"),
    Index("ix_contact_ready", "lane_id", "due_at", "id", sqlite_where=IS_READY),
    Index("ix_contact_campaign", "campaign_id", "id"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", Text, primary_key=True),
    Column("campaign_id", Text, ForeignKey("campaign.id"), nullable=False),
    Column("contact_id", RowId, ForeignKey("contact.id"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("phone", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("from_number", Text, nullable=False),
    Column("worker", Text, nullable=False),
    Column("intent_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("check_at", BigInteger),
    Column("state", Spelled(AttemptState), nullable=False),
    Column("looks", Integer, nullable=False),
    Column("ring_seconds", Integer, nullable=False),
    Column("detects_machine", Boolean, nullable=False),
    Column("call_sid", Text, unique=True),
    Column("status", Spelled(CallStatus)),
    Column("answered_by", Text, nullable=False),
    Column("reported", Spelled(Reported)),
    Column("call_back_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("outcome", Spelled(Outcome)),
    Column("error", Text, nullable=False),
    Column("rules_version", Text, nullable=False),
    Column("talk", JSON, nullable=False, server_default="{}"),
    UniqueConstraint("contact_id", "n"),
    # No two campaigns ever ring one number together, whatever else goes wrong.
    Index("uq_attempt_live_phone", "phone", unique=True, sqlite_where=IS_LIVE),
    Index("ix_attempt_live", "account", "campaign_id", sqlite_where=IS_LIVE),
    Index("ix_attempt_watched", "check_at", sqlite_where=IS_WATCHED),
    Index("ix_attempt_phone", "phone", "intent_at"),
    Index("ix_attempt_from_number", "from_number", "intent_at"),
    Index("ix_attempt_campaign", "campaign_id", "intent_at"),
)

pacer = Table(
    "pacer",
    metadata,
    Column("account", Text, primary_key=True),
    Column("calls_per_second", Double, nullable=False),
    Column("max_live", Integer, nullable=False),
    Column("reserved", Integer, nullable=False),
    Column("tat", Double, nullable=False),
    Column("backoff_until", BigInteger, nullable=False),
    Column("backoff_step", Integer, nullable=False),
)

do_not_call = Table(
    "do_not_call",
    metadata,
    Column("phone", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Index("ix_do_not_call_scope", "scope", sqlite_where=IS_OF_ONE_CAMPAIGN),
)

register_scrub = Table(
    "register_scrub",
    metadata,
    Column("register", Text, primary_key=True),
    Column("scrubbed_at", BigInteger, nullable=False),
)

task_lease = Table(
    "task_lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
)

import_position = Table(
    "import_position",
    metadata,
    Column("campaign_id", Text, ForeignKey("campaign.id"), primary_key=True),
    Column("line", BigInteger, nullable=False),
    Column("source", Text, nullable=False, server_default=""),
    Column("under_way", Boolean, nullable=False, server_default=false()),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    # No foreign key: the end of a call would wait for whoever changes the campaign.
    Column("campaign_id", Text, nullable=False),
    Column("event", Spelled(WebhookEvent), nullable=False),
    Column("subject", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Index("ix_outbox_due", "campaign_id", "due_at"),
    Index("ix_outbox_subject", "campaign_id", "subject"),
)


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


def contact_number_changes(contact: Contact) -> dict[str, Any]:
    """The columns that change when another of a contact's numbers is to be called."""
    return {name: getattr(contact, name) for name in ("lane_id", "numbers", "number")}


def campaign_changes(campaign: Campaign) -> dict[str, Any]:
    """The columns of a campaign that change once it is made."""
    return {name: getattr(campaign, name) for name in ("status", "status_at", "reason", "tat", "turn")}


def new_contact_values(campaign_id: str, lanes: Mapping[tuple[Lane, int], int], new: NewContact) -> dict[str, Any]:
    """The row of a contact that is imported, but for `new_number_values`.

    Args:
        campaign_id: Whose contact it is.
        lanes: The ids of lanes by lane and priority.
        new: The contact.
    """
    return {
        "campaign_id": campaign_id,
        "lane_id": lanes[new.lane, new.priority],
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


def new_number_values(lanes: Mapping[tuple[Lane, int], int], new: NewContact) -> dict[str, Any]:
    """The columns of a contact that is imported in which several numbers stand; by default it has one."""
    numbers = [ContactNumber(phone, lanes[lane, new.priority]) for phone, lane in ((new.phone, new.lane), *new.others)]
    return {"numbers": tuple(numbers) if new.others else (), "number": 0}


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
    """An account's back-off."""
    return Backoff(row.backoff_until, row.backoff_step)
