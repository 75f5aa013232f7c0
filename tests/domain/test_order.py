"""The life of an order: what is not in the table is refused, and money adds up."""

import json
from collections import Counter, deque
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.commands import StopCharge
from chargecloud.domain.decision import Change, Decision, Holds, Insert
from chargecloud.domain.errors import Conflict
from chargecloud.domain.events import StopReason
from chargecloud.domain.ledger import Account, Post
from chargecloud.domain.occurrences import (
    Billed,
    Corrected,
    Doubted,
    Ended,
    HoldReleased,
    Judged,
    Occurrence,
    Resumed,
    Sampled,
    StartDue,
    Started,
    StartRefused,
    Suspended,
    Unplugged,
    Waived,
)
from chargecloud.domain.order import TRANSITIONS, Step, decide, from_record, place
from chargecloud.domain.order_rows import order_row
from chargecloud.domain.order_value import HOLDING, RUNNING, UNDER_WAY, Order, OrderState
from chargecloud.domain.tariff import Bill, Fee, Mark
from tests.domain.order_samples import (
    KINDS,
    an_order,
    bill_line,
    bills,
    ends,
    instants,
    occurrences,
    placed_orders,
)
from tests.harness import NOW

MINUTE = timedelta(minutes=1)
#: nothing goes on by itself from these; from some of them a person may
ENDS = {OrderState.SETTLED, OrderState.FAILED, OrderState.CANCELLED, OrderState.HELD}
#: what only a person decides
BY_HAND = {Judged, Corrected}


class Purse:
    """Balances of accounts by their postings; those of customers never fall below zero."""

    def __init__(self, order: Order, wallet_fen: int) -> None:
        owner_id = order.customer_id or 0
        self.wallet = Account(order.tenant_id, "wallet", owner_id)
        self.held = Account(order.tenant_id, "held", owner_id)
        self.brought_fen = wallet_fen
        self.balances: Counter[Account] = Counter({self.wallet: wallet_fen})

    def post(self, decision: Decision) -> None:
        """Carry out the postings of a decision."""
        for write in decision.writes:
            if isinstance(write, Post):
                self.balances[write.debit] -= write.amount_fen
                self.balances[write.credit] += write.amount_fen
                for account in (write.debit, write.credit):
                    assert not account.guarded or account.sign * self.balances[account] >= 0

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
    for _ in range(data.draw(st.integers(0, 12))):
        kind = data.draw(st.sampled_from([*KINDS, *legal(order.state) * 6]))
        available_fen, owed_fen = purse.balances[purse.wallet], -purse.of("receivable")
        step = one_step(order, data.draw(occurrences(kind, available_fen, owed_fen)))
        if step is not None:
            purse.post(step.decision)
            decisions.append(step.decision)
            order = step.order
        check_money(order, purse)
    return order, decisions


def check_money(order: Order, purse: Purse) -> None:
    """The money of an order's customer is where the order's state says that it is, after
    every step of its life."""
    fees_fen = purse.of("electricity_fees") + purse.of("service_fees")
    assert purse.of("held") == order.held_fen
    assert order.held_fen == 0 or order.state in HOLDING
    billed_fen = order.bill.amount_fen if order.bill and order.state is OrderState.SETTLED else 0
    assert fees_fen == billed_fen
    assert 0 <= -purse.of("receivable") <= billed_fen
    assert purse.of("wallet") == purse.brought_fen - order.held_fen - billed_fen - purse.of(
        "receivable"
    )


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
    the port is taken once and freed once, the order is settled once at the most, and the
    money adds up after every step."""
    purse = Purse(order, wallet_fen + order.held_fen)
    after, decisions = walk(order, purse, data)
    port = [
        write.row["order_id"]
        for decision in decisions
        for write in decision.writes
        if isinstance(write, Change) and write.table == "ports"
    ]
    assert port == ([order.id] if after.state in RUNNING else [order.id, None])
    kinds = [entry.kind for decision in decisions for entry in decision.log]
    assert kinds.count("order.settled") == (after.state is OrderState.SETTLED)


@given(placed_orders(), ends(), st.integers(0, 2000), st.data())
def test_a_walk_from_a_record(
    order: Order, end: Ended, wallet_fen: int, data: st.DataObject
) -> None:
    """An order that is known by its end alone takes no port and holds no money, and its
    life goes on by the same table."""
    step = from_record(order, end)
    assert step.order.state is OrderState.ENDED
    assert step.order.held_fen == 0
    purse = Purse(order, wallet_fen)
    purse.post(step.decision)
    check_money(step.order, purse)
    kind = data.draw(st.sampled_from(legal(OrderState.ENDED)))
    after = decide(step.order, data.draw(occurrences(kind, wallet_fen)))
    purse.post(after.decision)
    check_money(after.order, purse)
    writes = step.decision.writes + after.decision.writes
    assert not [write for write in writes if isinstance(write, Change) and write.table == "ports"]


def orders_in_all_states() -> dict[OrderState, Order]:
    """An order in each state that the table leads to, by the shortest way."""
    bill = Bill(50, 2, (bill_line(Fee.ELECTRICITY, 30), bill_line(Fee.SERVICE, 12)))
    occur: list[Occurrence] = [
        StartDue(NOW),
        StartRefused(NOW, "busy"),
        Started(NOW, 1000),
        Suspended(NOW, "link-lost"),
        an_end(),
        Billed(NOW, bill, 0),
        Doubted(NOW, "meter-went-back"),
        Waived(NOW, "nothing-drawn"),
    ]
    first = an_order(state=OrderState.WAITING)
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


def an_end(**about: Any) -> Ended:
    """The end of a charge that has used 4 Wh in a minute."""
    values: dict[str, Any] = {
        "at": NOW,
        "start_meter_mwh": 1000,
        "end_meter_mwh": 5000,
        "charged_s": 60,
        "reason": StopReason.FULL,
        "marks": (Mark(NOW, 1000), Mark(NOW, 5000)),
    }
    return Ended(**values | about)


IN_STATE = orders_in_all_states()


def test_every_state_is_reached() -> None:
    """No state is there for nothing."""
    assert set(IN_STATE) == set(OrderState)


@given(st.sampled_from(OrderState), st.sampled_from(KINDS), st.data())
def test_the_whole_product(state: OrderState, kind: type[Occurrence], data: st.DataObject) -> None:
    """Every occurrence in every state is a legal step or a refusal."""
    one_step(IN_STATE[state], data.draw(occurrences(kind)))


def test_every_kind_may_occur() -> None:
    """No occurrence is there for nothing."""
    assert {kind for _state, kind in TRANSITIONS} == set(KINDS)


@pytest.mark.parametrize("state", OrderState)
def test_every_order_can_come_to_an_end(state: OrderState) -> None:
    """From each state the table leads to an end, or the state is one: from there only a
    person leads on."""
    seen, waiting = {state}, [state]
    while waiting:
        here = waiting.pop()
        for (before, _), (_, after) in TRANSITIONS.items():
            if before is here and after not in seen:
                seen.add(after)
                waiting.append(after)
    assert seen & ENDS
    if state in ENDS:
        by_itself = {
            after
            for (before, kind), (_, after) in TRANSITIONS.items()
            if before is state and kind not in BY_HAND | {Waived}
        }
        assert by_itself <= {state}


def test_what_is_settled_is_settled_for_good() -> None:
    """Its bill can be corrected, and it stays settled."""
    after = {to for (state, _), (_, to) in TRANSITIONS.items() if state is OrderState.SETTLED}
    assert after == {OrderState.SETTLED}


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
        "basis": None,
        "float_dw": None,
    }


def test_what_was_suspended_is_not_charged_time() -> None:
    """A power cut of 20 minutes in a charge of 50: 30 are charged."""
    order = IN_STATE[OrderState.CHARGING]
    order = decide(order, Suspended(NOW + 10 * MINUTE, "link-lost")).order
    assert order.charged_until(NOW + 25 * MINUTE) == 600
    order = decide(order, Resumed(NOW + 30 * MINUTE, "power-back")).order
    assert order.charged_until(NOW + 50 * MINUTE) == 1800


@given(st.lists(st.tuples(st.booleans(), st.integers(-600, 3600)), max_size=12))
def test_charged_time_never_exceeds_the_clock(told: list[tuple[bool, int]]) -> None:
    """However suspensions come, even with times out of order: charged time is neither
    negative nor longer than the time that passed."""
    order, at = IN_STATE[OrderState.CHARGING], NOW
    for cut, gap_s in told:
        at = at + timedelta(seconds=gap_s)
        occurrence = Suspended(at, "link-lost") if cut else Resumed(at, "link-back")
        if (order.state, type(occurrence)) in TRANSITIONS:
            order = decide(order, occurrence).order
        assert 0 <= order.charged_until(at) <= max(0, (at - NOW).total_seconds())


@pytest.mark.parametrize("told_mwh", [None, 0])
def test_a_register_that_was_not_told_waits_for_a_reading(told_mwh: int | None) -> None:
    """Missing is not zero: no mark is made of it, and the first reading makes one."""
    order = decide(IN_STATE[OrderState.STARTING], Started(NOW, told_mwh)).order
    assert order.marks == ()
    step = decide(order, Sampled((Mark(NOW, 909_917_000),), "first-reading"))
    assert (step.order.start_meter_mwh, step.order.basis) == (909_917_000, "first-reading")
    (entry,) = step.decision.log
    assert entry.kind == "order.baseline"


@pytest.mark.parametrize("state", [state for state in OrderState if state in RUNNING])
def test_money_is_not_held_for_ever(state: OrderState) -> None:
    """At the deadline all of it goes back, once, and the order goes on without."""
    order = IN_STATE[state]
    step = decide(order, HoldReleased(NOW))
    release = Post(Account(1, "held", 30), Account(1, "wallet", 30), 500, "release", 40)
    assert (step.order.state, step.order.held_fen) == (state, 0)
    assert step.decision.writes[-1] == release
    assert decide(step.order, HoldReleased(NOW)) == Step(step.order, Decision())


def test_a_correction_credits_the_first_bill_and_pays_another() -> None:
    """Of 700 fen 80 were owed; 300 would have been right: the debt goes first, the rest
    goes back to the wallet, and the second bill is paid from there."""
    bill = Bill(50, 2, (bill_line(Fee.ELECTRICITY, 450), bill_line(Fee.SERVICE, 250)))
    right = Bill(50, 2, (bill_line(Fee.ELECTRICITY, 200), bill_line(Fee.SERVICE, 100)))
    order = decide(IN_STATE[OrderState.ENDED], Billed(NOW, bill, 120)).order
    step = decide(order, Corrected(NOW, 7, "read on site", an_end(), right, 0, 80))
    wallet, owed = Account(1, "wallet", 30), Account(1, "receivable", 30)
    electricity, service = Account(1, "electricity_fees"), Account(1, "service_fees")
    assert step.decision.writes[1:] == (
        Post(electricity, owed, 80, "credit", 40),
        Post(electricity, wallet, 370, "credit", 40),
        Post(service, wallet, 250, "credit", 40),
        Post(wallet, electricity, 200, "capture", 40),
        Post(wallet, service, 100, "capture", 40),
    )
    (entry,) = step.decision.log
    assert entry.kind == "order.corrected"
    assert (entry.body["by"], entry.body["why"]) == (7, "read on site")
    assert entry.body["before"]["amount_fen"] == 700
    assert entry.body["amount_fen"] == 300


def test_what_was_drawn_for_nothing_is_told_once() -> None:
    """When the plug is pulled after a cut-off, the log says what stayed cut off for how
    long; a second time it says nothing."""
    order = evolve(IN_STATE[OrderState.SETTLED], float_dw=150)
    step = decide(order, Unplugged(NOW + 90 * MINUTE))
    (entry,) = step.decision.log
    assert (entry.body["float_dw"], entry.body["stayed_s"]) == (150, 5400)
    assert decide(step.order, Unplugged(NOW + 99 * MINUTE)) == Step(step.order, Decision())


@given(st.sampled_from([state for state in OrderState if state in UNDER_WAY]), ends(), instants)
def test_both_times_of_an_end_are_kept(state: OrderState, end: Ended, told_at: datetime) -> None:
    """What the charger told stands in the log beside what we make of it."""
    end = evolve(end, told_at=told_at)
    (entry,) = decide(IN_STATE[state], end).decision.log
    assert entry.body["at_ms"] == int(end.at.timestamp() * 1000)
    assert entry.body["told_ms"] == int(told_at.timestamp() * 1000)
