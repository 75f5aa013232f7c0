"""The tables of the core.  A feature's tables are in the feature's own C{tables.py}.

Rules: the tenant is in every table of tenants' things; primary keys are time-ordered 64-bit ids
(L{chargecloud.storage.ids}) or natural keys, never autoincrement; there are no foreign
keys, so that tables can be sharded by tenant: the writer's guards keep what they would.
Instants are milliseconds of Unix time.  Alembic creates the tables; a test compares.
"""

from chargecloud.storage.schema.charging import (
    card_lists,
    curves,
    disputes,
    hazards,
    orders,
    start_codes,
    unmatched,
)
from chargecloud.storage.schema.columns import Instant, metadata
from chargecloud.storage.schema.coupons import coupon_uses, coupons
from chargecloud.storage.schema.money import (
    accounts,
    ledger_heads,
    payments,
    postings,
    reconciliations,
    refunds,
    withdrawals,
)
from chargecloud.storage.schema.month_cards import month_card_uses, month_cards
from chargecloud.storage.schema.registry import (
    cards,
    chargers,
    customers,
    cut_offs,
    ports,
    sites,
    tariffs,
    tenants,
    tokens,
    users,
)
from chargecloud.storage.schema.service import (
    calendars,
    commits,
    cursors,
    deliveries,
    event_log,
    node_slots,
    request_keys,
    work_leases,
)
from chargecloud.storage.schema.settlement import (
    card_splits,
    channel_splits,
    master_meters,
    meter_readings,
    order_splits,
    parties,
    party_receivers,
    reimbursements,
    settlement_lines,
    settlements,
    split_rules,
)

__all__ = [
    "Instant",
    "accounts",
    "calendars",
    "card_lists",
    "card_splits",
    "cards",
    "channel_splits",
    "chargers",
    "commits",
    "coupon_uses",
    "coupons",
    "cursors",
    "curves",
    "customers",
    "cut_offs",
    "deliveries",
    "disputes",
    "event_log",
    "hazards",
    "ledger_heads",
    "master_meters",
    "metadata",
    "meter_readings",
    "month_card_uses",
    "month_cards",
    "node_slots",
    "order_splits",
    "orders",
    "parties",
    "party_receivers",
    "payments",
    "ports",
    "postings",
    "reconciliations",
    "refunds",
    "reimbursements",
    "request_keys",
    "settlement_lines",
    "settlements",
    "sites",
    "split_rules",
    "start_codes",
    "tariffs",
    "tenants",
    "tokens",
    "unmatched",
    "users",
    "withdrawals",
    "work_leases",
]
