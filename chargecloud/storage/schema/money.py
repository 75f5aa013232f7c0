"""Tables: the ledger, and money that comes and goes through payment channels."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from chargecloud.storage.schema.columns import Instant, metadata

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
