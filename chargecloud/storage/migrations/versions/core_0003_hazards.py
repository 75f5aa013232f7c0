"""What chargers find dangerous by themselves.

Revision ID: core_0003
Revises: core_0002
"""

import sqlalchemy as sa
from alembic import op

revision = "core_0003"
down_revision = "core_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "hazards",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("charger_id", sa.BigInteger(), nullable=False),
        sa.Column("port", sa.Integer()),
        sa.Column("hazard", sa.String(24), nullable=False),
        sa.Column("action", sa.String(24), nullable=False),
        sa.Column("is_over", sa.Boolean(), nullable=False),
        sa.Column("value", sa.BigInteger()),
        sa.Column("limit_value", sa.BigInteger()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("charger_id", "digest", name=op.f("hazards_charger_id_digest_once")),
    )
    op.create_index("hazards_by_tenant", "hazards", ["tenant_id", "id"])
