"""What is edited: chargers and sites, each with its version.

Revision ID: core_0005
Revises: core_0004
"""

import sqlalchemy as sa
from alembic import op

revision = "core_0005"
down_revision = "core_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    for column in (
        sa.Column("owner", sa.String(200)),
        sa.Column("status", sa.String(16), nullable=False, server_default="in_service"),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
    ):
        op.add_column("chargers", column)
    op.add_column("sites", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
