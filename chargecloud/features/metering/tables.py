"""The feature's tables, which its own Alembic revisions create."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table

from chargecloud.storage.schema import Instant

metadata = MetaData()

#: orders that have ended, and are still to be looked at; raised each time that one ends anew
due = Table(
    "metering_due",
    metadata,
    Column("order_id", BigInteger, primary_key=True, autoincrement=False),
    Column("times", Integer, nullable=False),
)

#: what each order came to
audits = Table(
    "metering_audits",
    metadata,
    Column("order_id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    Column("charger_id", BigInteger, nullable=False),
    Column("port", Integer, nullable=False),
    # weeks since the Monday 0001-01-01, UTC
    Column("week", Integer, nullable=False),
    Column("ended_at", Instant, nullable=False),
    Column("energy_mwh", BigInteger, nullable=False),
    # the comparison of register and power
    Column("register_mwh", BigInteger, nullable=False),
    Column("integral_mwh", BigInteger, nullable=False),
    Column("uncertain_mwh", BigInteger, nullable=False),
    Column("passed_over_mwh", BigInteger, nullable=False),
    Column("steps", Integer, nullable=False),
    # null where too little was compared
    Column("error_ppm", BigInteger),
    Column("uncertainty_ppm", BigInteger),
    Column("over_rated_ppm", BigInteger, nullable=False),
    # null where the charger told no amount, or nothing was billed
    Column("payment_error_fen", BigInteger),
    # whether that was beyond the limit as it was then
    Column("payments_off", Integer, nullable=False),
    Column("clock_ahead_s", Integer),
    Index("metering_audits_by_charger", "charger_id", "week"),
)

#: the same, summed up for each charger and week; what was compared only of orders with an error
weeks = Table(
    "metering_weeks",
    metadata,
    Column("charger_id", BigInteger, primary_key=True, autoincrement=False),
    Column("week", Integer, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("compared_orders", Integer, nullable=False),
    Column("register_mwh", BigInteger, nullable=False),
    Column("integral_mwh", BigInteger, nullable=False),
    Column("uncertain_mwh", BigInteger, nullable=False),
    Column("passed_over_mwh", BigInteger, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("payments", Integer, nullable=False),
    Column("payments_off", Integer, nullable=False),
    Column("over_rated", Integer, nullable=False),
    Index("metering_weeks_by_week", "week", "charger_id"),
)

#: chargers' clocks, as they were seen last on each day
clocks = Table(
    "metering_clocks",
    metadata,
    Column("charger_id", BigInteger, primary_key=True, autoincrement=False),
    # days since 0001-01-01, UTC
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("ahead_ms", BigInteger, nullable=False),
    # what it had to be within there
    Column("limit_s", Integer, nullable=False),
)

#: verifications on site, and their certificates
sessions = Table(
    "metering_sessions",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    Column("charger_id", BigInteger, nullable=False),
    # the same as long as it is open: of each charger one is
    Column("open_charger_id", BigInteger),
    Column("occasion", String(8), nullable=False),
    Column("limit_permille", Integer, nullable=False),
    Column("reference", String(64), nullable=False),
    Column("reference_permille", Integer, nullable=False),
    Column("inspector", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_at", Instant, nullable=False),
    # id of the token that was used
    Column("opened_by", BigInteger, nullable=False),
    Column("finished_at", Instant),
    Column("finished_by", BigInteger),
    Column("valid_until", Instant),
    # when people were told that it expires
    Column("warned_at", Instant),
    Index("metering_sessions_open", "open_charger_id", unique=True),
    Index("metering_sessions_by_charger", "charger_id", "id"),
    Index("metering_sessions_by_tenant", "tenant_id", "id"),
    Index("metering_sessions_by_expiry", "valid_until"),
)

#: what was read in them
readings = Table(
    "metering_readings",
    metadata,
    Column("session_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("port", Integer, nullable=False),
    Column("load_w", Integer),
    Column("register_mwh", BigInteger),
    Column("step_mwh", BigInteger),
    Column("reference_mwh", BigInteger),
    Column("clock_ahead_ms", BigInteger),
    Column("told_fen", BigInteger),
    Column("due_fen", BigInteger),
)
