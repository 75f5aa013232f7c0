"""What a charger told of an amount is with its order: here it was read by nobody.

Revision ID: metering_0002
Revises: metering_0001
"""

from alembic import op

revision = "metering_0002"
down_revision = "metering_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("metering_audits", "told_e5")
