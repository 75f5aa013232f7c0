"""Tables: tenants and what is registered with them, chargers, customers, cards, tariffs."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    false,
)

from chargecloud.storage.schema.columns import Instant, metadata

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
    # true seconds since 1970, whatever the calendar says; null for ever
    Column("expires_s", BigInteger),
)

# people who sign in
users = Table(
    "users",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("name", String(200), nullable=False, unique=True),
    # only a slow digest
    Column("password", String(200), nullable=False),
    Column("permissions", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
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
    Column("lat", Float(53)),
    Column("lon", Float(53)),
    Column("time_zone", String(64), nullable=False),
    Column("tariff_id", BigInteger),
    Column("version", Integer, nullable=False, server_default="1"),
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
    Column("owner", String(200)),
    # what the platform lets it do, and how often that and its description were edited
    Column("status", String(16), nullable=False, server_default="in_service"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("imei", String(20)),
    Column("iccid", String(20)),
    Column("firmware", String(64)),
    Column("hardware", String(64)),
    Column("wrapped_key", LargeBinary(64)),
    Column("key_generation", Integer, nullable=False),
    # what its next key is made with, once it has been told to make one
    Column("next_key_nonce", LargeBinary(32)),
    # since when it has its present key
    Column("keyed_at", Instant),
    # of the code by which an installer claims it, while it is nobody's
    Column("claim_digest", String(64)),
    Column("claim_failures", Integer, nullable=False, server_default="0"),
    # of the start codes that were made with its present key
    Column("code_counter", Integer, nullable=False, server_default="0"),
    # the version of its list of cards, as it told it or as we made it, and its room for cards
    Column("card_list", BigInteger),
    Column("card_slots", Integer),
    Column("login_digest", LargeBinary(32)),
    Column("epoch", Integer, nullable=False),
    # the node that it logged in at last, or that looks after its orders since; whether it is
    # connected there, and if not, since when
    Column("node", Integer),
    Column("connected", Boolean, nullable=False, server_default=false()),
    Column("gone_at", Instant),
    # the charger's current start, and when it was: maps its uptime to instants
    Column("boot", BigInteger),
    Column("booted_at", Instant),
    # the same of its last starts before: [[boot, milliseconds], …]
    Column("boots_before", JSON, nullable=False),
    Column("logged_in_at", Instant),
    # by how much its clock was ahead of ours as it was last seen
    Column("clock_ahead_s", Integer),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("dialect", "identity"),
    Index("chargers_by_tenant", "tenant_id", "id"),
    Index("chargers_by_site", "tenant_id", "site_id", "id"),
    Index("chargers_by_node", "node", "connected"),
)

ports = Table(
    "ports",
    metadata,
    Column("charger_id", BigInteger, primary_key=True, autoincrement=False),
    Column("port", Integer, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    # the order that has the port now: one at the most
    Column("order_id", BigInteger),
    # its register at the end of the last charge: none can begin below it, unless it was reset
    Column("meter_mwh", BigInteger),
)

customers = Table(
    "customers",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("name", String(200), nullable=False),
    Column("phone", String(32)),
    Column("created_at", Instant, nullable=False),
    # there for one payment alone, whose payer nobody knows
    Column("is_guest", Boolean, nullable=False, server_default="0"),
    Index("customers_by_tenant", "tenant_id", "id"),
)

cards = Table(
    "cards",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("uid", String(32), nullable=False),
    Column("customer_id", BigInteger),
    Column("status", String(16), nullable=False),
    # "debt" if it is blocked until its customer has paid what they owe
    Column("blocked_for", String(16)),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("tenant_id", "uid"),
    Index("cards_by_tenant", "tenant_id", "id"),
)

# how charges are cut off at a site, where that is not as it is everywhere
cut_offs = Table(
    "cut_offs",
    metadata,
    Column("site_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    Column("tenant_id", BigInteger, nullable=False),
    # the rules that differ, by their names in CutOff
    Column("rules", JSON, nullable=False),
)
