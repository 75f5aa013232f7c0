"""The feature's tables, which its own Alembic revisions create."""

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from chargecloud.storage.schema import Instant

metadata = MetaData()

#: those whose signatures are believed
vendors = Table(
    "firmware_vendors",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(200), nullable=False),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("public_key", name="firmware_vendors_public_key_once"),
)

images = Table(
    "firmware_images",
    metadata,
    # the number by which chargers ask for it: 32 bits
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("vendor_id", BigInteger, nullable=False),
    Column("hardware", String(32), nullable=False),
    Column("build", BigInteger, nullable=False),
    Column("version", String(32), nullable=False),
    Column("size", Integer, nullable=False),
    Column("manifest", LargeBinary(128), nullable=False),
    Column("signature", LargeBinary(64), nullable=False),
    Column("data", LargeBinary(1_000_000), nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("hardware", "build", name="firmware_images_hardware_build_once"),
)

campaigns = Table(
    "firmware_campaigns",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("image", BigInteger, nullable=False),
    Column("name", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("why", String(300)),
    Column("canary", Integer, nullable=False),
    Column("hold_s", Integer, nullable=False),
    Column("at_once", Integer, nullable=False),
    Column("most_failures", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
)

updates = Table(
    "firmware_updates",
    metadata,
    Column("campaign_id", BigInteger, primary_key=True, autoincrement=False),
    Column("charger_id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("why", String(64)),
    Column("offset", Integer, nullable=False),
    Column("bytes_sent", BigInteger, nullable=False),
    Column("changed_at", Instant, nullable=False),
)
