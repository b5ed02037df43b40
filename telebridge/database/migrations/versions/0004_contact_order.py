"""Due contacts in their order: without the id in the index, PostgreSQL sorts everybody due in a lane at each claim."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

READY = sa.text("state = 'ready'")


def upgrade() -> None:
    """Make the index anew."""
    op.drop_index("ix_contact_ready", "contact")
    columns = ["lane_id", "due_at", "id"]
    op.create_index("ix_contact_ready", "contact", columns, sqlite_where=READY, postgresql_where=READY)
