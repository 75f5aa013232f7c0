"""Tables: month cards, and the charges that they cover."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from chargecloud.storage.schema.columns import Instant, metadata

month_cards = Table(
    "month_cards",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("customer_id", BigInteger, nullable=False),
    Column("price_fen", BigInteger, nullable=False),
    Column("days", Integer, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    # sites that it is good at; all of the tenant's if there are none
    Column("site_ids", JSON, nullable=False),
    Column("seconds_a_day", Integer),
    Column("charges_a_day", Integer),
    Column("power_w", Integer),
    Column("state", String(16), nullable=False),
    # raised by each use and by its end: the guard of both
    Column("version", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("closed_at", Instant),
    # what of its price went back
    Column("returned_fen", BigInteger, nullable=False),
    Index("month_cards_by_customer", "tenant_id", "customer_id", "id"),
    Index("month_cards_by_end", "state", "ends_at"),
)

# a row for each time that an order was placed with it
month_card_uses = Table(
    "month_card_uses",
    metadata,
    Column("card_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # null if it covered nothing after all
    Column("order_id", BigInteger),
    Column("site_id", BigInteger, nullable=False),
    # the day there that it counts for
    Column("day", String(10), nullable=False),
    # that it may cover while the order runs, and then those that it covered
    Column("seconds", Integer, nullable=False),
    UniqueConstraint("order_id"),
)
