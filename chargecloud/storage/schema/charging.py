"""Tables: orders, and what chargers told that a person must decide, or that they must know."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from chargecloud.storage.schema.columns import Instant, metadata

orders = Table(
    "orders",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    Column("charger_id", BigInteger, nullable=False),
    Column("port", Integer, nullable=False),
    Column("customer_id", BigInteger),
    Column("tariff_id", BigInteger, nullable=False),
    Column("tariff_version", Integer, nullable=False),
    Column("time_zone", String(64), nullable=False),
    # a start counts once at its port, however often it is told
    Column("start_key", String(64), nullable=False),
    Column("origin", String(16), nullable=False),
    Column("card_uid", String(32)),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("held_fen", BigInteger, nullable=False),
    # what of it is gift money, and what of the bill was paid with gift money
    Column("held_gift_fen", BigInteger, nullable=False, server_default="0"),
    Column("paid_gift_fen", BigInteger, nullable=False, server_default="0"),
    Column("limit_energy_mwh", BigInteger),
    Column("limit_duration_s", BigInteger),
    Column("limit_amount_fen", BigInteger),
    Column("until_full", Boolean, nullable=False),
    # of orders that may wait: when the start is sent, and when they must be over
    Column("start_at", Instant),
    Column("ready_by", Instant),
    # what is taken off its bill, as long as it claims it
    Column("coupon", JSON(none_as_null=True)),
    Column("month_card", JSON(none_as_null=True)),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("suspended_at", Instant),
    Column("suspended_s", BigInteger, nullable=False),
    Column("ended_at", Instant),
    Column("settled_at", Instant),
    Column("start_meter_mwh", BigInteger),
    Column("end_meter_mwh", BigInteger),
    Column("charged_s", BigInteger),
    Column("stop_reason", String(24)),
    Column("failure", String(40)),
    # the rule by which its figures were taken, where they are not just what the charger said
    Column("basis", String(24)),
    # the end as the charger told it, and what speaks against it
    Column("record", JSON(none_as_null=True)),
    Column("evidence", JSON(none_as_null=True)),
    # what is odd about it while it runs
    Column("abnormal", String(24)),
    Column("float_dw", BigInteger),
    Column("unplugged_at", Instant),
    # by how much the charger's clock was ahead, where the order is not billed by it
    Column("clock_ahead_s", Integer),
    # [[milliseconds, mWh], …]: readings that decide how energy is split by price
    Column("marks", JSON, nullable=False),
    Column("electricity_fen", BigInteger),
    Column("service_fen", BigInteger),
    Column("amount_fen", BigInteger),
    Column("bill", JSON(none_as_null=True)),
    UniqueConstraint("charger_id", "port", "start_key"),
    Index("orders_by_tenant", "tenant_id", "id"),
    Index("orders_by_state", "state", "id"),
    Index("orders_by_end", "ended_at", "id"),
    Index("orders_by_charger", "tenant_id", "charger_id", "id"),
    Index("orders_by_customer", "tenant_id", "customer_id", "id"),
)


def _decided() -> list[Column[Any]]:
    """What a person decided; nothing as long as nobody has."""
    return [
        Column("resolved_at", Instant),
        Column("resolution", String(16)),
        Column("reason", String(200)),
        # id of the token that was used
        Column("resolved_by", BigInteger),
    ]


# records of chargers that match no order
unmatched = Table(
    "unmatched",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("charger_id", BigInteger, nullable=False),
    Column("port", Integer, nullable=False),
    # the order that the charger named, if any
    Column("order_id", BigInteger),
    Column("why", String(40), nullable=False),
    # equal records have equal digests, so that a resend is kept once
    Column("digest", String(64), nullable=False),
    Column("record", JSON, nullable=False),
    Column("received_at", Instant, nullable=False),
    *_decided(),
    # the order that was made of it
    Column("settled_order_id", BigInteger),
    UniqueConstraint("charger_id", "digest"),
    Index("unmatched_by_tenant", "tenant_id", "id"),
)

# end records of orders that have ended otherwise
disputes = Table(
    "disputes",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("charger_id", BigInteger, nullable=False),
    Column("port", Integer, nullable=False),
    Column("order_id", BigInteger, nullable=False),
    Column("why", String(40), nullable=False),
    Column("digest", String(64), nullable=False),
    # both versions: how the order had ended, and what was told afterwards
    Column("kept", JSON, nullable=False),
    Column("record", JSON, nullable=False),
    Column("received_at", Instant, nullable=False),
    *_decided(),
    UniqueConstraint("order_id", "digest"),
    Index("disputes_by_tenant", "tenant_id", "id"),
)

# what chargers found dangerous, as they told it
hazards = Table(
    "hazards",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("charger_id", BigInteger, nullable=False),
    Column("port", Integer),
    Column("hazard", String(24), nullable=False),
    Column("action", String(24), nullable=False),
    Column("is_over", Boolean, nullable=False),
    Column("value", BigInteger),
    Column("limit_value", BigInteger),
    Column("at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    # equal records have equal digests, so that a resend is kept once
    Column("digest", String(64), nullable=False),
    UniqueConstraint("charger_id", "digest"),
    Index("hazards_by_tenant", "tenant_id", "id"),
)

# the cards that may charge at a charger without a connection, as it has them
card_lists = Table(
    "card_lists",
    metadata,
    Column("charger_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("uids", JSON, nullable=False),
)

# codes that start a charge where there is no network, and who pays for it
start_codes = Table(
    "start_codes",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("charger_id", BigInteger, nullable=False),
    Column("code", String(20), nullable=False),
    Column("customer_id", BigInteger, nullable=False),
    Column("port", Integer),
    Column("limit_wh", Integer),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("charger_id", "code"),
)

# the readings of charges, some minutes in a row: a piece each time an order is written down
curves = Table(
    "curves",
    metadata,
    Column("order_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("samples", LargeBinary(65_535), nullable=False),
)
