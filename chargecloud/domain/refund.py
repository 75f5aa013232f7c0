"""The life of a refund, as a table, in step with that of its payment.

From the moment that it is asked, the money is neither in the wallet nor with the payer: it is
in the account C{refunding}, from which it goes to the channel or back into the wallet.
"""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import evolve, fields, frozen

from chargecloud.domain import payment as payments
from chargecloud.domain.decision import Change, Decision, Insert, LogEntry, Row
from chargecloud.domain.errors import Conflict
from chargecloud.domain.ledger import Account, Post
from chargecloud.domain.payment import Asked, CameBack, WentBack
from chargecloud.domain.payment_value import Payment, Refund, RefundState


@frozen
class Done:
    """The payer has the money.

    @ivar transaction: the channel's own number of the refund.
    """

    transaction: str
    at: datetime


@frozen
class NotDone:
    """The channel did not do it, and never will."""

    why: str
    at: datetime


@frozen
class Step:
    """A payment and its refund as they will be, and the decision that makes them so."""

    payment: Payment
    refund: Refund
    decision: Decision


def ask(payment: Payment, refund: Refund) -> Step:
    """
    Take the money of a new refund out of the wallet.

    The decision goes stale (C{accounts}) if the wallet holds less.

    @raise Conflict: for more than what was paid and has not gone back.
    """
    step = payments.decide(payment, Asked(refund.amount_fen))
    post = Post(payment.wallet, _on_its_way(refund), refund.amount_fen, "refund", refund.id)
    written = Decision((Insert("refunds", refund_row(refund)), post), (_entry(refund, "asked"),))
    return Step(step.payment, refund, step.decision + written)


def decide(payment: Payment, refund: Refund, occurrence: Done | NotDone) -> Step:
    """
    What follows for a refund from what has occurred.

    @raise Conflict: if it cannot occur in its state.
    """
    rule = TRANSITIONS.get((refund.state, type(occurrence)))
    if rule is None:
        raise Conflict(f"the refund is {refund.state.value}", state=refund.state.value)
    action, state = rule
    if action is None:
        return Step(payment, refund, Decision())
    after, of_payment, post = action(payment, refund, occurrence)
    after = evolve(after, state=state, version=refund.version + 1, due_s=None)
    step = payments.decide(payment, of_payment)
    before = refund_row(refund)
    changed = {name: value for name, value in refund_row(after).items() if value != before[name]}
    change = Change("refunds", {"id": refund.id}, changed, {"version": refund.version})
    written = Decision((change, post), (_entry(after, state.value),))
    return Step(step.payment, after, step.decision + written)


Outcome = tuple[Refund, WentBack | CameBack, Post]


def _done(payment: Payment, refund: Refund, occurrence: Done) -> Outcome:
    after = evolve(refund, transaction=occurrence.transaction, ended_at=occurrence.at)
    post = Post(_on_its_way(refund), payment.taken, refund.amount_fen, "refund", refund.id)
    return after, WentBack(refund.amount_fen), post


def _not_done(payment: Payment, refund: Refund, occurrence: NotDone) -> Outcome:
    after = evolve(refund, failure=occurrence.why, ended_at=occurrence.at)
    post = Post(_on_its_way(refund), payment.wallet, refund.amount_fen, "refund", refund.id)
    return after, CameBack(refund.amount_fen), post


Action = Callable[[Payment, Refund, Any], Outcome]

#: C{None}: it is known already.  What was told to have failed and is told to be done is for a
#: person: its money may have been spent since
TRANSITIONS: dict[tuple[RefundState, type[Any]], tuple[Action | None, RefundState]] = {
    (RefundState.ASKED, Done): (_done, RefundState.DONE),
    (RefundState.ASKED, NotDone): (_not_done, RefundState.FAILED),
    (RefundState.DONE, Done): (None, RefundState.DONE),
    (RefundState.FAILED, NotDone): (None, RefundState.FAILED),
}


def refund_row(refund: Refund) -> Row:
    """All columns of a refund."""
    values = {each.name: getattr(refund, each.name) for each in fields(Refund)}
    return {
        name: value.value if isinstance(value, Enum) else value for name, value in values.items()
    }


def _on_its_way(refund: Refund) -> Account:
    return Account(refund.tenant_id, "refunding")


def _entry(refund: Refund, kind: str) -> LogEntry:
    body = {
        "refund_id": str(refund.id),
        "payment_id": str(refund.payment_id),
        "amount_fen": refund.amount_fen,
        "why": refund.failure or refund.reason,
    }
    return LogEntry(f"refund.{kind}", refund.tenant_id, body)
