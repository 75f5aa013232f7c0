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
    false,
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

accounts = Table(
    "accounts",
    metadata,
    Column("tenant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(24), primary_key=True),
    Column("owner_id", BigInteger, primary_key=True, autoincrement=False),
    # the sum of the account's postings, kept by the writer beside them for the guard; of what a
    # customer owes (receivable) its opposite, which is not below zero either
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
    # its place in the chain of its tenant and of the node that wrote it, and what the chain
    # comes to with it (domain/chain.py); null only where an earlier version wrote it meanwhile
    Column("node", Integer),
    Column("seq", BigInteger),
    Column("digest", LargeBinary(32)),
    Index("postings_by_debit", "tenant_id", "debit_kind", "debit_owner_id", "id"),
    Index("postings_by_credit", "tenant_id", "credit_kind", "credit_owner_id", "id"),
    # no chain has two postings at one place: there is no fork
    Index("postings_by_chain", "tenant_id", "node", "seq", unique=True),
)

# where each chain of postings ends: whoever takes the last ones away has to change this, too
ledger_heads = Table(
    "ledger_heads",
    metadata,
    Column("tenant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("node", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
)

# money that is paid through channels; the columns are explained in domain/payment_value.py
payments = Table(
    "payments",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("merchant", String(64), nullable=False),
    Column("customer_id", BigInteger, nullable=False),
    Column("is_guest", Boolean, nullable=False),
    Column("method", String(16), nullable=False),
    Column("payer", String(128)),
    Column("client_ip", String(45)),
    Column("return_url", String(500)),
    Column("amount_fen", BigInteger, nullable=False),
    Column("subject", String(120), nullable=False),
    Column("created_at", Instant, nullable=False),
    # Unix time, whatever the calendar says; so is due_s
    Column("expires_s", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("to_pay", JSON(none_as_null=True)),
    Column("transaction", String(64)),
    Column("paid_at", Instant),
    Column("refunding_fen", BigInteger, nullable=False),
    Column("refunded_fen", BigInteger, nullable=False),
    Column("failure", String(200)),
    Column("wish", JSON(none_as_null=True)),
    Column("order_part", String(16)),
    Column("order_id", BigInteger),
    Column("order_failure", String(40)),
    Column("due_s", BigInteger),
    Column("tries", Integer, nullable=False),
    Index("payments_by_tenant", "tenant_id", "id"),
    Index("payments_by_order", "order_id"),
    Index("payments_by_day", "tenant_id", "channel", "paid_at"),
    Index("payments_due", "due_s"),
)

refunds = Table(
    "refunds",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("payment_id", BigInteger, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("reason", String(80), nullable=False),
    # id of the token that was used; null if it goes back by itself
    Column("by", BigInteger),
    Column("created_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("transaction", String(64)),
    Column("ended_at", Instant),
    Column("failure", String(200)),
    Column("due_s", BigInteger),
    Column("tries", Integer, nullable=False),
    # that it is a part of
    Column("withdrawal_id", BigInteger),
    Index("refunds_by_tenant", "tenant_id", "id"),
    Index("refunds_by_withdrawal", "withdrawal_id"),
    Index("refunds_by_payment", "payment_id", "id"),
    Index("refunds_by_day", "tenant_id", "channel", "ended_at"),
    Index("refunds_due", "due_s"),
)

# money that customers took out of their wallets: what of it was paid out in cash; the rest is
# in the refunds of it
withdrawals = Table(
    "withdrawals",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("customer_id", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("cash_fen", BigInteger, nullable=False),
    Column("reason", String(80), nullable=False),
    # id of the token that was used
    Column("by", BigInteger),
    Column("created_at", Instant, nullable=False),
    Index("withdrawals_by_tenant", "tenant_id", "id"),
)

# a channel's bill of a day, held against ours
reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("day", String(10), nullable=False),
    Column("made_at", Instant, nullable=False),
    # what the bill has
    Column("payments", Integer, nullable=False),
    Column("paid_fen", BigInteger, nullable=False),
    Column("refunds", Integer, nullable=False),
    Column("refunded_fen", BigInteger, nullable=False),
    Column("differences", JSON, nullable=False),
    Index("reconciliations_by_tenant", "tenant_id", "id"),
    Index("reconciliations_by_day", "channel", "day", "tenant_id"),
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
    Index("event_log_by_order", "order_id", "node", "seq"),
)

#: what alarm is to be taken to people by which sink, and is not yet
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("sink", String(64), nullable=False),
    Column("alarm", JSON, nullable=False),
    Column("raised_at", Instant, nullable=False),
    Index("deliveries_by_sink", "sink", "id"),
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
    # "installation:process"; without the process when that has given it back
    Column("holder", String(64), nullable=False),
    Column("leased_until_ms", BigInteger, nullable=False),
    # what its holder does: "gateway web worker", or a part of it
    Column("roles", String(40), nullable=False, server_default=""),
    # whether its holder has been told to leave
    Column("draining", Boolean, nullable=False, server_default=false()),
)

work_leases = Table(
    "work_leases",
    metadata,
    # what is to be done by one node at a time
    Column("name", String(100), primary_key=True),
    Column("node", Integer, nullable=False),
    # counts renewals and changes of hands
    Column("renewals", BigInteger, nullable=False),
)

#: the last transaction of each process, by which it learns whether that was committed when the
#: connection was lost meanwhile
commits = Table(
    "commits",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)

calendars = Table(
    "calendars",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    # how far the calendar has come: a restart goes on from here
    Column("position", Instant, nullable=False),
)
