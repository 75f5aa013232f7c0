"""Orders that wait for a cheaper start; coupons; month cards.

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
    for name in ("coupon", "month_card"):
        op.add_column("orders", sa.Column(name, sa.JSON(none_as_null=True)))
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
        sa.UniqueConstraint("tenant_id", "code", name=op.f("coupons_tenant_id_code_once")),
    )
    op.create_table(
        "coupon_uses",
        sa.Column("coupon_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("order_id", sa.BigInteger),
        sa.UniqueConstraint("order_id", name=op.f("coupon_uses_order_id_once")),
    )
    op.create_table(
        "month_cards",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("tenant_id", sa.BigInteger, nullable=False),
        sa.Column("customer_id", sa.BigInteger, nullable=False),
        sa.Column("price_fen", sa.BigInteger, nullable=False),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=False),
        sa.Column("site_ids", sa.JSON, nullable=False),
        sa.Column("seconds_a_day", sa.Integer),
        sa.Column("charges_a_day", sa.Integer),
        sa.Column("power_w", sa.Integer),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("closed_at", Instant),
        sa.Column("returned_fen", sa.BigInteger, nullable=False),
    )
    op.create_index("month_cards_by_customer", "month_cards", ["tenant_id", "customer_id", "id"])
    op.create_index("month_cards_by_end", "month_cards", ["state", "ends_at"])
    op.create_table(
        "month_card_uses",
        sa.Column("card_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("order_id", sa.BigInteger),
        sa.Column("site_id", sa.BigInteger, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.UniqueConstraint("order_id", name=op.f("month_card_uses_order_id_once")),
    )
