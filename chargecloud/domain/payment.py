"""The life of a payment, as a table.

What is not in L{TRANSITIONS} is refused, and nothing has happened.  What a channel tells may
come late, twice, and in any order: whatever comes again changes nothing.
"""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import evolve, fields, frozen

from chargecloud.domain.decision import Change, Decision, Insert, LogEntry, Row
from chargecloud.domain.errors import Conflict
from chargecloud.domain.ledger import Post
from chargecloud.domain.payment_value import OrderPart, Payment, PaymentState


@frozen
class Offered:
    """The channel has taken it, and told what the payer's phone needs."""

    to_pay: Row


@frozen
class NotTaken:
    """The channel did not take it, and says why."""

    why: str


@frozen
class PaidIn:
    """The channel has the money.

    @ivar transaction: the channel's own number of it.
    @ivar at: when it was paid.
    @ivar now_s: Unix time.
    """

    transaction: str
    at: datetime
    now_s: int


@frozen
class NotPaid:
    """Nobody paid it, and nobody can any more."""


@frozen
class OrderPlaced:
    """The order that it is for was placed."""

    order_id: int


@frozen
class OrderRefused:
    """The order that it is for cannot be placed.

    @ivar code: of the refusal.
    """

    code: str


@frozen
class OrderOver:
    """The order that it is for has come to its end."""


@frozen
class Asked:
    """So much is to go back."""

    amount_fen: int


@frozen
class WentBack:
    """So much of what was to go back has."""

    amount_fen: int


@frozen
class CameBack:
    """So much of what was to go back has not: the channel did not do it."""

    amount_fen: int


Occurrence = (
    Offered
    | NotTaken
    | PaidIn
    | NotPaid
    | OrderPlaced
    | OrderRefused
    | OrderOver
    | Asked
    | WentBack
    | CameBack
)


@frozen
class Step:
    """A payment as it will be, and the decision that makes it so."""

    payment: Payment
    decision: Decision


def open_payment(payment: Payment) -> Decision:
    """Write a new payment down, before the channel is told."""
    body = {"amount_fen": payment.amount_fen, "channel": payment.channel}
    return Decision((Insert("payments", payment_row(payment)),), (_entry(payment, "opened", body),))


def decide(payment: Payment, occurrence: Occurrence) -> Step:
    """
    What follows for a payment from what has occurred.

    @raise Conflict: if it cannot occur in its state.
    """
    rule = TRANSITIONS.get((payment.state, type(occurrence)))
    if rule is None:
        raise Conflict(f"the payment is {payment.state.value}", state=payment.state.value)
    action, state = rule
    after, also = action(payment, occurrence)
    if after is payment:
        return Step(payment, also)
    after = evolve(after, state=state or _by_refunds(after), version=payment.version + 1)
    before = payment_row(payment)
    changed = {name: value for name, value in payment_row(after).items() if value != before[name]}
    change = Change("payments", {"id": payment.id}, changed, {"version": payment.version})
    return Step(after, Decision((change,)) + also)


Outcome = tuple[Payment, Decision]


def _offer(payment: Payment, occurrence: Offered) -> Outcome:
    return evolve(payment, to_pay=occurrence.to_pay), Decision()


def _fail(payment: Payment, occurrence: NotTaken) -> Outcome:
    after = evolve(payment, failure=occurrence.why, due_s=None)
    return after, Decision(log=(_entry(after, "failed", {"why": occurrence.why}),))


def _take(payment: Payment, occurrence: PaidIn) -> Outcome:
    is_wanted = payment.order_part is OrderPart.WANTED
    after = evolve(
        payment,
        transaction=occurrence.transaction,
        paid_at=occurrence.at,
        due_s=occurrence.now_s if is_wanted else None,
        tries=0,
    )
    body = {"amount_fen": payment.amount_fen, "customer_id": payment.customer_id}
    post = Post(payment.taken, payment.wallet, payment.amount_fen, "payment", payment.id)
    return after, Decision((post,), (_entry(after, "paid", body),))


def _close(payment: Payment, _occurrence: NotPaid) -> Outcome:
    after = evolve(payment, due_s=None, tries=0)
    return after, Decision(log=(_entry(after, "closed", {}),))


def _known(payment: Payment, _occurrence: object) -> Outcome:
    return payment, Decision()


def _place(payment: Payment, occurrence: OrderPlaced) -> Outcome:
    if payment.order_part is not OrderPart.WANTED:
        return payment, Decision()
    order_id = occurrence.order_id
    # looked at once more: the order may have ended before this was written down
    after = evolve(payment, order_part=OrderPart.PLACED, order_id=order_id)
    return after, Decision(log=(_entry(after, "order_placed", {}, order_id),))


def _refuse(payment: Payment, occurrence: OrderRefused) -> Outcome:
    if payment.order_part is not OrderPart.WANTED:
        return payment, Decision()
    code = occurrence.code
    after = evolve(payment, order_part=OrderPart.REFUSED, order_failure=code, due_s=None, tries=0)
    return after, Decision(log=(_entry(after, "order_refused", {"why": code}),))


def _end(payment: Payment, _occurrence: OrderOver) -> Outcome:
    after = evolve(payment, order_part=OrderPart.OVER, due_s=None, tries=0)
    return after, Decision()


def _ask(payment: Payment, occurrence: Asked) -> Outcome:
    if not 0 < occurrence.amount_fen <= payment.refundable_fen:
        raise Conflict(
            f"of this payment {payment.refundable_fen} fen can go back",
            refundable_fen=payment.refundable_fen,
        )
    return evolve(payment, refunding_fen=payment.refunding_fen + occurrence.amount_fen), Decision()


def _went_back(payment: Payment, occurrence: WentBack) -> Outcome:
    amount_fen = occurrence.amount_fen
    after = evolve(
        payment,
        refunding_fen=payment.refunding_fen - amount_fen,
        refunded_fen=payment.refunded_fen + amount_fen,
    )
    return after, Decision()


def _came_back(payment: Payment, occurrence: CameBack) -> Outcome:
    after = evolve(payment, refunding_fen=payment.refunding_fen - occurrence.amount_fen)
    return after, Decision()


def _by_refunds(payment: Payment) -> PaymentState:
    """The state of what was paid, by what has gone back of it."""
    if payment.refunding_fen:
        return PaymentState.REFUNDING
    if payment.refunded_fen == payment.amount_fen:
        return PaymentState.REFUNDED
    return PaymentState.PART_REFUNDED if payment.refunded_fen else PaymentState.PAID


Action = Callable[[Payment, Any], Outcome]

_PAID: dict[type[Any], tuple[Action, PaymentState | None]] = {
    PaidIn: (_known, None),
    Offered: (_known, None),
    OrderPlaced: (_place, None),
    OrderRefused: (_refuse, None),
    OrderOver: (_end, None),
    Asked: (_ask, None),
    WentBack: (_went_back, None),
    CameBack: (_came_back, None),
}

#: the state that follows; C{None}: by what has gone back
TRANSITIONS: dict[tuple[PaymentState, type[Any]], tuple[Action, PaymentState | None]] = {
    # State: opened
    (PaymentState.OPENED, Offered): (_offer, PaymentState.OPENED),
    (PaymentState.OPENED, NotTaken): (_fail, PaymentState.FAILED),
    (PaymentState.OPENED, PaidIn): (_take, PaymentState.PAID),
    (PaymentState.OPENED, NotPaid): (_close, PaymentState.CLOSED),
    # State: closed.  It was paid all the same, in the moment in which it was closed.
    (PaymentState.CLOSED, PaidIn): (_take, PaymentState.PAID),
    (PaymentState.CLOSED, NotPaid): (_known, PaymentState.CLOSED),
    (PaymentState.CLOSED, Offered): (_known, PaymentState.CLOSED),
    # State: failed.  Money that came is money, whatever was said before.
    (PaymentState.FAILED, PaidIn): (_take, PaymentState.PAID),
    (PaymentState.FAILED, NotTaken): (_known, PaymentState.FAILED),
    (PaymentState.FAILED, NotPaid): (_known, PaymentState.FAILED),
    # States: paid, and what goes back of it
    **{
        (state, occurrence): rule
        for state in (PaymentState.PAID, PaymentState.REFUNDING, PaymentState.PART_REFUNDED)
        for occurrence, rule in _PAID.items()
    },
    # State: refunded
    (PaymentState.REFUNDED, PaidIn): (_known, PaymentState.REFUNDED),
    (PaymentState.REFUNDED, OrderOver): (_end, PaymentState.REFUNDED),
    (PaymentState.REFUNDED, OrderPlaced): (_place, PaymentState.REFUNDED),
    (PaymentState.REFUNDED, OrderRefused): (_refuse, PaymentState.REFUNDED),
}


def payment_row(payment: Payment) -> Row:
    """All columns of a payment."""
    return {name: _plain(getattr(payment, name)) for name in _COLUMNS}


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


_COLUMNS = [each.name for each in fields(Payment)]


def _entry(payment: Payment, kind: str, body: Row, order_id: int | None = None) -> LogEntry:
    told = {"payment_id": str(payment.id), **body}
    return LogEntry(f"payment.{kind}", payment.tenant_id, told, order_id=order_id)
