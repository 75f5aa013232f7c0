"""Orders: their starts, suspensions and evidence; cards, cut-offs, disputes, curves.

Revision ID: core_0002
Revises: core_0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "core_0002"
down_revision = "core_0001"
branch_labels = None
depends_on = None

#: columns that every row must have, and what rows that are there already get
_FILLED = (
    ("chargers", sa.Column("boots_before", sa.JSON()), "'[]'"),
    ("orders", sa.Column("start_key", sa.String(64)), "CAST(id AS CHAR(20))"),
    ("orders", sa.Column("origin", sa.String(16)), "'api'"),
    ("orders", sa.Column("suspended_s", sa.BigInteger()), "0"),
)
_ADDED = (
    ("ports", sa.Column("meter_mwh", sa.BigInteger())),
    ("orders", sa.Column("card_uid", sa.String(32))),
    ("orders", sa.Column("suspended_at", sa.BigInteger())),
    ("orders", sa.Column("basis", sa.String(24))),
    ("orders", sa.Column("record", sa.JSON())),
    ("orders", sa.Column("evidence", sa.JSON())),
    ("orders", sa.Column("float_dw", sa.BigInteger())),
    ("orders", sa.Column("unplugged_at", sa.BigInteger())),
    ("unmatched", sa.Column("settled_order_id", sa.BigInteger())),
)


def _decided() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("resolved_at", sa.BigInteger()),
        sa.Column("resolution", sa.String(16)),
        sa.Column("reason", sa.String(200)),
        sa.Column("resolved_by", sa.BigInteger()),
    )


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)


def upgrade() -> None:
    for table, column, value in _FILLED:
        op.add_column(table, column)
        op.execute(
            sa.table(table, sa.column(column.name)).update().values({column.name: sa.text(value)})
        )
    for table, column in _ADDED:
        op.add_column(table, column)
    for column in _decided():
        op.add_column("unmatched", column)
    # what is written in an order is what is held for it now
    op.execute("UPDATE orders SET held_fen = 0 WHERE state IN ('settled', 'failed')")
    with op.batch_alter_table("chargers") as chargers:
        chargers.alter_column("boots_before", existing_type=sa.JSON(), nullable=False)
    with op.batch_alter_table("orders") as orders:
        for table, column, _value in _FILLED:
            if table == "orders":
                orders.alter_column(column.name, existing_type=column.type, nullable=False)
        orders.create_unique_constraint(
            op.f("orders_charger_id_port_start_key_once"), ["charger_id", "port", "start_key"]
        )
    with op.batch_alter_table("unmatched") as unmatched:
        unmatched.alter_column("order_id", existing_type=sa.BigInteger(), nullable=True)
    op.create_index("event_log_by_order", "event_log", ["order_id", "node", "seq"])
    _create_tables()


def _create_tables() -> None:
    op.create_table(
        "cards",
        _key("id"),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("customer_id", sa.BigInteger()),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "uid", name=op.f("cards_tenant_id_uid_once")),
    )
    op.create_index("cards_by_tenant", "cards", ["tenant_id", "id"])
    op.create_table(
        "cut_offs",
        _key("site_id"),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "kind"),
    )
    op.create_table(
        "disputes",
        _key("id"),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("charger_id", sa.BigInteger(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("kept", sa.JSON(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        *_decided(),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("order_id", "digest", name=op.f("disputes_order_id_digest_once")),
    )
    op.create_index("disputes_by_tenant", "disputes", ["tenant_id", "id"])
    op.create_table(
        "curves",
        _key("order_id"),
        _key("id"),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("samples", sa.LargeBinary(65_535), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "id"),
    )
