"""What is kept of charge points: one row for each thing that a charge point was told to keep."""

from sqlalchemy import JSON, BigInteger, Column, Index, MetaData, String, Table

from chargecloud.storage.schema import Instant

metadata = MetaData()

#: characters of a row's name: a configuration key has up to 50
LONGEST_NAME = 60

kept = Table(
    "ocpp_kept",
    metadata,
    Column("charger_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    Column("name", String(LONGEST_NAME), primary_key=True),
    Column("tenant_id", BigInteger, nullable=False),
    Column("value", JSON, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Index("ocpp_kept_by_tenant", "tenant_id", "charger_id"),
)
