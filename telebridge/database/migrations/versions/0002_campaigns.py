"""Campaigns: their contacts, every attempt to reach one, and who must not be called."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")

IS_READY = "state = 'ready'"
IS_LIVE = "state IN ('intent', 'placed', 'answered')"
IS_WATCHED = "check_at IS NOT NULL"


def upgrade() -> None:
    """Make the tables of campaigns."""
    _campaign()
    _lane()
    _contact()
    _attempt()
    _pacer()
    _do_not_call()
    _register_scrub()
    _task_lease()
    _import_position()


def _campaign() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("status_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("tat", sa.Double, nullable=False),
        sa.Column("turn", sa.BigInteger, nullable=False),
    )


def _lane() -> None:
    op.create_table(
        "lane",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("campaign_id", sa.Text, sa.ForeignKey("campaign.id"), nullable=False),
        sa.Column("zones", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.UniqueConstraint(
            "campaign_id", "zones", "region", "priority", name="uq_lane_campaign_id_zones_region_priority"
        ),
    )


def _contact() -> None:
    op.create_table(
        "contact",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("campaign_id", sa.Text, sa.ForeignKey("campaign.id"), nullable=False),
        sa.Column("lane_id", ROW_ID, sa.ForeignKey("lane.id"), nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("claims", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("held", sa.Text, nullable=False),
        sa.Column("variables", sa.JSON, nullable=False),
        sa.Column("consented_at", sa.BigInteger),
        sa.Column("consent_source", sa.Text, nullable=False),
        sa.UniqueConstraint("campaign_id", "phone", name="uq_contact_campaign_id_phone"),
    )
    _partial("ix_contact_ready", "contact", ["lane_id", "due_at"], IS_READY)
    op.create_index("ix_contact_campaign", "contact", ["campaign_id", "id"])


def _attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("campaign_id", sa.Text, sa.ForeignKey("campaign.id"), nullable=False),
        sa.Column("contact_id", ROW_ID, sa.ForeignKey("contact.id"), nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("from_number", sa.Text, nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("intent_at", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("check_at", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("ring_seconds", sa.Integer, nullable=False),
        sa.Column("detects_machine", sa.Boolean, nullable=False),
        sa.Column("call_sid", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("answered_by", sa.Text, nullable=False),
        sa.Column("reported", sa.Text),
        sa.Column("call_back_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("outcome", sa.Text),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("rules_version", sa.Text, nullable=False),
        sa.UniqueConstraint("contact_id", "n", name="uq_attempt_contact_id_n"),
        sa.UniqueConstraint("call_sid", name="uq_attempt_call_sid"),
    )
    _partial("uq_attempt_live_phone", "attempt", ["phone"], IS_LIVE, unique=True)
    _partial("ix_attempt_live", "attempt", ["account", "campaign_id"], IS_LIVE)
    _partial("ix_attempt_watched", "attempt", ["check_at"], IS_WATCHED)
    op.create_index("ix_attempt_phone", "attempt", ["phone", "intent_at"])
    op.create_index("ix_attempt_from_number", "attempt", ["from_number", "intent_at"])
    op.create_index("ix_attempt_campaign", "attempt", ["campaign_id", "intent_at"])


def _pacer() -> None:
    op.create_table(
        "pacer",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("calls_per_second", sa.Double, nullable=False),
        sa.Column("max_live", sa.Integer, nullable=False),
        sa.Column("reserved", sa.Integer, nullable=False),
        sa.Column("tat", sa.Double, nullable=False),
        sa.Column("backoff_until", sa.BigInteger, nullable=False),
        sa.Column("backoff_step", sa.Integer, nullable=False),
    )


def _do_not_call() -> None:
    op.create_table(
        "do_not_call",
        sa.Column("phone", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
    )


def _register_scrub() -> None:
    op.create_table(
        "register_scrub",
        sa.Column("register", sa.Text, primary_key=True),
        sa.Column("scrubbed_at", sa.BigInteger, nullable=False),
    )


def _task_lease() -> None:
    op.create_table(
        "task_lease",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
    )


def _import_position() -> None:
    op.create_table(
        "import_position",
        sa.Column("campaign_id", sa.Text, sa.ForeignKey("campaign.id"), primary_key=True),
        sa.Column("line", sa.BigInteger, nullable=False),
    )


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
