"""The books, gone through: whether the ledger, the balances, the bills and the holds agree."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from chargecloud.domain.ledger import Account
from chargecloud.domain.order_rows import bill_of
from chargecloud.domain.order_value import HOLDING, RUNNING
from chargecloud.domain.tariff import Fee
from chargecloud.storage.schema import accounts, orders, ports, postings

#: tenant, kind and owner of an account
_Key = tuple[int, str, int]


def ledger_faults(connection: Connection) -> Iterator[str]:
    """Every way in which the books contradict themselves, in words; nothing if they are
    sound."""
    balances = {
        (row.tenant_id, row.kind, row.owner_id): row.balance_fen
        for row in connection.execute(select(accounts))
    }
    yield from _balances(balances, _sums(connection))
    yield from _holds(connection, balances)
    yield from _bills(connection)
    yield from _captures(connection)
    yield from _ports(connection)


def _sums(connection: Connection) -> Counter[_Key]:
    """What the postings of each account come to."""
    sums: Counter[_Key] = Counter()
    for side, sign in (("debit", -1), ("credit", 1)):
        key = (postings.c.tenant_id, postings.c[f"{side}_kind"], postings.c[f"{side}_owner_id"])
        for *of, amount_fen in connection.execute(
            select(*key, func.sum(postings.c.amount_fen)).group_by(*key)
        ):
            tenant_id, kind, owner_id = of
            # some databases sum to a decimal
            sums[tenant_id, kind, owner_id] += sign * int(amount_fen)
    return sums


def _balances(balances: dict[_Key, int], sums: Counter[_Key]) -> Iterator[str]:
    guarded = {key for key in sums if key[1] in Account.GUARDED}
    for key in sorted(guarded | balances.keys()):
        balance, posted = balances.get(key), sums[key]
        if balance != posted:
            yield f"{_named(key)}: the balance is {balance} fen, its postings sum to {posted}"
        elif posted < 0 and key[1] in Account.GUARDED:
            yield f"{_named(key)}: the balance is below zero: {posted} fen"


def _holds(connection: Connection, balances: dict[_Key, int]) -> Iterator[str]:
    found = select(orders.c.tenant_id, orders.c.customer_id, func.sum(orders.c.held_fen)).where(
        orders.c.state.in_([state.value for state in HOLDING]), orders.c.held_fen > 0
    )
    wanted: Counter[_Key] = Counter()
    for tenant_id, customer_id, held_fen in connection.execute(
        found.group_by(orders.c.tenant_id, orders.c.customer_id)
    ):
        wanted[tenant_id, "held", customer_id] = int(held_fen)
    for key in sorted(wanted.keys() | {key for key in balances if key[1] == "held"}):
        if balances.get(key, 0) != wanted[key]:
            yield f"{_named(key)}: {balances.get(key, 0)} fen for orders that want {wanted[key]}"


def _bills(connection: Connection) -> Iterator[str]:
    columns = (orders.c.id, orders.c.bill, *_FEES.values(), orders.c.amount_fen)
    for order_id, column, *written in connection.execute(select(*columns).order_by(orders.c.id)):
        try:
            bill = bill_of(column)
        except (KeyError, TypeError, ValueError) as error:
            yield f"order {order_id}: its bill cannot be read: {error!r}"
            continue
        lines = [bill.fee_fen(fee) for fee in _FEES] + [bill.amount_fen] if bill else [None] * 3
        if written != lines:
            yield f"order {order_id}: {written} fen are written down, its bill's lines are {lines}"


def _captures(connection: Connection) -> Iterator[str]:
    """What an order paid for each fee, less what was credited, is what its bill has."""
    captured: Counter[tuple[int, str]] = Counter()
    for cause, side, sign in (("capture", "credit", 1), ("credit", "debit", -1)):
        key = (postings.c.reference_id, postings.c[f"{side}_kind"])
        for order_id, kind, amount_fen in connection.execute(
            select(*key, func.sum(postings.c.amount_fen))
            .where(postings.c.cause == cause)
            .group_by(*key)
        ):
            captured[order_id, kind] += sign * int(amount_fen)
    billed: Counter[tuple[int, str]] = Counter()
    for fee, column in _FEES.items():
        for order_id, due_fen in connection.execute(select(orders.c.id, column).where(column > 0)):
            billed[order_id, f"{fee.value}_fees"] = due_fen
    for order_id, kind in sorted(captured.keys() | billed.keys()):
        paid, due = captured[order_id, kind], billed[order_id, kind]
        if paid != due:
            yield f"order {order_id}: {due} fen of {kind} are due, {paid} were captured"


def _ports(connection: Connection) -> Iterator[str]:
    """A running order has its port, and no port has another."""
    running = select(orders.c.id).where(orders.c.state.in_([state.value for state in RUNNING]))
    taken = select(ports.c.order_id).where(ports.c.order_id.is_not(None))
    has_port = Counter(connection.execute(taken).scalars())
    for order_id in connection.execute(running.order_by(orders.c.id)).scalars():
        if has_port.pop(order_id, 0) != 1:
            yield f"order {order_id} runs, and has not one port"
    for order_id in sorted(has_port):
        yield f"order {order_id} has a port, and does not run"


#: where an order's row has what each fee comes to
_FEES = {Fee.ELECTRICITY: orders.c.electricity_fen, Fee.SERVICE: orders.c.service_fen}


def _named(key: _Key) -> str:
    tenant_id, kind, owner_id = key
    return f"{kind} of {owner_id} in tenant {tenant_id}"
