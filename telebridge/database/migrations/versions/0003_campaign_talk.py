"""Campaigns: what was said in each call, and whether a campaign is still being filled."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("attempt", sa.Column("talk", sa.JSON, nullable=False, server_default="{}"))
    op.add_column("import_position", sa.Column("source", sa.Text, nullable=False, server_default=""))
    op.add_column("import_position", sa.Column("under_way", sa.Boolean, nullable=False, server_default=sa.false()))
