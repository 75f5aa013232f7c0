"""The tables of the core.  A feature's tables are in the feature's own C{tables.py}.

Rules: the tenant is in every table of tenants' things; primary keys are time-ordered 64-bit ids
(L{chargecloud.storage.ids}) or natural keys, never autoincrement; there are no foreign
keys, so that tables can be sharded by tenant: the writer's guards keep what they would.
Instants are milliseconds of Unix time.  Alembic creates the tables; a test compares.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)

from chargecloud.domain.order_rows import instant_ms, instant_of


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as milliseconds of Unix time: it sorts, and means the same
    on every engine."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To the database."""
        return None if value is None else instant_ms(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From the database."""
        return None if value is None else instant_of(value)


#: constraints have names, so that a later revision can change them on every engine
NAMES = {
    "uq": "%(table_name)s_%(column_0_N_name)s_once",
    "ck": "%(table_name)s_%(constraint_name)s",
}

metadata = MetaData(naming_convention=NAMES)

tenants = Table(
    "tenants",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(200), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    # 0: the platform's own
    Column("tenant_id", BigInteger, nullable=False),
    Column("name", String(200), nullable=False),
    # only a digest: a stolen database opens nothing
    Column("digest", String(64), nullable=False, unique=True),
    Column("permissions", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)

tariffs = Table(
    "tariffs",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("name", String(200), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("terms", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("tariffs_by_tenant", "tenant_id", "id"),
)

sites = Table(
    "sites",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("name", String(200), nullable=False),
    Column("address", String(200)),
    Column("lat", Float),
    Column("lon", Float),
    Column("time_zone", String(64), nullable=False),
    Column("tariff_id", BigInteger),
    Column("created_at", Instant, nullable=False),
    Index("sites_by_tenant", "tenant_id", "id"),
)

chargers = Table(
    "chargers",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    Column("dialect", String(40), nullable=False),
    Column("identity", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("port_count", Integer, nullable=False),
    Column("rated_w", Integer, nullable=False),
    Column("vendor", String(200)),
    Column("imei", String(20)),
    Column("iccid", String(20)),
    Column("firmware", String(64)),
    Column("hardware", String(64)),
    Column("wrapped_key", LargeBinary(64)),
    Column("key_generation", Integer, nullable=False),
    Column("login_digest", LargeBinary(32)),
    Column("epoch", Integer, nullable=False),
    # the charger's current start, and when it was: maps its uptime to instants
    Column("boot", BigInteger),
    Column("booted_at", Instant),
    Column("logged_in_at", Instant),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("dialect", "identity"),
    Index("chargers_by_tenant", "tenant_id", "id"),
    Index("chargers_by_site", "tenant_id", "site_id", "id"),
)

ports = Table(
    "ports",
    metadata,
    Column("charger_id", BigInteger, primary_key=True, autoincrement=False),
    Column("port", Integer, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    # the order that has the port now: one at the most
    Column("order_id", BigInteger),
)

customers = Table(
    "customers",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("name", String(200), nullable=False),
    Column("phone", String(32)),
    Column("created_at", Instant, nullable=False),
    Index("customers_by_tenant", "tenant_id", "id"),
)

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
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("held_fen", BigInteger, nullable=False),
    Column("limit_energy_mwh", BigInteger),
    Column("limit_duration_s", BigInteger),
    Column("limit_amount_fen", BigInteger),
    Column("until_full", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    Column("settled_at", Instant),
    Column("start_meter_mwh", BigInteger),
    Column("end_meter_mwh", BigInteger),
    Column("charged_s", BigInteger),
    Column("stop_reason", String(24)),
    Column("failure", String(40)),
    # [[milliseconds, mWh], …]: readings that decide how energy is split by price
    Column("marks", JSON, nullable=False),
    Column("electricity_fen", BigInteger),
    Column("service_fen", BigInteger),
    Column("amount_fen", BigInteger),
    Column("bill", JSON(none_as_null=True)),
    Index("orders_by_tenant", "tenant_id", "id"),
    Index("orders_by_state", "state", "id"),
    Index("orders_by_charger", "tenant_id", "charger_id", "id"),
    Index("orders_by_customer", "tenant_id", "customer_id", "id"),
)

unmatched = Table(
    "unmatched",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("charger_id", BigInteger, nullable=False),
    Column("port", Integer, nullable=False),
    Column("order_id", BigInteger, nullable=False),
    Column("why", String(40), nullable=False),
    # equal records have equal digests, so that a resend is kept once
    Column("digest", String(64), nullable=False),
    Column("record", JSON, nullable=False),
    Column("received_at", Instant, nullable=False),
    UniqueConstraint("charger_id", "digest"),
    Index("unmatched_by_tenant", "tenant_id", "id"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("tenant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(24), primary_key=True),
    Column("owner_id", BigInteger, primary_key=True, autoincrement=False),
    # the sum of the account's postings, kept by the writer beside them for the guard
    Column("balance_fen", BigInteger, nullable=False),
    CheckConstraint("balance_fen >= 0", name="not_below_zero"),
)

postings = Table(
    "postings",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("debit_kind", String(24), nullable=False),
    Column("debit_owner_id", BigInteger, nullable=False),
    Column("credit_kind", String(24), nullable=False),
    Column("credit_owner_id", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    CheckConstraint("amount_fen > 0", name="above_zero"),
    Column("cause", String(24), nullable=False),
    Column("reference_id", BigInteger, nullable=False),
    Index("postings_by_debit", "tenant_id", "debit_kind", "debit_owner_id", "id"),
    Index("postings_by_credit", "tenant_id", "credit_kind", "credit_owner_id", "id"),
)

request_keys = Table(
    "request_keys",
    metadata,
    Column("tenant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("request_key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("resource_id", BigInteger, nullable=False),
)

event_log = Table(
    "event_log",
    metadata,
    Column("node", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("charger_id", BigInteger),
    Column("order_id", BigInteger),
    Column("body", JSON, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("follower", String(64), primary_key=True),
    Column("node", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
)

node_slots = Table(
    "node_slots",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("holder", String(64), nullable=False),
    Column("leased_until_ms", BigInteger, nullable=False),
)

calendars = Table(
    "calendars",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    # how far the calendar has come: a restart goes on from here
    Column("position", Instant, nullable=False),
)
