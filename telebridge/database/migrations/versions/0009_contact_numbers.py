"""Several numbers for one contact: all of them, and which one is called next. Contacts with one number have no list."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("contact", sa.Column("numbers", sa.Text))
    op.add_column("contact", sa.Column("number", sa.Integer, nullable=False, server_default="0"))
