"""Orders that wait for a cheaper start.

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
    """Add the columns; no order has waited before."""
    for name in ("start_at", "ready_by"):
        op.add_column("orders", sa.Column(name, Instant))
