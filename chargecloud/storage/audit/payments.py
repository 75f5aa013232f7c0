"""Payments, refunds and withdrawals against the postings of them."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, and_, case, func, select

from chargecloud.domain.payment_value import TAKEN, RefundState, channel_account
from chargecloud.storage.audit.reading import each, moved, whole
from chargecloud.storage.schema import payments, postings, refunds, withdrawals

_TAKEN = {state.value for state in TAKEN}


def payment_faults(connection: Connection) -> Iterator[str]:
    """Those whose money did not go the way that they say."""
    yield from _payments(connection)
    yield from _refunds(connection)
    yield from _refunded(connection)
    yield from _withdrawals(connection)


def _posted(cause: str, *sums: Any) -> Any:
    """What the postings of a cause come to, by what they refer to."""
    of = postings.c.reference_id
    found = select(of.label("of_id"), func.sum(postings.c.amount_fen).label("all_fen"), *sums)
    return found.where(postings.c.cause == cause).group_by(of).subquery("posted")


def _strays(connection: Connection, posted: Any, table: Any, what: str) -> Iterator[str]:
    found = select(posted.c.of_id).outerjoin_from(posted, table, table.c.id == posted.c.of_id)
    for row in each(connection, found.where(table.c.id.is_(None))):
        yield f"{what} {row.of_id} has postings, and is not there"


def _payments(connection: Connection) -> Iterator[str]:
    """What a channel has taken went to the wallet that it is for, once, and nothing else did."""
    yield from _strays(connection, _posted("payment"), payments, "payment")
    of = (postings.c.cause == "payment") & (postings.c.reference_id == payments.c.id)
    found = (
        select(
            payments.c.id,
            payments.c.tenant_id,
            payments.c.customer_id,
            payments.c.channel,
            payments.c.state,
            payments.c.amount_fen,
            postings.c.id.label("posting_id"),
            postings.c.tenant_id.label("posted_tenant_id"),
            postings.c.debit_kind,
            postings.c.credit_kind,
            postings.c.credit_owner_id,
            postings.c.amount_fen.label("posted_fen"),
        )
        .outerjoin_from(payments, postings, of)
        .order_by(payments.c.id)
    )
    last = None
    for row in each(connection, found):
        if row.posting_id is None:
            if row.state in _TAKEN:
                yield f"payment {row.id} is {row.state}, and has no posting of {row.amount_fen} fen"
            continue
        if row.id == last:
            yield f"payment {row.id} has one more posting, {row.posting_id}"
        last = row.id
        channel = channel_account(row.tenant_id, row.channel).kind
        wanted = (row.tenant_id, channel, "wallet", row.customer_id, row.amount_fen)
        went = (
            row.posted_tenant_id,
            row.debit_kind,
            row.credit_kind,
            row.credit_owner_id,
            row.posted_fen,
        )
        if row.state not in _TAKEN:
            yield f"payment {row.id} is {row.state}, and has the posting {row.posting_id}"
        elif went != wanted:
            yield f"payment {row.id}: posting {row.posting_id} is {went}, and was to be {wanted}"


def _refunds(connection: Connection) -> Iterator[str]:
    """What goes back has left the wallet, and is on its way, has arrived or came back."""
    posted = _posted(
        "refund",
        moved("wallet", "refunding").label("left_fen"),
        moved("refunding", "wallet").label("came_back_fen"),
    )
    yield from _strays(connection, posted, refunds, "refund")
    joined = select(refunds, posted).outerjoin_from(refunds, posted, posted.c.of_id == refunds.c.id)
    for row in each(connection, joined.order_by(refunds.c.id)):
        left, back = whole(row.left_fen), whole(row.came_back_fen)
        arrived = whole(row.all_fen) - left - back
        amount = row.amount_fen
        wanted = {
            RefundState.ASKED.value: (amount, 0, 0),
            RefundState.DONE.value: (amount, amount, 0),
            RefundState.FAILED.value: (amount, 0, amount),
        }.get(row.state)
        if (left, arrived, back) != wanted:
            yield (
                f"refund {row.id} is {row.state}: of {amount} fen {left} have left the wallet, "
                f"{arrived} have arrived, {back} came back"
            )


def _refunded(connection: Connection) -> Iterator[str]:
    """What a payment says of its refunds is what they come to."""

    def came_to(state: RefundState) -> Any:
        return func.sum(case((refunds.c.state == state.value, refunds.c.amount_fen), else_=0))

    sums = (
        select(
            refunds.c.payment_id,
            came_to(RefundState.ASKED).label("asked_fen"),
            came_to(RefundState.DONE).label("done_fen"),
        )
        .group_by(refunds.c.payment_id)
        .subquery("sums")
    )
    found = select(payments, sums).outerjoin_from(
        payments, sums, sums.c.payment_id == payments.c.id
    )
    for row in each(connection, found.order_by(payments.c.id)):
        says = (row.refunding_fen, row.refunded_fen)
        come_to = (whole(row.asked_fen), whole(row.done_fen))
        if says != come_to:
            yield (
                f"payment {row.id}: {says[0]} fen go back and {says[1]} went back, its refunds "
                f"come to {come_to[0]} and {come_to[1]}"
            )


def _withdrawals(connection: Connection) -> Iterator[str]:
    """What was taken out went in cash, and by refunds, and by nothing else."""
    posted = _posted("withdrawal", moved("wallet", "cash").label("cash_paid_fen"))
    yield from _strays(connection, posted, withdrawals, "withdrawal")
    parts = (
        select(refunds.c.withdrawal_id, func.sum(refunds.c.amount_fen).label("refunds_fen"))
        .where(refunds.c.withdrawal_id.is_not(None))
        .group_by(refunds.c.withdrawal_id)
        .subquery("parts")
    )
    found = (
        select(withdrawals, posted, parts)
        .outerjoin_from(withdrawals, posted, posted.c.of_id == withdrawals.c.id)
        .outerjoin(parts, and_(parts.c.withdrawal_id == withdrawals.c.id))
    )
    for row in each(connection, found.order_by(withdrawals.c.id)):
        cash, back = whole(row.all_fen), whole(row.refunds_fen)
        paid_right = cash == whole(row.cash_paid_fen) == row.cash_fen
        if not paid_right or cash + back != row.amount_fen:
            yield (
                f"withdrawal {row.id}: of {row.amount_fen} fen {row.cash_fen} were to go in cash; "
                f"{cash} did, and {back} by refunds"
            )
