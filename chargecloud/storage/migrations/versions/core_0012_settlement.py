"""Revenue split and settlement; all orders that are paid wait for their first one.

Revision ID: core_0012
Revises: core_0011
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "core_0012"
down_revision = "core_0011"
branch_labels = None
depends_on = None


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, autoincrement=False, nullable=False)


def _id(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    """Make the tables."""
    _rules()
    _settlements()
    _meters()
    _channels()
    # a second try finds those of the first one
    op.execute(
        "INSERT INTO order_splits (order_id, tenant_id, state, version) "
        "SELECT id, tenant_id, 'waiting', 1 FROM orders WHERE state = 'settled' "
        "AND NOT EXISTS (SELECT 1 FROM order_splits WHERE order_id = orders.id)"
    )


def _rules() -> None:
    op.create_table(
        "parties",
        _key("id", sa.BigInteger()),
        _id("tenant_id"),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("receivers", sa.JSON(), nullable=False),
        _id("created_at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("parties_by_tenant", "parties", ["tenant_id", "id"])
    op.create_table(
        "split_rules",
        _key("id", sa.BigInteger()),
        _key("version", sa.Integer()),
        _id("tenant_id"),
        sa.Column("name", sa.String(200), nullable=False),
        _id("site_id", nullable=True),
        sa.Column("every", sa.String(16), nullable=False),
        sa.Column("valid_from", sa.String(10), nullable=False),
        sa.Column("valid_until", sa.String(10)),
        sa.Column("deferred_days", sa.Integer(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("is_retired", sa.Boolean(), nullable=False),
        _id("created_at"),
        sa.PrimaryKeyConstraint("id", "version"),
    )
    op.create_index("split_rules_by_tenant", "split_rules", ["tenant_id", "id"])


def _settlements() -> None:
    op.create_table(
        "order_splits",
        _key("order_id", sa.BigInteger()),
        _id("tenant_id"),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("reason", sa.String(40)),
        _id("settlement_id", nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
    )
    op.create_index("order_splits_by_state", "order_splits", ["tenant_id", "state", "order_id"])
    op.create_table(
        "settlements",
        _key("id", sa.BigInteger()),
        _id("tenant_id"),
        sa.Column("every", sa.String(16), nullable=False),
        _id("until_at"),
        sa.Column("name", sa.String(40), nullable=False),
        _id("created_at"),
        _id("by", nullable=True),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *(_id(name) for name in ("place", "expected", "seen", "orders", "held")),
        sa.Column("totals", sa.JSON(), nullable=False),
        _id("finished_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "name", name="settlements_tenant_id_name_once"),
    )
    op.create_index("settlements_by_tenant", "settlements", ["tenant_id", "id"])
    op.create_index("settlements_by_state", "settlements", ["state", "id"])
    op.create_table(
        "settlement_lines",
        _key("settlement_id", sa.BigInteger()),
        _key("order_id", sa.BigInteger()),
        _id("tenant_id"),
        _id("rule_id"),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("before", sa.JSON()),
        sa.PrimaryKeyConstraint("settlement_id", "order_id"),
    )


def _meters() -> None:
    op.create_table(
        "meter_readings",
        _key("site_id", sa.BigInteger()),
        _key("at", sa.BigInteger()),
        _id("tenant_id"),
        _id("energy_mwh"),
        _id("by", nullable=True),
        sa.PrimaryKeyConstraint("site_id", "at"),
    )
    op.create_table(
        "reimbursements",
        *(_key(name, sa.BigInteger()) for name in ("settlement_id", "site_id", "from_at")),
        *(_id(name) for name in ("until_at", "tenant_id", "payer_id", "party_id")),
        *(_id(name) for name in ("metered_mwh", "charged_mwh", "price", "amount_fen")),
        sa.PrimaryKeyConstraint("settlement_id", "site_id", "from_at"),
        sa.UniqueConstraint("site_id", "from_at", name="reimbursements_site_id_from_at_once"),
    )


def _channels() -> None:
    op.create_table(
        "channel_splits",
        _key("id", sa.BigInteger()),
        *(_id(name) for name in ("tenant_id", "settlement_id", "order_id", "payment_id")),
        sa.Column("channel", sa.String(16), nullable=False),
        _id("back_of", nullable=True),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(200)),
        _id("created_at"),
        _id("ended_at", nullable=True),
        _id("due_s", nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("channel_splits_by_order", "channel_splits", ["order_id", "id"])
    op.create_index("channel_splits_by_settlement", "channel_splits", ["settlement_id", "id"])
    op.create_index("channel_splits_due", "channel_splits", ["due_s"])
