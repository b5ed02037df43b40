"""Campaigns: of those that are not over, an account has one of each name. Where it has more, the newest keeps it."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NOT_OVER = sa.text("status NOT IN ('done', 'cancelled')")

campaign = sa.table(
    "campaign",
    sa.column("id", sa.Text),
    sa.column("account", sa.Text),
    sa.column("name", sa.Text),
    sa.column("created_at", sa.BigInteger),
    sa.column("plan", sa.Text),
)


def upgrade() -> None:
    """Give all but the newest of a name another one, and make the index."""
    newest_first = sa.select(campaign).where(NOT_OVER).order_by(campaign.c.created_at.desc(), campaign.c.id)
    taken: set[tuple[str, str]] = set()
    for row in op.get_bind().execute(newest_first).all():
        if (row.account, row.name) in taken:
            name = f"{row.name}-{row.id[:8]}"
            plan = json.dumps({**json.loads(row.plan), "name": name})
            op.execute(sa.update(campaign).where(campaign.c.id == row.id).values(name=name, plan=plan))
        taken.add((row.account, row.name))
    op.create_index(
        "uq_campaign_name",
        "campaign",
        ["account", "name"],
        unique=True,
        sqlite_where=NOT_OVER,
        postgresql_where=NOT_OVER,
    )
