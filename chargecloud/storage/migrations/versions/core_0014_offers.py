"""Orders that wait for a cheaper start; coupons.

Revision ID: core_0014
Revises: core_0013
"""

import sqlalchemy as sa
from alembic import op

from chargecloud.storage.schema.columns import Instant

revision = "core_0014"
down_revision = "core_0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and tables; no order has waited before, or had a coupon."""
    for name in ("start_at", "ready_by"):
        op.add_column("orders", sa.Column(name, Instant))
    op.add_column("orders", sa.Column("coupon", sa.JSON(none_as_null=True)))
    op.create_table(
        "coupons",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("tenant_id", sa.BigInteger, nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("amount_fen", sa.BigInteger),
        sa.Column("percent", sa.Integer),
        sa.Column("most_fen", sa.BigInteger),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("valid_from", Instant, nullable=False),
        sa.Column("valid_until", Instant, nullable=False),
        sa.Column("site_id", sa.BigInteger),
        sa.Column("customer_id", sa.BigInteger),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("revoked_at", Instant),
        sa.UniqueConstraint("tenant_id", "code"),
    )
    op.create_table(
        "coupon_uses",
        sa.Column("coupon_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("order_id", sa.BigInteger),
        sa.UniqueConstraint("order_id"),
    )
