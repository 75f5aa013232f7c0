"""The tables of metering.

Revision ID: metering_0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "metering_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "metering_due",
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
    )
    op.create_table(
        "metering_audits",
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("charger_id", sa.BigInteger(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("week", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("energy_mwh", sa.BigInteger(), nullable=False),
        sa.Column("register_mwh", sa.BigInteger(), nullable=False),
        sa.Column("integral_mwh", sa.BigInteger(), nullable=False),
        sa.Column("uncertain_mwh", sa.BigInteger(), nullable=False),
        sa.Column("passed_over_mwh", sa.BigInteger(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("error_ppm", sa.BigInteger()),
        sa.Column("uncertainty_ppm", sa.BigInteger()),
        sa.Column("over_rated_ppm", sa.BigInteger(), nullable=False),
        sa.Column("told_e5", sa.BigInteger()),
        sa.Column("payment_error_fen", sa.BigInteger()),
        sa.Column("payments_off", sa.Integer(), nullable=False),
        sa.Column("clock_ahead_s", sa.Integer()),
        sa.PrimaryKeyConstraint("order_id"),
    )
    op.create_table(
        "metering_weeks",
        sa.Column("charger_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("week", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("compared_orders", sa.Integer(), nullable=False),
        sa.Column("register_mwh", sa.BigInteger(), nullable=False),
        sa.Column("integral_mwh", sa.BigInteger(), nullable=False),
        sa.Column("uncertain_mwh", sa.BigInteger(), nullable=False),
        sa.Column("passed_over_mwh", sa.BigInteger(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("payments", sa.Integer(), nullable=False),
        sa.Column("payments_off", sa.Integer(), nullable=False),
        sa.Column("over_rated", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("charger_id", "week"),
    )
    op.create_table(
        "metering_clocks",
        sa.Column("charger_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ahead_ms", sa.BigInteger(), nullable=False),
        sa.Column("limit_s", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("charger_id", "day"),
    )
    op.create_table(
        "metering_sessions",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("charger_id", sa.BigInteger(), nullable=False),
        sa.Column("occasion", sa.String(8), nullable=False),
        sa.Column("limit_permille", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(64), nullable=False),
        sa.Column("reference_permille", sa.Integer(), nullable=False),
        sa.Column("inspector", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
        sa.Column("finished_by", sa.BigInteger()),
        sa.Column("valid_until", sa.BigInteger()),
        sa.Column("warned_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "metering_readings",
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("load_w", sa.Integer()),
        sa.Column("register_mwh", sa.BigInteger()),
        sa.Column("step_mwh", sa.BigInteger()),
        sa.Column("reference_mwh", sa.BigInteger()),
        sa.Column("clock_ahead_ms", sa.BigInteger()),
        sa.Column("told_fen", sa.BigInteger()),
        sa.Column("due_fen", sa.BigInteger()),
        sa.PrimaryKeyConstraint("session_id", "id"),
    )
    op.create_index("metering_audits_by_charger", "metering_audits", ["charger_id", "week"])
    op.create_index("metering_weeks_by_week", "metering_weeks", ["week", "charger_id"])
    op.create_index("metering_sessions_by_charger", "metering_sessions", ["charger_id", "id"])
    op.create_index("metering_sessions_by_tenant", "metering_sessions", ["tenant_id", "id"])
    op.create_index("metering_sessions_by_expiry", "metering_sessions", ["valid_until"])
