"""The lives of payments and refunds, over the whole product of their tables."""

from itertools import product
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain import payment as rules
from chargecloud.domain import refund as refund_rules
from chargecloud.domain.decision import Change
from chargecloud.domain.errors import Conflict
from chargecloud.domain.ledger import Post
from chargecloud.domain.payment_value import (
    TAKEN,
    OrderPart,
    Payment,
    PaymentState,
    PayMethod,
    Refund,
    RefundState,
)
from tests.harness import NOW

PAYMENT = Payment(
    id=7,
    tenant_id=1,
    channel="sandbox",
    merchant="m",
    customer_id=9,
    is_guest=False,
    method=PayMethod.QR,
    payer=None,
    client_ip=None,
    return_url=None,
    amount_fen=500,
    subject="x",
    created_at=NOW,
    expires_s=100,
    due_s=15,
)
REFUND = Refund(
    id=8,
    tenant_id=1,
    payment_id=7,
    channel="sandbox",
    amount_fen=200,
    reason="a",
    by=None,
    created_at=NOW,
    due_s=15,
)
OCCURRENCES: list[Any] = [
    rules.Offered({"url": "x", "values": {}}),
    rules.NotTaken("no"),
    rules.PaidIn("t", NOW, 5),
    rules.NotPaid(),
    rules.OrderPlaced(3),
    rules.OrderRefused("port-busy"),
    rules.OrderOver(),
    rules.Asked(200),
    rules.WentBack(200),
    rules.CameBack(200),
]


def in_state(state: PaymentState) -> Payment:
    """A payment as it is in a state."""
    back: dict[PaymentState, Any] = {
        PaymentState.REFUNDING: {"refunding_fen": 200},
        PaymentState.PART_REFUNDED: {"refunded_fen": 200},
        PaymentState.REFUNDED: {"refunded_fen": 500},
    }
    paid: dict[str, Any] = {"paid_at": NOW, "transaction": "t"} if state in TAKEN else {}
    return evolve(PAYMENT, state=state, **paid, **back.get(state, {}))


@pytest.mark.parametrize(("state", "occurrence"), [*product(PaymentState, OCCURRENCES)])
def test_what_is_not_in_the_table_is_refused(state: PaymentState, occurrence: Any) -> None:
    """What is in it changes the row once under its version, or nothing; a wallet is credited
    by nothing but the payment's own coming."""
    payment = in_state(state)
    if (state, type(occurrence)) not in rules.TRANSITIONS:
        with pytest.raises(Conflict):
            rules.decide(payment, occurrence)
        return
    step = rules.decide(payment, occurrence)
    changes = [each for each in step.decision.writes if isinstance(each, Change)]
    posts = [each for each in step.decision.writes if isinstance(each, Post)]
    if step.payment is payment:
        assert step.decision.writes == ()
    else:
        (change,) = changes
        assert (change.key, change.expect) == ({"id": 7}, {"version": 1})
        assert change.row["version"] == step.payment.version == 2
    is_first = isinstance(occurrence, rules.PaidIn) and state not in TAKEN
    assert [post.credit for post in posts] == ([payment.wallet] if is_first else [])
    assert (step.payment.state in TAKEN) == (state in TAKEN or is_first)


@pytest.mark.parametrize("part", [None, *OrderPart])
def test_an_order_is_placed_once(part: OrderPart | None) -> None:
    """Whatever comes after the first word of it changes nothing."""
    payment = evolve(in_state(PaymentState.PAID), order_part=part)
    placed = rules.decide(payment, rules.OrderPlaced(3)).payment
    refused = rules.decide(payment, rules.OrderRefused("x")).payment
    if part is OrderPart.WANTED:
        assert (placed.order_part, placed.order_id) == (OrderPart.PLACED, 3)
        assert (refused.order_part, refused.order_failure) == (OrderPart.REFUSED, "x")
    else:
        assert placed is refused is payment


@given(st.lists(st.tuples(st.sampled_from(["ask", "done", "failed"]), st.integers(1, 300))))
def test_no_more_goes_back_than_came(story: list[tuple[str, int]]) -> None:
    """Whatever is asked, done and not done, in any order; the state says how much it is."""
    payment, asked = in_state(PaymentState.PAID), list[Refund]()
    for what, number in story:
        if what == "ask":
            try:
                step = refund_rules.ask(payment, evolve(REFUND, amount_fen=number))
            except Conflict:
                assert number > payment.refundable_fen
                continue
            payment = step.payment
            asked.append(step.refund)
        elif asked:
            refund = asked.pop(number % len(asked))
            occurrence: Any = refund_rules.NotDone("x", NOW)
            if what == "done":
                occurrence = refund_rules.Done("t", NOW)
            payment = refund_rules.decide(payment, refund, occurrence).payment
        going_fen = sum(each.amount_fen for each in asked)
        assert payment.refunding_fen == going_fen
        assert 0 <= payment.refunded_fen + going_fen <= payment.amount_fen
        assert (payment.state is PaymentState.REFUNDING) == bool(going_fen)
        if not going_fen:
            assert (payment.state is PaymentState.REFUNDED) == (payment.refunded_fen == 500)
            assert (payment.state is PaymentState.PAID) == (payment.refunded_fen == 0)


@pytest.mark.parametrize("state", RefundState)
def test_a_refund_ends_once(state: RefundState) -> None:
    """The same word again changes nothing, and the other word is for a person."""
    payment = in_state(PaymentState.REFUNDING)
    refund = evolve(REFUND, state=state)
    words: dict[RefundState, Any] = {
        RefundState.DONE: refund_rules.Done("t", NOW),
        RefundState.FAILED: refund_rules.NotDone("x", NOW),
    }
    for ends_as, word in words.items():
        if state is RefundState.ASKED:
            step = refund_rules.decide(payment, refund, word)
            assert (step.refund.state, step.refund.due_s) == (ends_as, None)
        elif state is ends_as:
            assert refund_rules.decide(payment, refund, word).decision.writes == ()
        else:
            with pytest.raises(Conflict):
                refund_rules.decide(payment, refund, word)
