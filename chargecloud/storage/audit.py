"""The books, gone through: whether the ledger is in balance with itself."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from chargecloud.domain.ledger import Account
from chargecloud.storage.schema import accounts, orders, postings


def ledger_faults(connection: Connection) -> Iterator[str]:
    """Every way in which the ledger contradicts itself, in words; nothing if it is sound."""
    sums: dict[tuple[int, str, int], int] = {}
    for side, sign in (("debit", -1), ("credit", 1)):
        kind, owner = postings.c[f"{side}_kind"], postings.c[f"{side}_owner_id"]
        total = select(postings.c.tenant_id, kind, owner, func.sum(postings.c.amount_fen))
        for tenant_id, name, owner_id, amount_fen in connection.execute(
            total.group_by(postings.c.tenant_id, kind, owner)
        ):
            key = (tenant_id, name, owner_id)
            sums[key] = sums.get(key, 0) + sign * int(amount_fen)
    yield from _balances(connection, sums)
    yield from _captures(connection)


def _balances(connection: Connection, sums: dict[tuple[int, str, int], int]) -> Iterator[str]:
    kept = {
        (row.tenant_id, row.kind, row.owner_id): row.balance_fen
        for row in connection.execute(select(accounts))
    }
    guarded = {key for key in sums if key[1] in Account.GUARDED}
    for key in sorted(guarded | set(kept)):
        tenant_id, kind, owner_id = key
        where = f"{kind} of {owner_id} in tenant {tenant_id}"
        balance, posted = kept.get(key), sums.get(key, 0)
        if balance != posted:
            yield f"{where}: the balance is {balance} fen, its postings sum to {posted}"
        elif posted < 0:
            yield f"{where}: the balance is below zero: {posted} fen"


def _captures(connection: Connection) -> Iterator[str]:
    captured = dict(
        connection.execute(
            select(postings.c.reference_id, func.sum(postings.c.amount_fen))
            .where(postings.c.cause == "capture")
            .group_by(postings.c.reference_id)
        ).all()
    )
    billed = dict(
        connection.execute(
            select(orders.c.id, orders.c.amount_fen).where(orders.c.amount_fen > 0)
        ).all()
    )
    for order_id in sorted(captured.keys() | billed.keys()):
        paid, due = int(captured.get(order_id, 0)), int(billed.get(order_id, 0))
        if paid != due:
            yield f"order {order_id}: billed {due} fen, {paid} fen were captured for it"
