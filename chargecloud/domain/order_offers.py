"""What an order has claimed that makes it cheaper, a use of a coupon or of a month card: its bill
keeps it, or it is given back."""

from attrs import evolve

from chargecloud.domain.coupon import is_reduced
from chargecloud.domain.decision import Change
from chargecloud.domain.month_card import is_covered
from chargecloud.domain.order_value import Order
from chargecloud.domain.tariff import Bill


def kept(order: Order, bill: Bill) -> tuple[Order, tuple[Change, ...]]:
    """A coupon that took nothing off can be used again; so can a month card that covered
    nothing, or the rest of its hours."""
    writes: tuple[Change, ...] = ()
    after = order
    if order.coupon is not None and not is_reduced(bill):
        after, writes = evolve(after, coupon=None), _coupon_back(order)
    if order.month_card is not None:
        if not is_covered(bill):
            return evolve(after, month_card=None), (*writes, *_card_back(order))
        seconds = order.month_card.covered_s(order.usage)
        writes = (*writes, _use(order, {"seconds": seconds}))
    return after, writes


def given_back(order: Order) -> tuple[Change, ...]:
    """What an order that costs nothing has claimed is anybody's again."""
    return (*_coupon_back(order), *_card_back(order))


def _coupon_back(order: Order) -> tuple[Change, ...]:
    coupon = order.coupon
    if coupon is None:
        return ()
    key = {"coupon_id": coupon.id, "number": coupon.number}
    return (Change("coupon_uses", key, {"order_id": None}, {"order_id": order.id}),)


def _card_back(order: Order) -> tuple[Change, ...]:
    return () if order.month_card is None else (_use(order, {"order_id": None, "seconds": 0}),)


def _use(order: Order, row: dict[str, int | None]) -> Change:
    assert order.month_card is not None, "only such orders have a use of one"
    key = {"card_id": order.month_card.id, "number": order.month_card.number}
    return Change("month_card_uses", key, row, {"order_id": order.id})
