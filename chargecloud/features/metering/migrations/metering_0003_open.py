"""Of each charger one session is open, whoever opens two at once.

Revision ID: metering_0003
Revises: metering_0002
"""

import sqlalchemy as sa
from alembic import op

revision = "metering_0003"
down_revision = "metering_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("metering_sessions", sa.Column("open_charger_id", sa.BigInteger()))
    names = ("id", "charger_id", "state", "open_charger_id")
    sessions = sa.table("metering_sessions", *(sa.column(name) for name in names))
    first = (
        sa.select(sa.func.min(sessions.c.id).label("id"))
        .where(sessions.c.state == "open")
        .group_by(sessions.c.charger_id)
        # MariaDB changes no table that it reads, but what it has read before
        .subquery()
    )
    op.execute(
        sessions.update()
        .where(sessions.c.id.in_(sa.select(first.c.id)))
        .values(open_charger_id=sessions.c.charger_id)
    )
    op.create_index("metering_sessions_open", "metering_sessions", ["open_charger_id"], unique=True)
