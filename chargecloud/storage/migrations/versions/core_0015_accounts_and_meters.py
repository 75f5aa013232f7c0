"""Accounts at payment channels are each of one party; master meters may be exchanged;
what month cards have earned is split.

Revision ID: core_0015
Revises: core_0014
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "core_0015"
down_revision = "core_0014"
branch_labels = None
depends_on = None

_PARTIES = sa.table(
    "parties",
    sa.column("id", sa.BigInteger()),
    sa.column("tenant_id", sa.BigInteger()),
    sa.column("receivers", sa.JSON()),
)
_RECEIVERS = sa.table(
    "party_receivers",
    sa.column("tenant_id", sa.BigInteger()),
    sa.column("channel", sa.String()),
    sa.column("account", sa.String()),
    sa.column("party_id", sa.BigInteger()),
)


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, autoincrement=False, nullable=False)


def upgrade() -> None:
    """Make the tables; an account that several parties had is the first one's."""
    op.create_table(
        "party_receivers",
        _key("tenant_id", sa.BigInteger()),
        _key("channel", sa.String(16)),
        _key("account", sa.String(64)),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "channel", "account"),
    )
    _claim(op.get_bind())
    op.create_table(
        "master_meters",
        _key("site_id", sa.BigInteger()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("site_id"),
    )
    op.add_column("meter_readings", sa.Column("new_meter_mwh", sa.BigInteger()))
    op.create_table(
        "card_splits",
        _key("settlement_id", sa.BigInteger()),
        _key("site_id", sa.BigInteger()),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("settlement_id", "site_id"),
        sa.UniqueConstraint("site_id", "number", name=op.f("card_splits_site_id_number_once")),
    )
    op.create_index("card_splits_by_tenant", "card_splits", ["tenant_id", "site_id"])


def _claim(connection: sa.Connection) -> None:
    # a second try finds those of the first one
    key = (_RECEIVERS.c.tenant_id, _RECEIVERS.c.channel, _RECEIVERS.c.account)
    claimed = {tuple(row) for row in connection.execute(sa.select(*key))}
    for party in connection.execute(sa.select(_PARTIES).order_by(_PARTIES.c.id)).all():
        for channel, receiver in party.receivers.items():
            of = (party.tenant_id, channel, receiver["account"])
            if of not in claimed:
                claimed.add(of)
                connection.execute(sa.insert(_RECEIVERS).values((*of, party.id)))
