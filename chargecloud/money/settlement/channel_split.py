"""What a payment channel is asked to give of a payment, or to call back, as a value."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.domain.channel import PartWord, PaymentAt, SplitAt, SplitFact, SplitPart
from chargecloud.domain.decision import Row
from chargecloud.domain.errors import ChannelRefused
from chargecloud.money.settlement.parties import receiver_of

SUBJECT = "revenue share"


@frozen(kw_only=True)
class ChannelSplit:
    """
    What a channel is asked to give, or to call back, of a payment.

    @ivar back_of: the split that it calls something back of; C{None} for a split.
    @ivar parts: in plain values; C{state} of each is C{under_way}, C{done} or C{failed}.
    @ivar state: C{wanted}; C{asked}: cut to the limits of the channel; C{split}: all parts have
        ended, and the channel is to hear that no more is split; C{done}; C{failed}, of what
        is called back.
    @ivar due_s: Unix time at which something is to be done for it.
    """

    id: int
    tenant_id: int
    settlement_id: int
    order_id: int
    payment_id: int
    channel: str
    back_of: int | None
    parts: Sequence[Row]
    state: str
    version: int
    failure: str | None
    created_at: datetime
    ended_at: datetime | None
    due_s: int | None
    tries: int


def split_of(row: Any) -> ChannelSplit:
    """What a row of C{channel_splits} says."""
    return ChannelSplit(**row._mapping)


def is_asked(part: Row) -> bool:
    """Whether a channel is asked for a part: one whose receiver it does not take has failed."""
    return bool(part["state"] != "failed")


def split_at(row: ChannelSplit, payment: Any) -> SplitAt:
    """A split as a channel is asked for it."""
    return SplitAt(
        payment=PaymentAt(row.tenant_id, payment.merchant, str(payment.id)),
        transaction=payment.transaction,
        number=str(row.id),
        paid_fen=payment.amount_fen,
        parts=tuple(
            SplitPart(
                receiver=receiver_of(part["receiver"]),
                amount_fen=part["amount_fen"],
                subject=SUBJECT,
            )
            for part in row.parts
            if is_asked(part)
        ),
    )


def parts_told(parts: Sequence[Row], fact: SplitFact) -> list[Row]:
    """The parts of a split, as a channel says that they are; one of which it says that it has given
    another amount is known no more than one that it does not name."""
    told = {each.account: each for each in fact.parts}
    found: list[Row] = []
    for part in parts:
        word = told.get(part["receiver"]["account"])
        if word is None or word.word is PartWord.UNDER_WAY:
            found.append(part)
        elif word.word is PartWord.DONE:
            is_all = word.amount_fen == part["amount_fen"]
            found.append({**part, "state": "done"} if is_all else part)
        else:
            found.append({**part, "state": "failed", "why": word.why[:200]})
    return found


def why_of(refused: ChannelRefused) -> str:
    """What a channel refused it for."""
    return str(refused.facts.get("why", refused.detail))[:200]
