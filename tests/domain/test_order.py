"""The life of an order: what is not in the table is refused, and money adds up."""

import json
from collections import Counter, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.commands import StopCharge
from chargecloud.domain.decision import Change, Decision, Holds, Insert
from chargecloud.domain.errors import Conflict
from chargecloud.domain.events import StopReason
from chargecloud.domain.ledger import Account, Post
from chargecloud.domain.occurrences import Billed, Doubted, Ended, Occurrence, Started, StartRefused
from chargecloud.domain.order import TRANSITIONS, Step, decide, place
from chargecloud.domain.order_rows import order_row
from chargecloud.domain.order_value import RUNNING, Order, OrderState
from chargecloud.domain.tariff import Bill, Fee, Mark
from tests.domain.order_samples import (
    KINDS,
    an_order,
    bill_line,
    bills,
    occurrences,
    placed_orders,
)
from tests.harness import NOW

#: nothing follows these; an order that is held waits for a person
ENDS = {OrderState.SETTLED, OrderState.FAILED, OrderState.HELD}


class Purse:
    """Balances of accounts by their postings; those of customers never fall below zero."""

    def __init__(self, order: Order, wallet_fen: int) -> None:
        owner_id = order.customer_id or 0
        self.wallet = Account(order.tenant_id, "wallet", owner_id)
        self.held = Account(order.tenant_id, "held", owner_id)
        self.balances: Counter[Account] = Counter({self.wallet: wallet_fen})

    def post(self, decision: Decision) -> None:
        """Carry out the postings of a decision."""
        for write in decision.writes:
            if isinstance(write, Post):
                self.balances[write.debit] -= write.amount_fen
                self.balances[write.credit] += write.amount_fen
                assert not write.debit.guarded or self.balances[write.debit] >= 0

    def of(self, kind: str) -> int:
        """What all accounts of a kind hold."""
        return sum(fen for account, fen in self.balances.items() if account.kind == kind)


def legal(state: OrderState) -> list[type[Occurrence]]:
    """What may occur in a state."""
    return [kind for kind in KINDS if (state, kind) in TRANSITIONS]


def walk(order: Order, purse: Purse, data: st.DataObject) -> tuple[Order, list[Decision]]:
    """Let things occur to an order, most of them such that may."""
    decisions = [place(order)]
    purse.post(decisions[0])
    for _ in range(data.draw(st.integers(0, 6))):
        kind = data.draw(st.sampled_from([*KINDS, *legal(order.state) * 6]))
        step = one_step(order, data.draw(occurrences(kind, purse.balances[purse.wallet])))
        if step is not None:
            purse.post(step.decision)
            decisions.append(step.decision)
            order = step.order
    return order, decisions


def one_step(order: Order, occurrence: Occurrence) -> Step | None:
    """Let one thing occur, and check what holds for every step; C{None} if it may not."""
    if (order.state, type(occurrence)) not in TRANSITIONS:
        with pytest.raises(Conflict) as refused:
            decide(order, occurrence)
        assert refused.value.facts == {"state": order.state.value}
        return None
    step = decide(order, occurrence)
    assert step.order.state is TRANSITIONS[order.state, type(occurrence)][1]
    changes = [
        write
        for write in step.decision.writes
        if isinstance(write, Change) and write.table == "orders"
    ]
    if step.order is order:
        assert step.decision.writes == ()
    else:
        (change,) = changes
        assert step.order.version == order.version + 1
        assert change.expect == {"version": order.version}
        assert {**order_row(order), **change.row} == order_row(step.order)
    for entry in step.decision.log:
        assert (entry.tenant_id, entry.order_id) == (order.tenant_id, order.id)
        assert json.loads(json.dumps(entry.body)) == entry.body
    return step


@given(placed_orders(), st.integers(0, 2000), st.data())
def test_a_walk_over_the_table(order: Order, wallet_fen: int, data: st.DataObject) -> None:
    """Whatever occurs in whatever order: a legal step or a refusal that changes nothing;
    the port is taken once and freed once; and the money adds up at every end."""
    purse = Purse(order, wallet_fen + order.held_fen)
    after, decisions = walk(order, purse, data)
    port = [
        write.row["order_id"]
        for decision in decisions
        for write in decision.writes
        if isinstance(write, Change) and write.table == "ports"
    ]
    assert port == ([order.id] if after.state in RUNNING else [order.id, None])
    assert sum(purse.balances.values()) == wallet_fen + order.held_fen
    if after.state is OrderState.SETTLED:
        assert after.bill is not None
        amount_fen = after.bill.amount_fen
        paid_fen = min(amount_fen, wallet_fen + order.held_fen)
        assert purse.of("held") == 0
        assert purse.of("wallet") == wallet_fen + order.held_fen - paid_fen
        assert purse.of("receivable") == paid_fen - amount_fen
        assert purse.of("electricity_fees") + purse.of("service_fees") == amount_fen
    elif after.state is OrderState.FAILED:
        assert purse.of("held") == 0
        assert purse.of("wallet") == wallet_fen + order.held_fen
    else:
        assert purse.of("held") == order.held_fen
        assert purse.of("wallet") == wallet_fen


def orders_in_all_states() -> dict[OrderState, Order]:
    """An order in each state that the table leads to, by the shortest way."""
    marks = (Mark(NOW, 1000), Mark(NOW, 5000))
    bill = Bill(50, 2, (bill_line(Fee.ELECTRICITY, 30), bill_line(Fee.SERVICE, 12)))
    occur: list[Occurrence] = [
        StartRefused(NOW, "busy"),
        Started(NOW, 1000),
        Ended(NOW, 1000, 5000, 60, StopReason.FULL, marks),
        Billed(NOW, bill, 0),
        Doubted(NOW, "meter-went-back"),
    ]
    first = an_order()
    found, waiting = {first.state: first}, deque([first])
    while waiting:
        order = waiting.popleft()
        for occurrence in occur:
            if (order.state, type(occurrence)) in TRANSITIONS:
                after = decide(order, occurrence).order
                if after.state not in found:
                    found[after.state] = after
                    waiting.append(after)
    return found


IN_STATE = orders_in_all_states()


def test_every_state_is_reached() -> None:
    """No state is there for nothing."""
    assert set(IN_STATE) == set(OrderState)


@given(st.sampled_from(OrderState), st.sampled_from(KINDS), st.data())
def test_the_whole_product(state: OrderState, kind: type[Occurrence], data: st.DataObject) -> None:
    """Every occurrence in every state is a legal step or a refusal."""
    one_step(IN_STATE[state], data.draw(occurrences(kind)))


@pytest.mark.parametrize("state", OrderState)
def test_every_order_can_come_to_an_end(state: OrderState) -> None:
    """From each state the table leads to an end, or the state is one."""
    seen, waiting = {state}, [state]
    while waiting:
        here = waiting.pop()
        for (before, _), (_, after) in TRANSITIONS.items():
            if before is here and after not in seen:
                seen.add(after)
                waiting.append(after)
    assert seen & ENDS
    if state in ENDS:
        assert seen == {state}


def test_placing_takes_the_port_and_holds_the_money() -> None:
    """The port must be free, and what is held comes out of the wallet."""
    order = an_order(held_fen=500)
    wallet, held = Account(1, "wallet", 30), Account(1, "held", 30)
    assert place(order).writes == (
        Change("ports", {"charger_id": 20, "port": 3}, {"order_id": 40}, {"order_id": None}),
        Insert("orders", order_row(order)),
        Post(wallet, held, 500, "hold", 40),
    )


def test_an_order_without_money_posts_nothing() -> None:
    """Nothing is held, so nothing goes back when the start is refused."""
    order = an_order(customer_id=None, held_fen=0)
    refused = decide(order, StartRefused(NOW, "busy")).decision
    assert not [write for write in place(order).writes + refused.writes if isinstance(write, Post)]


@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_a_sessions_decision_holds_to_its_epoch(epoch: int) -> None:
    """What a session told is written only while it is the charger's newest."""
    step = decide(IN_STATE[OrderState.STARTING], Started(NOW, 1000), epoch)
    (change,) = step.decision.writes
    assert isinstance(change, Change)
    assert change.holds == Holds("chargers", {"id": 20, "epoch": epoch})


def test_what_no_session_told_holds_to_none() -> None:
    """A deadline or a person is no session."""
    step = decide(IN_STATE[OrderState.STARTING], StartRefused(NOW, "timeout"))
    assert not any(isinstance(write, Change) and write.holds for write in step.decision.writes)


def test_a_late_start_of_a_failed_order_is_stopped() -> None:
    """The charger began although it was given up: it is told to stop, and nothing is posted."""
    order = IN_STATE[OrderState.FAILED]
    step = decide(order, Started(NOW, 1000), 1)
    assert step == Step(order, Decision(commands=(StopCharge(order.id, order.port),)))


def test_a_start_that_is_told_again_changes_nothing() -> None:
    """The charger repeats what was not acknowledged."""
    order = IN_STATE[OrderState.CHARGING]
    assert decide(order, Started(NOW, 1000), 1) == Step(order, Decision())


def test_a_bill_is_paid_from_the_hold_then_the_wallet_then_owed() -> None:
    """Each source gives what it can, in this order."""
    bill = Bill(50, 2, (bill_line(Fee.ELECTRICITY, 450), bill_line(Fee.SERVICE, 250)))
    wallet, held = Account(1, "wallet", 30), Account(1, "held", 30)
    electricity, service = Account(1, "electricity_fees"), Account(1, "service_fees")
    step = decide(IN_STATE[OrderState.ENDED], Billed(NOW, bill, 120))
    assert step.decision.writes[1:] == (
        Post(held, electricity, 450, "capture", 40),
        Post(held, service, 50, "capture", 40),
        Post(wallet, service, 120, "capture", 40),
        Post(Account(1, "receivable", 30), service, 80, "capture", 40),
    )


def test_what_was_held_in_excess_goes_back() -> None:
    """The rest of the hold is released in the decision that settles."""
    bill = Bill(50, 2, (bill_line(Fee.SERVICE, 42),))
    step = decide(IN_STATE[OrderState.ENDED], Billed(NOW, bill, 0))
    release = Post(Account(1, "held", 30), Account(1, "wallet", 30), 458, "release", 40)
    assert step.decision.writes[-1] == release


@given(bills)
def test_what_features_hear_of_a_settled_order(bill: Bill) -> None:
    """The entry of the log has all that a feature needs to count it."""
    order = IN_STATE[OrderState.ENDED]
    (entry,) = decide(order, Billed(NOW, bill, 0)).decision.log
    assert entry.kind == "order.settled"
    assert entry.body == {
        "site_id": 10,
        "port": 3,
        "customer_id": 30,
        "time_zone": "Asia/Shanghai",
        "ended_ms": int(NOW.timestamp() * 1000),
        "charged_s": 60,
        "energy_mwh": 4000,
        "electricity_fen": bill.fee_fen(Fee.ELECTRICITY),
        "service_fen": bill.fee_fen(Fee.SERVICE),
        "amount_fen": bill.amount_fen,
    }
