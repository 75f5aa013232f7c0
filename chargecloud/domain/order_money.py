"""The postings of an order's life: held, captured, released, credited."""

from typing import TYPE_CHECKING

from chargecloud.domain.ledger import Account, Post, pay
from chargecloud.domain.tariff import Bill, Fee

if TYPE_CHECKING:
    from chargecloud.domain.order_value import Order


def hold(order: "Order") -> tuple[Post, ...]:
    """Hold the order's money: what was paid in, and the rest of it in gift money."""
    held = _of(order, "held")
    parts = {"wallet": order.held_fen - order.held_gift_fen, "gift": order.held_gift_fen}
    return tuple(
        Post(_of(order, kind), held, part_fen, "hold", order.id)
        for kind, part_fen in parts.items()
        if part_fen
    )


def release(order: "Order", paid_fen: int = 0) -> tuple[Post, ...]:
    """Give back what is held as it came, beyond what a bill takes of it."""
    paid_in_fen = order.held_fen - order.held_gift_fen
    parts = {
        "wallet": max(0, paid_in_fen - paid_fen),
        "gift": min(order.held_gift_fen, max(0, order.held_fen - paid_fen)),
    }
    held = _of(order, "held")
    return tuple(
        Post(held, _of(order, kind), part_fen, "release", order.id)
        for kind, part_fen in parts.items()
        if part_fen
    )


def capture(order: "Order", bill: Bill, available_fen: int, gift_fen: int = 0) -> tuple[Post, ...]:
    """
    Pay a bill: from the money held, then from the rest of the wallet, then with gift money, and
    what none of them covers is owed; what was held in excess goes back.
    """
    sources: dict[Account, int | None] = {
        _of(order, "held"): order.held_fen,
        _of(order, "wallet"): available_fen,
        _of(order, "gift"): gift_fen,
        _of(order, "receivable"): None,
    }
    posts = pay(_dues(order, bill), sources, order.id)
    return posts + release(order, bill.amount_fen)


def gift_paid_fen(order: "Order", posts: tuple[Post, ...]) -> int:
    """What of the money that postings move out of an order's hold, or out of gift money, was gift
    money, and did not go back."""
    gift = _of(order, "gift")
    spent_fen = sum(post.amount_fen for post in posts if post.debit == gift)
    back_fen = sum(post.amount_fen for post in posts if post.credit == gift)
    return spent_fen - back_fen


def owes(posts: tuple[Post, ...]) -> bool:
    """Whether something of a bill stays owed."""
    return any(post.debit.kind == "receivable" for post in posts)


def credit(order: "Order", bill: Bill, owed_fen: int) -> tuple[Post, ...]:
    """
    Undo a bill that was paid: first what of it is still owed, then what was paid with gift money,
    the rest into the wallet.

    @param owed_fen: what of it is still owed.
    """
    left = {"receivable": owed_fen, "gift": order.paid_gift_fen, "wallet": bill.amount_fen}
    posts = []
    for account, paid_fen in _dues(order, bill).items():
        for kind, can_take_fen in left.items():
            part_fen = min(paid_fen, can_take_fen)
            left[kind] -= part_fen
            paid_fen -= part_fen
            if part_fen:
                posts.append(Post(account, _of(order, kind), part_fen, "credit", order.id))
    return tuple(posts)


def pay_again(
    order: "Order", before: Bill, bill: Bill, available_fen: int, owed_fen: int, gift_fen: int = 0
) -> tuple[Post, ...]:
    """Credit one bill and pay another in its place: from the wallet with what was credited
    to it, so with gift money, and what that does not cover is owed."""
    credited = credit(order, before, owed_fen)

    def back_fen(kind: str) -> int:
        return sum(post.amount_fen for post in credited if post.credit.kind == kind)

    sources: dict[Account, int | None] = {
        _of(order, "wallet"): available_fen + back_fen("wallet"),
        _of(order, "gift"): gift_fen + back_fen("gift"),
        _of(order, "receivable"): None,
    }
    return credited + pay(_dues(order, bill), sources, order.id)


def _dues(order: "Order", bill: Bill) -> dict[Account, int]:
    return {Account(order.tenant_id, f"{fee.value}_fees"): bill.fee_fen(fee) for fee in Fee}


def _of(order: "Order", kind: str) -> Account:
    """An account of whoever pays for an order."""
    return Account(order.tenant_id, kind, order.customer_id or 0)
