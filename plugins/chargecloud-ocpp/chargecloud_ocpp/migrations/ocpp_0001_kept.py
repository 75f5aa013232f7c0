"""What charge points were told to keep.

Revision ID: ocpp_0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "ocpp_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "ocpp_kept",
        sa.Column("charger_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("charger_id", "kind", "name"),
    )
    op.create_index("ocpp_kept_by_tenant", "ocpp_kept", ["tenant_id", "charger_id"])


def downgrade() -> None:
    """Take it away."""
    op.drop_table("ocpp_kept")
