"""Energy that was saved by cutting off full batteries.

Revision ID: statistics_0002
Revises: statistics_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "statistics_0002"
down_revision = "statistics_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("statistics_days", sa.Column("saved_mwh", sa.BigInteger()))
    days = sa.table("statistics_days", sa.column("saved_mwh"))
    op.execute(days.update().values(saved_mwh=0))
    with op.batch_alter_table("statistics_days") as batch:
        batch.alter_column("saved_mwh", existing_type=sa.BigInteger(), nullable=False)
