"""The postings of an order's life: held, captured, released, credited."""

from typing import TYPE_CHECKING

from chargecloud.domain.ledger import Account, Post, pay
from chargecloud.domain.tariff import Bill, Fee

if TYPE_CHECKING:
    from chargecloud.domain.order_value import Order


def accounts(order: "Order") -> tuple[Account, Account]:
    """The wallet that pays for an order, and where its money is held."""
    owner = order.customer_id or 0
    return Account(order.tenant_id, "wallet", owner), Account(order.tenant_id, "held", owner)


def hold(order: "Order") -> tuple[Post, ...]:
    """Hold the order's money."""
    wallet, held = accounts(order)
    return (Post(wallet, held, order.held_fen, "hold", order.id),) if order.held_fen else ()


def release(order: "Order") -> tuple[Post, ...]:
    """Give back all that is held."""
    wallet, held = accounts(order)
    return (Post(held, wallet, order.held_fen, "release", order.id),) if order.held_fen else ()


def capture(order: "Order", bill: Bill, available_fen: int) -> tuple[Post, ...]:
    """
    Pay a bill: from the money held, then from the rest of the wallet, and what neither
    covers is owed; what was held in excess goes back.
    """
    wallet, held = accounts(order)
    sources: dict[Account, int | None] = {
        held: order.held_fen,
        wallet: available_fen,
        _owed(order): None,
    }
    posts = pay(_dues(order, bill), sources, order.id)
    excess = order.held_fen - min(order.held_fen, bill.amount_fen)
    return (*posts, Post(held, wallet, excess, "release", order.id)) if excess else posts


def credit(order: "Order", bill: Bill, owed_fen: int) -> tuple[Post, ...]:
    """
    Undo a bill that was paid: first what of it is still owed, the rest into the wallet.

    @param owed_fen: what of it is still owed.
    """
    wallet, _held = accounts(order)
    posts = []
    for account, paid_fen in _dues(order, bill).items():
        forgiven_fen = min(paid_fen, owed_fen)
        owed_fen -= forgiven_fen
        if forgiven_fen:
            posts.append(Post(account, _owed(order), forgiven_fen, "credit", order.id))
        if paid_fen > forgiven_fen:
            posts.append(Post(account, wallet, paid_fen - forgiven_fen, "credit", order.id))
    return tuple(posts)


def pay_again(
    order: "Order", before: Bill, bill: Bill, available_fen: int, owed_fen: int
) -> tuple[Post, ...]:
    """Credit one bill and pay another in its place: from the wallet with what was credited
    to it, and what that does not cover is owed."""
    wallet, _held = accounts(order)
    credited_fen = before.amount_fen - min(owed_fen, before.amount_fen)
    sources: dict[Account, int | None] = {
        wallet: available_fen + credited_fen,
        _owed(order): None,
    }
    return credit(order, before, owed_fen) + pay(_dues(order, bill), sources, order.id)


def _dues(order: "Order", bill: Bill) -> dict[Account, int]:
    return {Account(order.tenant_id, f"{fee.value}_fees"): bill.fee_fen(fee) for fee in Fee}


def _owed(order: "Order") -> Account:
    return Account(order.tenant_id, "receivable", order.customer_id or 0)
