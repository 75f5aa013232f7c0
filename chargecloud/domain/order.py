"""The life of an order, as a table.

Rule 1: everything that changes an order's state is in this file.
Rule 2: what is not in L{TRANSITIONS} is refused, and nothing has happened.
Rule 3: nothing here asks a clock, a database or a charger.

L{decide} takes an order and what has occurred, and gives the order as it will be and the
L{Decision} that makes it so.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from attrs import evolve, frozen

from chargecloud.domain import order_log as log
from chargecloud.domain import order_money as money
from chargecloud.domain import order_offers as offers
from chargecloud.domain.commands import Query, Question, StopCharge
from chargecloud.domain.decision import Change, Decision, Holds, Insert
from chargecloud.domain.errors import Conflict
from chargecloud.domain.occurrences import (
    Billed,
    Changed,
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
    Suspected,
    Suspended,
    Unplugged,
    Waived,
    Withdrawn,
)
from chargecloud.domain.order_rows import bill_columns, changed_columns, instant_ms, order_row
from chargecloud.domain.order_value import Order, OrderState
from chargecloud.domain.plausible import is_told
from chargecloud.domain.tariff import Mark

_SECOND = timedelta(seconds=1)
_LIMITS = ("limit_energy_mwh", "limit_duration_s", "limit_amount_fen", "until_full")


@frozen
class Step:
    """An order as it will be, and the decision that makes it so."""

    order: Order
    decision: Decision


# ----------------------------------------------------------------------------- the rules


def place(order: Order, epoch: int | None = None) -> Decision:
    """Take a port for a new order and hold the customer's money.

    It goes stale if the port has an order already, or the charger's epoch is another
    (C{ports}), if its start is known (C{orders}), or if the wallet holds less (C{accounts}).
    """
    holds = None if epoch is None else Holds("chargers", {"id": order.charger_id, "epoch": epoch})
    taken = Change("ports", _port_key(order), {"order_id": order.id}, {"order_id": None}, holds)
    return Decision((taken,)) + write_down(order)


def write_down(order: Order) -> Decision:
    """A new order that takes no port: what it is of has ended already."""
    body = {
        "origin": order.origin.value,
        "customer_id": order.customer_id,
        "card_uid": order.card_uid,
        "held_fen": order.held_fen,
    }
    if order.start_at is not None:
        body["start_ms"] = instant_ms(order.start_at)
    return Decision(
        (Insert("orders", order_row(order)), *money.hold(order)),
        (log.entry(order, "order.placed", **body),),
    )


def from_record(order: Order, end: Ended) -> Step:
    """An order that is known by the record of its end alone: it takes no port, and holds no
    money.

    @param order: as it would have been placed.
    """
    after = evolve(_nothing_held(_with_figures(order, end)), state=OrderState.ENDED)
    return Step(after, write_down(after) + Decision(log=(log.ended(after, end),)))


def decide(order: Order, occurrence: Occurrence, epoch: int | None = None) -> Step:
    """
    What follows for an order from what has occurred.

    @param epoch: the epoch of the charger's session that told it, which must hold still
        when it is written; C{None} if no session told it.
    @raise Conflict: if it cannot occur in the order's state.
    """
    rule = TRANSITIONS.get((order.state, type(occurrence)))
    if rule is None:
        raise Conflict(
            f"an order that is {order.state.value} cannot be {type(occurrence).__name__.lower()}",
            state=order.state.value,
        )
    action, state = rule
    after, also = action(order, occurrence)
    if after is order and state is order.state:
        return Step(order, also)
    after = evolve(after, state=state, version=order.version + 1)
    holds = None
    if epoch is not None:
        holds = Holds("chargers", {"id": order.charger_id, "epoch": epoch})
    change = Change(
        "orders", {"id": order.id}, changed_columns(order, after), {"version": order.version}, holds
    )
    return Step(after, Decision((change,)) + also)


Outcome = tuple[Order, Decision]


def _due(order: Order, occurrence: StartDue) -> Outcome:
    return order, Decision(log=(log.entry(order, "order.due", **log.instants(occurrence.at)),))


def _withdraw(order: Order, occurrence: Withdrawn) -> Outcome:
    return _not_begun(order, "order.cancelled", occurrence.why, occurrence.at)


def _fail(order: Order, occurrence: StartRefused) -> Outcome:
    return _not_begun(order, "order.failed", occurrence.code, occurrence.at)


def _not_begun(order: Order, kind: str, why: str, at: datetime) -> Outcome:
    """It comes to nothing: the port is free, and the money goes back."""
    after = evolve(_nothing_held(order), failure=why, ended_at=at, coupon=None, month_card=None)
    entry = log.entry(after, kind, why=why, released_fen=order.held_fen)
    free = (_free_port(order), *offers.given_back(order))
    return after, Decision((*free, *money.release(order)), (entry,))


def _begin(order: Order, occurrence: Started) -> Outcome:
    meter_mwh = occurrence.start_meter_mwh
    after = evolve(
        order,
        started_at=occurrence.at,
        start_meter_mwh=meter_mwh,
        # a zero, or nothing, is no register to bill from: the first reading tells what it was
        marks=(Mark(occurrence.at, meter_mwh or 0),) if is_told(meter_mwh) else (),
    )
    entry = log.entry(
        after,
        "order.started",
        start_meter_mwh=meter_mwh,
        **log.instants(occurrence.at, occurrence.told_at),
    )
    return after, Decision(log=(entry,))


def _known(order: Order, _occurrence: Started) -> Outcome:
    return order, Decision()


def _stop_at_once(order: Order, _occurrence: Started) -> Outcome:
    return order, Decision(commands=(StopCharge(order.id, order.port),))


def _sample(order: Order, occurrence: Sampled) -> Outcome:
    after = evolve(order, marks=occurrence.marks, basis=occurrence.basis)
    if order.marks or not after.marks:
        return after, Decision()
    first = after.marks[0].meter_mwh
    entry = log.entry(order, "order.baseline", why=occurrence.basis, start_meter_mwh=first)
    return evolve(after, start_meter_mwh=first), Decision(log=(entry,))


def _change(order: Order, occurrence: Changed) -> Outcome:
    limits = {name: getattr(occurrence, name) for name in _LIMITS}
    after = evolve(order, **limits)
    entry = log.entry(
        after, "order.changed", by=occurrence.by, **limits, **log.instants(occurrence.at)
    )
    return after, Decision(log=(entry,))


def _suspend(order: Order, occurrence: Suspended) -> Outcome:
    after = evolve(order, suspended_at=occurrence.at)
    told = log.instants(occurrence.at, occurrence.told_at)
    entry = log.entry(after, "order.suspended", why=occurrence.why, **told)
    return after, Decision(log=(entry,))


def _resume(order: Order, occurrence: Resumed) -> Outcome:
    away_s = 0
    if order.suspended_at is not None:
        away_s = max(0, (occurrence.at - order.suspended_at) // _SECOND)
    after = evolve(order, suspended_at=None, suspended_s=order.suspended_s + away_s)
    entry = log.entry(
        after,
        "order.resumed",
        why=occurrence.why,
        suspended_s=away_s,
        **log.instants(occurrence.at),
    )
    return after, Decision(log=(entry,))


def _suspect(order: Order, occurrence: Suspected) -> Outcome:
    entry = log.entry(
        order,
        "order.suspected",
        why=occurrence.why.value,
        evidence=dict(occurrence.evidence),
        **log.instants(occurrence.at),
    )
    # what it says now may be better than what it said
    ask = Query(Question.PORTS)
    return evolve(order, abnormal=occurrence.why), Decision(log=(entry,), commands=(ask,))


def _end(order: Order, occurrence: Ended) -> Outcome:
    after = _with_figures(order, occurrence)
    free = _free_port(order, occurrence.end_meter_mwh)
    return after, Decision((free,), (log.ended(after, occurrence),))


def _settle(order: Order, occurrence: Billed) -> Outcome:
    bill = occurrence.bill
    posts = money.capture(order, bill, occurrence.available_fen, occurrence.gift_fen)
    after = evolve(
        _nothing_held(order),
        bill=bill,
        settled_at=occurrence.at,
        paid_gift_fen=order.held_gift_fen + money.gift_paid_fen(order, posts),
    )
    after, back = offers.kept(after, bill)
    entry = log.entry(after, "order.settled", **log.counted(after))
    decision = Decision((*posts, *back), (entry,))
    if occurrence.card_id is not None and money.owes(posts):
        decision += _block(after, occurrence.card_id)
    return after, decision


def _block(order: Order, card_id: int) -> Decision:
    """Nobody charges with a card on which more was spent than there was, until that is paid."""
    row = {"status": "blocked", "blocked_for": "debt"}
    body = {"card_id": card_id, "customer_id": order.customer_id, **row}
    blocked = Change("cards", {"id": card_id}, row, {"status": "active"})
    return Decision((blocked,), (log.entry(order, "card.changed", **body),))


def _waive(order: Order, occurrence: Waived) -> Outcome:
    after = evolve(
        _nothing_held(order),
        settled_at=occurrence.at,
        failure=occurrence.code,
        coupon=None,
        month_card=None,
    )
    entry = log.entry(
        after,
        "order.cancelled",
        why=occurrence.why or occurrence.code,
        by=occurrence.by,
        released_fen=order.held_fen,
        energy_mwh=order.energy_mwh,
    )
    return after, Decision((*offers.given_back(order), *money.release(order)), (entry,))


def _hold(order: Order, occurrence: Doubted) -> Outcome:
    after = evolve(order, failure=occurrence.why, evidence=occurrence.evidence)
    entry = log.entry(after, "order.held", why=occurrence.why, evidence=dict(occurrence.evidence))
    return after, Decision(log=(entry,))


def _judge(order: Order, occurrence: Judged) -> Outcome:
    after = evolve(order, failure=None)
    if occurrence.figures is not None:
        after = _with_figures(after, occurrence.figures)
    entry = log.entry(
        after,
        "order.judged",
        by=occurrence.by,
        why=occurrence.why,
        energy_before_mwh=order.energy_mwh,
        energy_mwh=after.energy_mwh,
    )
    return after, Decision(log=(entry,))


def _correct(order: Order, occurrence: Corrected) -> Outcome:
    before = order.bill
    assert before is not None, "what is settled has a bill"
    after = evolve(_with_figures(order, occurrence.figures), bill=occurrence.bill)
    entry = log.entry(
        after,
        "order.corrected",
        by=occurrence.by,
        why=occurrence.why,
        before=log.counted(order) | {"bill": bill_columns(before)["bill"]},
        **log.counted(after),
    )
    posts = money.pay_again(
        order,
        before,
        occurrence.bill,
        occurrence.available_fen,
        occurrence.owed_fen,
        occurrence.gift_fen,
    )
    paid_gift_fen = order.paid_gift_fen + money.gift_paid_fen(order, posts)
    after, back = offers.kept(evolve(after, paid_gift_fen=paid_gift_fen), occurrence.bill)
    return after, Decision((*posts, *back), (entry,))


def _release(order: Order, _occurrence: HoldReleased) -> Outcome:
    if not order.held_fen:
        return order, Decision()
    entry = log.entry(order, "order.hold_released", released_fen=order.held_fen)
    return _nothing_held(order), Decision(money.release(order), (entry,))


def _unplug(order: Order, occurrence: Unplugged) -> Outcome:
    if order.unplugged_at is not None or order.float_dw is None or order.ended_at is None:
        return order, Decision()
    stayed_s = order.would_have_floated_s(occurrence.at)
    entry = log.entry(
        order,
        "order.unplugged",
        float_dw=order.float_dw,
        stayed_s=stayed_s,
        **log.place_and_day(order),
        **log.instants(occurrence.at),
    )
    return evolve(order, unplugged_at=max(occurrence.at, order.ended_at)), Decision(log=(entry,))


Action = Callable[[Order, Any], Outcome]

TRANSITIONS: dict[tuple[OrderState, type[Occurrence]], tuple[Action, OrderState]] = {
    # State: waiting
    (OrderState.WAITING, StartDue): (_due, OrderState.STARTING),
    (OrderState.WAITING, StartRefused): (_fail, OrderState.FAILED),
    (OrderState.WAITING, Withdrawn): (_withdraw, OrderState.CANCELLED),
    # its start was sent and is not remembered: the database is an older copy of itself
    (OrderState.WAITING, Started): (_begin, OrderState.CHARGING),
    (OrderState.WAITING, Ended): (_end, OrderState.ENDED),
    (OrderState.WAITING, HoldReleased): (_release, OrderState.WAITING),
    # State: starting
    (OrderState.STARTING, StartRefused): (_fail, OrderState.FAILED),
    (OrderState.STARTING, Started): (_begin, OrderState.CHARGING),
    # the end record overtook the start: a connection was lost in between
    (OrderState.STARTING, Ended): (_end, OrderState.ENDED),
    (OrderState.STARTING, HoldReleased): (_release, OrderState.STARTING),
    # State: charging
    (OrderState.CHARGING, Started): (_known, OrderState.CHARGING),
    (OrderState.CHARGING, Changed): (_change, OrderState.CHARGING),
    (OrderState.CHARGING, Sampled): (_sample, OrderState.CHARGING),
    (OrderState.CHARGING, Suspended): (_suspend, OrderState.SUSPENDED),
    (OrderState.CHARGING, Suspected): (_suspect, OrderState.CHARGING),
    (OrderState.CHARGING, Ended): (_end, OrderState.ENDED),
    (OrderState.CHARGING, HoldReleased): (_release, OrderState.CHARGING),
    # State: suspended
    (OrderState.SUSPENDED, Started): (_known, OrderState.SUSPENDED),
    (OrderState.SUSPENDED, Changed): (_change, OrderState.SUSPENDED),
    (OrderState.SUSPENDED, Sampled): (_sample, OrderState.SUSPENDED),
    (OrderState.SUSPENDED, Resumed): (_resume, OrderState.CHARGING),
    (OrderState.SUSPENDED, Suspected): (_suspect, OrderState.SUSPENDED),
    (OrderState.SUSPENDED, Ended): (_end, OrderState.ENDED),
    (OrderState.SUSPENDED, HoldReleased): (_release, OrderState.SUSPENDED),
    # State: ended
    (OrderState.ENDED, Billed): (_settle, OrderState.SETTLED),
    (OrderState.ENDED, Waived): (_waive, OrderState.CANCELLED),
    (OrderState.ENDED, Doubted): (_hold, OrderState.HELD),
    (OrderState.ENDED, Started): (_known, OrderState.ENDED),
    (OrderState.ENDED, HoldReleased): (_release, OrderState.ENDED),
    # State: held.  A person decides: by which figures it is billed, or that it is not.
    (OrderState.HELD, Judged): (_judge, OrderState.ENDED),
    (OrderState.HELD, Waived): (_waive, OrderState.CANCELLED),
    (OrderState.HELD, Started): (_stop_at_once, OrderState.HELD),
    (OrderState.HELD, HoldReleased): (_release, OrderState.HELD),
    # State: settled.  A start that is confirmed for what is closed is stopped at once.
    (OrderState.SETTLED, Started): (_stop_at_once, OrderState.SETTLED),
    (OrderState.SETTLED, Corrected): (_correct, OrderState.SETTLED),
    (OrderState.SETTLED, Unplugged): (_unplug, OrderState.SETTLED),
    # State: failed.  Its start was given up and reached the charger after all.
    (OrderState.FAILED, Started): (_stop_at_once, OrderState.FAILED),
    (OrderState.FAILED, Judged): (_judge, OrderState.ENDED),
    # State: cancelled
    (OrderState.CANCELLED, Started): (_stop_at_once, OrderState.CANCELLED),
    (OrderState.CANCELLED, Judged): (_judge, OrderState.ENDED),
}


# ------------------------------------------------------------------------- what they share


def _with_figures(order: Order, figures: Ended) -> Order:
    return evolve(
        order,
        started_at=order.started_at or (figures.marks[0].at if figures.marks else figures.at),
        start_meter_mwh=figures.start_meter_mwh,
        ended_at=figures.at,
        suspended_at=None,
        abnormal=None,
        end_meter_mwh=figures.end_meter_mwh,
        charged_s=figures.charged_s,
        stop_reason=figures.reason,
        basis=figures.basis,
        record=figures.record,
        float_dw=figures.float_dw,
        clock_ahead_s=figures.clock_ahead_s,
        marks=figures.marks,
    )


def _nothing_held(order: Order) -> Order:
    return evolve(order, held_fen=0, held_gift_fen=0)


def _port_key(order: Order) -> dict[str, int]:
    return {"charger_id": order.charger_id, "port": order.port}


def _free_port(order: Order, meter_mwh: int | None = None) -> Change:
    """The port is free again; its register is known as it stands now."""
    row: dict[str, int | None] = {"order_id": None}
    if meter_mwh is not None:
        row["meter_mwh"] = meter_mwh
    return Change("ports", _port_key(order), row, {"order_id": order.id})
