"""Tables: what the service knows of itself: requests, the event log and who follows it, nodes."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table, false

from chargecloud.storage.schema.columns import Instant, metadata

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
