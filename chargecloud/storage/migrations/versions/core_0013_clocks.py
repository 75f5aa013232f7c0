"""How far chargers' clocks are off, and what orders are billed by ours.

Revision ID: core_0013
Revises: core_0012
"""

import sqlalchemy as sa
from alembic import op

revision = "core_0013"
down_revision = "core_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; nothing is known of what was before."""
    for table in ("chargers", "orders"):
        op.add_column(table, sa.Column("clock_ahead_s", sa.Integer()))
