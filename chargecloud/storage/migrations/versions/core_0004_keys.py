"""Keys that change, chargers that are nobody's yet, and what starts a charge offline.

Revision ID: core_0004
Revises: core_0003
"""

import sqlalchemy as sa
from alembic import op

revision = "core_0004"
down_revision = "core_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and the tables."""
    for column in (
        sa.Column("next_key_nonce", sa.LargeBinary(32)),
        sa.Column("keyed_at", sa.BigInteger()),
        sa.Column("claim_digest", sa.String(64)),
        sa.Column("claim_failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("code_counter", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("card_list", sa.BigInteger()),
        sa.Column("card_slots", sa.Integer()),
    ):
        op.add_column("chargers", column)
    op.create_table(
        "card_lists",
        sa.Column("charger_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("uids", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("charger_id"),
    )
    op.create_table(
        "start_codes",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("charger_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(20), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("port", sa.Integer()),
        sa.Column("limit_wh", sa.Integer()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("charger_id", "code", name=op.f("start_codes_charger_id_code_once")),
    )
