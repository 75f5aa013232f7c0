"""Orders against the postings of them: what is held, what was captured, what the bill says."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, exists, func, select

from chargecloud.domain.ledger import CAUSES
from chargecloud.domain.order_rows import bill_of
from chargecloud.domain.order_value import HOLDING, RUNNING
from chargecloud.domain.tariff import Fee
from chargecloud.storage.audit.reading import each, moved, whole
from chargecloud.storage.schema import orders, ports, postings

_CAUSES = [cause for cause, of in CAUSES.items() if of == "order"]
_HOLDING = {state.value for state in HOLDING}
_RUNNING = [state.value for state in RUNNING]

#: where an order's row has what each fee comes to
_COLUMNS = {Fee.ELECTRICITY: orders.c.electricity_fen, Fee.SERVICE: orders.c.service_fen}
#: the same by the account that it is paid to
_FEES = {f"{fee.value}_fees": column for fee, column in _COLUMNS.items()}


def order_faults(connection: Connection) -> Iterator[str]:
    """Orders whose money, bill or port contradict them."""
    yield from _bills(connection)
    yield from _money(connection)
    yield from _strays(connection)
    yield from _ports(connection)


def _bills(connection: Connection) -> Iterator[str]:
    columns = (orders.c.id, orders.c.bill, *_COLUMNS.values(), orders.c.amount_fen)
    for order_id, column, *written in each(connection, select(*columns).order_by(orders.c.id)):
        try:
            bill = bill_of(column)
        except (KeyError, TypeError, ValueError) as error:
            yield f"order {order_id}: its bill cannot be read: {error!r}"
            continue
        lines = [bill.fee_fen(fee) for fee in _COLUMNS] + [bill.amount_fen] if bill else [None] * 3
        if written != lines:
            yield f"order {order_id}: {written} fen are written down, its bill's lines are {lines}"


def _posted() -> Any:
    """What the postings of each order come to."""
    of = postings.c.reference_id
    kinds = {
        "held": "held",
        "gift": "gift",
        **{column.name: kind for kind, column in _FEES.items()},
    }
    sums = [
        (moved(credit=kind) - moved(debit=kind)).label(f"posted_{name}")
        for name, kind in kinds.items()
    ]
    found = select(of.label("order_id"), *sums).where(postings.c.cause.in_(_CAUSES))
    return found.group_by(of).subquery("posted")


def _money(connection: Connection) -> Iterator[str]:
    """What is held for an order is what its row says, and what it paid for each fee, less what was
    credited, is what its bill has; so with what was paid with gift money."""
    posted = _posted()
    found = (
        select(
            orders.c.id,
            orders.c.state,
            orders.c.held_fen,
            orders.c.held_gift_fen,
            orders.c.paid_gift_fen,
            *_FEES.values(),
            *(column for column in posted.c if column.name != "order_id"),
        )
        .outerjoin_from(orders, posted, posted.c.order_id == orders.c.id)
        .order_by(orders.c.id)
    )
    fees = len(_FEES)
    for order_id, state, *amounts in each(connection, found):
        # by place: there are millions
        held, held_gift, paid_gift, *sums = map(whole, amounts)
        due_fen, (posted_held, posted_gift, *captured_fen) = sums[:fees], sums[fees:]
        is_holding = state in _HOLDING
        held_fen = held if is_holding else 0
        gift_fen = paid_gift + (held_gift if is_holding else 0)
        if posted_held != held_fen:
            yield (
                f"order {order_id} is {state}: {held_fen} fen are to be held for it, "
                f"{posted_held} are"
            )
        if -posted_gift != gift_fen:
            yield (
                f"order {order_id}: {gift_fen} fen of gift money are written down, its postings "
                f"sum to {-posted_gift}"
            )
        for kind, due, paid in zip(_FEES, due_fen, captured_fen, strict=True):
            if paid != due:
                yield f"order {order_id}: {due} fen of {kind} are due, {paid} were captured"


def _strays(connection: Connection) -> Iterator[str]:
    """Postings of orders that there are none of, and of causes that there are none of."""
    known = exists().where(orders.c.id == postings.c.reference_id)
    columns = (postings.c.id, postings.c.cause, postings.c.reference_id)
    of_orders = postings.c.cause.in_(_CAUSES)
    for row in each(connection, select(*columns).where(of_orders, ~known)):
        yield f"posting {row.id} ({row.cause}) is of order {row.reference_id}, which is not there"
    for row in each(connection, select(*columns).where(postings.c.cause.not_in(list(CAUSES)))):
        yield f"posting {row.id}: {row.cause} is none of {', '.join(CAUSES)}"


def _ports(connection: Connection) -> Iterator[str]:
    """A running order has its port, and no port has another."""
    found = (
        select(orders.c.id, func.count(ports.c.port).label("ports"))
        .outerjoin_from(orders, ports, ports.c.order_id == orders.c.id)
        .where(orders.c.state.in_(_RUNNING))
        .group_by(orders.c.id)
    )
    for row in each(connection, found):
        if row.ports != 1:
            yield f"order {row.id} runs, and has {row.ports} ports, not one"
    runs = exists().where(orders.c.id == ports.c.order_id, orders.c.state.in_(_RUNNING))
    taken = select(ports.c.order_id).where(ports.c.order_id.is_not(None), ~runs)
    for row in each(connection, taken.order_by(ports.c.order_id)):
        yield f"order {row.order_id} has a port, and does not run"
