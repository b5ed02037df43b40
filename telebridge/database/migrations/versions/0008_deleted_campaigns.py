"""Campaigns that are deleted while records of them are kept, and the do-not-call entries of one campaign."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OF_ONE_CAMPAIGN = sa.text("scope <> ''")


def upgrade() -> None:
    """Add the columns and the index."""
    op.add_column("campaign", sa.Column("deleted_at", sa.BigInteger))
    op.add_column("campaign", sa.Column("erased", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_do_not_call_scope",
        "do_not_call",
        ["scope"],
        sqlite_where=OF_ONE_CAMPAIGN,
        postgresql_where=OF_ONE_CAMPAIGN,
    )
