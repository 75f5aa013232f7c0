"""Which node holds a charger, what each node does, and who does what only one may do.

Revision ID: core_0009
Revises: core_0008
"""

import sqlalchemy as sa
from alembic import op

revision = "core_0009"
down_revision = "core_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and make the table."""
    op.add_column("chargers", sa.Column("node", sa.Integer()))
    op.add_column(
        "chargers",
        sa.Column("connected", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("chargers", sa.Column("gone_at", sa.BigInteger()))
    op.create_index("chargers_by_node", "chargers", ["node", "connected"])
    op.add_column(
        "node_slots", sa.Column("roles", sa.String(40), nullable=False, server_default="")
    )
    op.add_column(
        "node_slots",
        sa.Column("draining", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "work_leases",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("node", sa.Integer(), nullable=False),
        sa.Column("renewals", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
