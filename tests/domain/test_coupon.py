"""What a coupon takes off a bill."""

from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.coupon import Coupon, is_reduced, reduced
from chargecloud.domain.decision import Change
from chargecloud.domain.occurrences import (
    Billed,
    Ended,
    HoldReleased,
    Started,
    StartRefused,
    Waived,
    Withdrawn,
)
from chargecloud.domain.order import decide, place
from chargecloud.domain.order_rows import bill_columns, bill_of, order_of, order_row
from chargecloud.domain.order_value import Order, OrderState
from chargecloud.domain.tariff import Bill, BillLine, Fee, Vat
from tests.domain.order_samples import an_order, bill_line, bills, coupons, ends, placed_orders
from tests.harness import NOW

TEN = Coupon(id=9, number=4, code="TEN", amount_fen=1000)


@given(bills, coupons)
def test_it_takes_what_it_says_and_never_more_than_there_is(bill: Bill, coupon: Coupon) -> None:
    """Lines sum to the total, no fee falls below zero, and the lines before stay as they are."""
    after = reduced(bill, coupon, NOW, NOW)
    off_fen = bill.amount_fen - after.amount_fen
    assert after.lines[: len(bill.lines)] == bill.lines
    assert 0 <= off_fen <= bill.amount_fen
    assert all(0 <= after.fee_fen(fee) <= bill.fee_fen(fee) for fee in Fee)
    assert (
        off_fen
        == coupon.off_fen(bill.amount_fen)
        == -sum(line.amount_fen for line in after.lines if line not in bill.lines)
    )
    if coupon.amount_fen is not None:
        assert off_fen == min(coupon.amount_fen, bill.amount_fen)
    else:
        assert coupon.percent is not None
        share = Fraction(bill.amount_fen * coupon.percent, 100)
        assert off_fen == coupon.most_fen or abs(off_fen - share) <= Fraction(1, 2)
    assert is_reduced(after) == (off_fen > 0)
    assert bill_of(bill_columns(after)["bill"]) == after


def test_service_is_reduced_first() -> None:
    """What is paid for electricity goes on to the grid."""
    bill = Bill(50, 2, (bill_line(Fee.ELECTRICITY, 700), bill_line(Fee.SERVICE, 600)))
    after = reduced(bill, TEN, NOW, NOW)
    assert [(line.fee, line.amount_fen) for line in after.lines[2:]] == [
        (Fee.SERVICE, -600),
        (Fee.ELECTRICITY, -400),
    ]


@given(st.integers(1, 5000), st.integers(0, 25))
def test_vat_is_taken_off_in_proportion(fen: int, percent: int) -> None:
    """The rate of a bill is the same after it."""
    excl = Fraction(fen, 100)
    incl = excl * (100 + percent) / 100
    paid_fen = round(incl * 100)
    line = evolve(bill_line(Fee.SERVICE, paid_fen), vat=Vat(excl, incl, Fraction(percent)))
    after = reduced(Bill(50, 2, (line,)), TEN, NOW, NOW)
    assert after.incl_vat * 100 == after.excl_vat * (100 + percent)
    assert after.amount_fen == max(0, paid_fen - 1000)
    assert abs(after.incl_vat * 100 - after.amount_fen) <= Fraction(1, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"amount_fen": 5, "percent": 5},
        {"amount_fen": 0},
        {"percent": 101},
        {"percent": 0},
        {"percent": 5, "most_fen": 0},
    ],
)
def test_what_is_no_coupon(wrong: dict[str, int]) -> None:
    """It takes off an amount, or a percentage, and something at all."""
    with pytest.raises(ValueError, match=r"\bcoupon\b|percent|_fen"):
        Coupon(id=1, number=1, code="X", **wrong)


@given(placed_orders())
def test_an_order_keeps_it_as_a_row(order: Order) -> None:
    """And has it back."""
    assert order_of(order_row(order)) == order


def freed(order: Order) -> list[Change]:
    """What is written when the order's use is given back."""
    key = {"coupon_id": 9, "number": 4}
    return [Change("coupon_uses", key, {"order_id": None}, {"order_id": order.id})]


def uses(*decisions: object) -> list[Change]:
    """The writes about uses."""
    return [
        write
        for decision in decisions
        for write in decision.writes  # type: ignore[attr-defined]
        if isinstance(write, Change) and write.table == "coupon_uses"
    ]


@pytest.mark.parametrize(
    ("state", "what"),
    [
        (OrderState.STARTING, StartRefused(NOW, "busy")),
        (OrderState.WAITING, StartRefused(NOW, "charger-offline")),
        (OrderState.WAITING, Withdrawn(NOW, "user")),
        (OrderState.HELD, Waived(NOW, "by-hand")),
        (OrderState.ENDED, Waived(NOW, "nothing-drawn")),
        (OrderState.ENDED, Billed(NOW, Bill(50, 2, ()), 0)),
    ],
)
def test_an_order_that_costs_nothing_gives_it_back(state: OrderState, what: object) -> None:
    """Somebody may use it again."""
    step = decide(an_order(state=state, coupon=TEN, ended_at=NOW), what)  # type: ignore[arg-type]
    assert uses(step.decision) == freed(step.order)
    assert step.order.coupon is None


@given(ends())
def test_an_order_that_was_reduced_keeps_it(end: Ended) -> None:
    """It is given back once, or never."""
    order = an_order(coupon=TEN)
    bill = reduced(Bill(50, 2, (bill_line(Fee.SERVICE, 1200),)), TEN, NOW, NOW)
    decisions = [place(order)]
    for what in (Started(NOW, 5), HoldReleased(NOW), end, Billed(NOW, bill, 0)):
        step = decide(order, what)
        order = step.order
        decisions.append(step.decision)
    assert (order.coupon, uses(*decisions)) == (TEN, [])
    assert order.bill is not None
    assert order.bill.amount_fen == 200


def test_a_line_of_a_coupon_is_found_by_its_rule() -> None:
    """As bills are kept."""
    line = BillLine(Fee.SERVICE, NOW, NOW, 1, "times", 0, "time", 0, "coupon A: 1 %")
    assert not is_reduced(Bill(1, 1, (line,)))
