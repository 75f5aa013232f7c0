"""The feature's tables, which its own Alembic revisions creates."""

from typing import Any

from sqlalchemy import BigInteger, Column, Date, MetaData, Table

metadata = MetaData()


def _place() -> list[Column[Any]]:
    return [
        Column("tenant_id", BigInteger, primary_key=True, autoincrement=False),
        Column("site_id", BigInteger, primary_key=True, autoincrement=False),
        # the date at the site
        Column("day", Date, primary_key=True),
    ]


#: what the settled orders of a site come to that ended on a day
days = Table(
    "statistics_days",
    metadata,
    *_place(),
    Column("orders", BigInteger, nullable=False),
    Column("energy_mwh", BigInteger, nullable=False),
    Column("saved_mwh", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("electricity_fen", BigInteger, nullable=False),
    Column("service_fen", BigInteger, nullable=False),
    Column("charged_s", BigInteger, nullable=False),
)

#: who charged at a site on a day
users = Table(
    "statistics_users",
    metadata,
    *_place(),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
)
