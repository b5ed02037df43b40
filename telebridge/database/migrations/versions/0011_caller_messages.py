"""The messages that callers left: who has heard them, and the e-mails with them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "caller_message",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("call_sid", sa.Text, nullable=False),
        sa.Column("flow", sa.Text, nullable=False),
        sa.Column("from_number", sa.Text, nullable=False),
        sa.Column("to_number", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("length_ms", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("heard_at", sa.BigInteger),
        sa.Column("mail_to", sa.Text, nullable=False),
        sa.Column("mail_due_at", sa.BigInteger),
        sa.Column("mail_failures", sa.Integer, nullable=False),
        sa.Column("mailed_at", sa.BigInteger),
        sa.Column("mail_error", sa.Text),
    )
    op.create_index("ix_caller_message_recorded_at", "caller_message", ["recorded_at"])
    op.create_index("ix_caller_message_mail_due_at", "caller_message", ["mail_due_at"])
