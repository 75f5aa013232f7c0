"""Payments through channels, what goes back of them, and their reconciliations.

Revision ID: core_0007
Revises: core_0006
"""

import sqlalchemy as sa
from alembic import op

revision = "core_0007"
down_revision = "core_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.add_column(
        "customers", sa.Column("is_guest", sa.Boolean(), nullable=False, server_default="0")
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("merchant", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("is_guest", sa.Boolean(), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("payer", sa.String(128)),
        sa.Column("client_ip", sa.String(45)),
        sa.Column("return_url", sa.String(500)),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(120), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_s", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("to_pay", sa.JSON()),
        sa.Column("transaction", sa.String(64)),
        sa.Column("paid_at", sa.BigInteger()),
        sa.Column("refunding_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("failure", sa.String(200)),
        sa.Column("wish", sa.JSON()),
        sa.Column("order_part", sa.String(16)),
        sa.Column("order_id", sa.BigInteger()),
        sa.Column("order_failure", sa.String(40)),
        sa.Column("due_s", sa.BigInteger()),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("payments_by_tenant", "payments", ["tenant_id", "id"])
    op.create_index("payments_by_order", "payments", ["order_id"])
    op.create_index("payments_by_day", "payments", ["tenant_id", "channel", "paid_at"])
    op.create_index("payments_due", "payments", ["due_s"])
    op.create_table(
        "refunds",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(80), nullable=False),
        sa.Column("by", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("transaction", sa.String(64)),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("failure", sa.String(200)),
        sa.Column("due_s", sa.BigInteger()),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("refunds_by_tenant", "refunds", ["tenant_id", "id"])
    op.create_index("refunds_by_payment", "refunds", ["payment_id", "id"])
    op.create_index("refunds_by_day", "refunds", ["tenant_id", "channel", "ended_at"])
    op.create_index("refunds_due", "refunds", ["due_s"])
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("payments", sa.Integer(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunds", sa.Integer(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("differences", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("reconciliations_by_tenant", "reconciliations", ["tenant_id", "id"])
    op.create_index("reconciliations_by_day", "reconciliations", ["channel", "day", "tenant_id"])
