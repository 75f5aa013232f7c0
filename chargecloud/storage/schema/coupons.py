"""Tables: coupons, and which order has each of their uses."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, UniqueConstraint

from chargecloud.storage.schema.columns import Instant, metadata

coupons = Table(
    "coupons",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("code", String(40), nullable=False),
    Column("amount_fen", BigInteger),
    Column("percent", Integer),
    Column("most_fen", BigInteger),
    Column("uses", Integer, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant, nullable=False),
    # of this site, or this customer, alone
    Column("site_id", BigInteger),
    Column("customer_id", BigInteger),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    UniqueConstraint("tenant_id", "code"),
)

# a row for each use that was ever claimed: its key is the claim, whoever makes it
coupon_uses = Table(
    "coupon_uses",
    metadata,
    Column("coupon_id", BigInteger, primary_key=True, autoincrement=False),
    # from 1 to the coupon's uses
    Column("number", Integer, primary_key=True, autoincrement=False),
    # null if it was given back
    Column("order_id", BigInteger),
    UniqueConstraint("order_id"),
)
