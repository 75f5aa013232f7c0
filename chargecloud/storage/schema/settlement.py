"""Tables: revenue split and settlement."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from chargecloud.storage.schema.columns import Instant, metadata

# who gets parts of what is earned
parties = Table(
    "parties",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("level", String(16), nullable=False),
    Column("name", String(200), nullable=False),
    # by channel: {"kind", "account", "name"}
    Column("receivers", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("parties_by_tenant", "tenant_id", "id"),
)

# whose account at a channel is whose: a channel tells what became of parts by it
party_receivers = Table(
    "party_receivers",
    metadata,
    Column("tenant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("channel", String(16), primary_key=True),
    Column("account", String(64), primary_key=True),
    Column("party_id", BigInteger, nullable=False),
)

# versions of rules; the newest one counts
split_rules = Table(
    "split_rules",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("name", String(200), nullable=False),
    # null: for all sites that have no rule of their own
    Column("site_id", BigInteger),
    Column("every", String(16), nullable=False),
    # dates at the site, on which an order ended; the last one counts too, null is for ever
    Column("valid_from", String(10), nullable=False),
    Column("valid_until", String(10)),
    Column("deferred_days", Integer, nullable=False),
    Column("terms", JSON, nullable=False),
    Column("is_retired", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("split_rules_by_tenant", "tenant_id", "id"),
)

# each settled order: whether it is split as its bill is now, and why not
order_splits = Table(
    "order_splits",
    metadata,
    Column("order_id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    # waiting or split
    Column("state", String(8), nullable=False),
    # why no settlement could split it
    Column("reason", String(40)),
    # the last one that did
    Column("settlement_id", BigInteger),
    Column("version", Integer, nullable=False),
    Index("order_splits_by_state", "tenant_id", "state", "order_id"),
)

settlements = Table(
    "settlements",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("every", String(16), nullable=False),
    # orders that ended before it
    Column("until_at", Instant, nullable=False),
    # what it is one of: "monthly 2026-11-01", or its id if it was made by hand
    Column("name", String(40), nullable=False),
    Column("created_at", Instant, nullable=False),
    # id of the token that was used; null if it came by itself
    Column("by", BigInteger),
    Column("state", String(8), nullable=False),
    Column("version", Integer, nullable=False),
    # the last order that was looked at
    Column("place", BigInteger, nullable=False),
    Column("expected", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("orders", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    # {party: [gained by fee, called back by fee]}, six numbers of fen
    Column("totals", JSON, nullable=False),
    Column("finished_at", Instant),
    UniqueConstraint("tenant_id", "name"),
    Index("settlements_by_tenant", "tenant_id", "id"),
    Index("settlements_by_state", "state", "id"),
)

# what a settlement made of an order
settlement_lines = Table(
    "settlement_lines",
    metadata,
    Column("settlement_id", BigInteger, primary_key=True, autoincrement=False),
    Column("order_id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("rule_id", BigInteger, nullable=False),
    Column("rule_version", Integer, nullable=False),
    # {party: [electricity, service, occupancy]} in fen, as it is now and, if it was split
    # before, as it was then
    Column("parts", JSON, nullable=False),
    Column("before", JSON(none_as_null=True)),
)

# what is said of a site's master meter by one is said after the other: the version is raised by
# each reading, and by each settlement that gives electricity back
master_meters = Table(
    "master_meters",
    metadata,
    Column("site_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
)

# totals of sites' master meters
meter_readings = Table(
    "meter_readings",
    metadata,
    Column("site_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, primary_key=True),
    Column("tenant_id", BigInteger, nullable=False),
    Column("energy_mwh", BigInteger, nullable=False),
    # what another meter began with that was put in then; null if none was
    Column("new_meter_mwh", BigInteger),
    # id of the token that was used
    Column("by", BigInteger),
)

# electricity that somebody paid for by a site's master meter, and is given back
reimbursements = Table(
    "reimbursements",
    metadata,
    Column("settlement_id", BigInteger, primary_key=True, autoincrement=False),
    Column("site_id", BigInteger, primary_key=True, autoincrement=False),
    # the reading it begins with, so that no energy is paid for twice
    Column("from_at", Instant, primary_key=True),
    Column("until_at", Instant, nullable=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("payer_id", BigInteger, nullable=False),
    Column("party_id", BigInteger, nullable=False),
    Column("metered_mwh", BigInteger, nullable=False),
    Column("charged_mwh", BigInteger, nullable=False),
    # 1e-5 yuan for a kWh
    Column("price", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    UniqueConstraint("site_id", "from_at"),
)

# what month cards have earned at a site, split
card_splits = Table(
    "card_splits",
    metadata,
    Column("settlement_id", BigInteger, primary_key=True, autoincrement=False),
    Column("site_id", BigInteger, primary_key=True, autoincrement=False),
    # from 1 on, so that nothing is split twice
    Column("number", Integer, nullable=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("rule_id", BigInteger, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    # {party: [0, service, 0]} in fen
    Column("parts", JSON, nullable=False),
    UniqueConstraint("site_id", "number"),
    Index("card_splits_by_tenant", "tenant_id", "site_id"),
)

# parts of payments that channels give to parties, or call back from them
channel_splits = Table(
    "channel_splits",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column("order_id", BigInteger, nullable=False),
    Column("payment_id", BigInteger, nullable=False),
    Column("channel", String(16), nullable=False),
    # the split that this calls something back of; null for a split
    Column("back_of", BigInteger),
    # [{"party", "level", "receiver": {…}, "amount_fen"}, …]; of what is called back there is one
    Column("parts", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("failure", String(200)),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    # Unix time
    Column("due_s", BigInteger),
    Column("tries", Integer, nullable=False),
    Index("channel_splits_by_order", "order_id", "id"),
    Index("channel_splits_by_settlement", "settlement_id", "id"),
    Index("channel_splits_due", "due_s"),
)
