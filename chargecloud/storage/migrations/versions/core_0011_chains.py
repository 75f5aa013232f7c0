"""Postings in chains; gift money, debts and withdrawals of customers.

Revision ID: core_0011
Revises: core_0010
"""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

from chargecloud.domain.chain import Head, chained
from chargecloud.storage.ids import slot_of
from chargecloud.storage.many import changing

revision = "core_0011"
down_revision = "core_0010"
branch_labels = None
depends_on = None

#: postings that are chained at a time
PAGE = 5_000

_POSTINGS = sa.table(
    "postings",
    *(
        sa.column(name, sa.BigInteger())
        for name in (
            *("id", "tenant_id", "at", "debit_owner_id", "credit_owner_id"),
            *("amount_fen", "reference_id", "node", "seq"),
        )
    ),
    *(sa.column(name, sa.String()) for name in ("debit_kind", "credit_kind", "cause")),
    sa.column("digest", sa.LargeBinary(32)),
)
_HEADS = sa.table(
    "ledger_heads",
    *(sa.column(name, sa.BigInteger()) for name in ("tenant_id", "node", "seq")),
    sa.column("digest", sa.LargeBinary(32)),
)


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, autoincrement=False, nullable=False)


def upgrade() -> None:
    """Add the columns, chain what is there, and open the accounts that customers lack."""
    _add_columns()
    op.create_table(
        "ledger_heads",
        _key("tenant_id", sa.BigInteger()),
        _key("node", sa.Integer()),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "node"),
    )
    op.create_table(
        "withdrawals",
        _key("id", sa.BigInteger()),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("cash_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(80), nullable=False),
        sa.Column("by", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("withdrawals_by_tenant", "withdrawals", ["tenant_id", "id"])
    _chain(op.get_bind())
    op.create_index("postings_by_chain", "postings", ["tenant_id", "node", "seq"], unique=True)
    _open_accounts()


def _add_columns() -> None:
    op.add_column("postings", sa.Column("node", sa.Integer()))
    op.add_column("postings", sa.Column("seq", sa.BigInteger()))
    op.add_column("postings", sa.Column("digest", sa.LargeBinary(32)))
    for name in ("held_gift_fen", "paid_gift_fen"):
        op.add_column(
            "orders", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        )
    op.add_column("cards", sa.Column("blocked_for", sa.String(16)))
    op.add_column("refunds", sa.Column("withdrawal_id", sa.BigInteger()))
    op.create_index("refunds_by_withdrawal", "refunds", ["withdrawal_id"])


def _chain(connection: sa.Connection) -> None:
    """All postings that are there, in the order of their ids; the node that made one is in its
    id.  Whoever runs this again comes to the same."""
    names = ("id", "node", "seq", "digest")
    columns: Any = {f"new_{name}": _POSTINGS.c[name] for name in names}

    def build(given: Any) -> Any:
        values = {name: given(f"new_{name}") for name in names[1:]}
        return sa.update(_POSTINGS).where(_POSTINGS.c.id == given("new_id")).values(values)

    write = changing(connection.dialect, columns, ("new_id",), build)
    heads: defaultdict[tuple[int, int], Head] = defaultdict(Head)
    page = sa.select(_POSTINGS).order_by(_POSTINGS.c.id).limit(PAGE)
    rows = connection.execute(page).all()
    while rows:
        changed = []
        for row in rows:
            node = slot_of(row.id)
            before = heads[row.tenant_id, node]
            head = Head(before.seq + 1, _digest(before, node, row))
            heads[row.tenant_id, node] = head
            values = (row.id, node, head.seq, head.digest)
            changed.append(
                {f"new_{name}": value for name, value in zip(names, values, strict=True)}
            )
        write.run(connection, changed)
        rows = connection.execute(page.where(_POSTINGS.c.id > rows[-1].id)).all()
    connection.execute(sa.delete(_HEADS))
    for (tenant_id, node), head in heads.items():
        connection.execute(
            sa.insert(_HEADS).values(
                tenant_id=tenant_id, node=node, seq=head.seq, digest=head.digest
            )
        )


def _digest(before: Head, node: int, row: Any) -> bytes:
    return chained(
        before.digest,
        row.tenant_id,
        node,
        before.seq + 1,
        row.id,
        row.at,
        (row.debit_kind, row.debit_owner_id),
        (row.credit_kind, row.credit_owner_id),
        row.amount_fen,
        row.cause,
        row.reference_id,
    )


def _open_accounts() -> None:
    """For each customer's gift money, and for what they owe."""
    lacking = (
        "NOT EXISTS (SELECT 1 FROM accounts a WHERE a.tenant_id = c.tenant_id "
        "AND a.kind = {} AND a.owner_id = c.id)"
    )
    owed = (
        "COALESCE((SELECT SUM(p.amount_fen) FROM postings p WHERE p.tenant_id = c.tenant_id "
        "AND p.{side}_kind = 'receivable' AND p.{side}_owner_id = c.id), 0)"
    )
    balances = {
        "'gift'": "0",
        "'receivable'": f"{owed.format(side='debit')} - {owed.format(side='credit')}",
    }
    for kind, balance in balances.items():
        op.execute(
            "INSERT INTO accounts (tenant_id, kind, owner_id, balance_fen) "  # noqa: S608
            f"SELECT c.tenant_id, {kind}, c.id, {balance} FROM customers c "
            f"WHERE {lacking.format(kind)}"
        )
