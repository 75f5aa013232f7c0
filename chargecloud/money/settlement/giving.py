"""What a payment channel is to give to parties of a payment, within its limits, and what it is to
call back from them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from chargecloud.domain.decision import Row
from chargecloud.domain.split import CHANNEL, Amounts
from chargecloud.interfaces import ISplittingChannel
from chargecloud.money.settlement.parties import Party, receiver_row
from chargecloud.money.settlement.reading import PaidBy


@frozen
class Limits:
    """Of a channel that splits; L{ISplittingChannel} explains them."""

    receivers: int
    splits: int
    percent: int
    days: int


def limits_of(channels: Mapping[str, Any]) -> dict[str, Limits]:
    """Of those channels that split."""
    return {
        name: Limits(
            each.most_receivers,
            each.most_splits,
            each.most_split_percent,
            each.split_within_days,
        )
        for name, each in channels.items()
        if ISplittingChannel.providedBy(each)
    }


@frozen
class Given:
    """
    What a channel has given of an order to a party, or is asked to.

    @ivar split_id: by which split, C{left_fen} what of it was not called back.
    """

    split_id: int
    party_id: int
    left_fen: int


def to_give(
    gains: Mapping[int, Amounts],
    parties: Mapping[int, Party],
    paid_by: PaidBy,
    limits: Limits,
    given: Sequence[Given],
    now: datetime,
) -> Sequence[Row]:
    """
    The parts of a split: those that have an account at the channel and gain something.  What the
    limits do not allow stays in their accounts here.
    """
    if now - paid_by.paid_at > timedelta(days=limits.days):
        return ()
    if len({each.split_id for each in given}) >= limits.splits:
        return ()
    most_fen = min(
        paid_by.amount_fen * limits.percent // 100,
        paid_by.left_fen - sum(gains.get(CHANNEL, ())),
    )
    left_fen = most_fen - sum(each.left_fen for each in given)
    parts: list[Row] = []
    for party_id in sorted(gains):
        party = parties.get(party_id)
        receiver = None if party is None else party.receivers.get(paid_by.channel)
        part_fen = min(sum(gains[party_id]), left_fen)
        if party is None or receiver is None or part_fen <= 0 or len(parts) == limits.receivers:
            continue
        parts.append(_part(party, paid_by.channel, part_fen))
        left_fen -= part_fen
    return parts


def to_call_back(
    gains: Mapping[int, Amounts],
    parties: Mapping[int, Party],
    channel: str,
    given: Sequence[Given],
) -> Iterable[tuple[int, Row]]:
    """What is to come back, with the split that had given it."""
    for party_id in sorted(gains):
        back_fen = -sum(gains[party_id])
        for each in given:
            part_fen = min(back_fen, each.left_fen)
            if each.party_id == party_id and part_fen > 0:
                back_fen -= part_fen
                yield each.split_id, _part(parties[party_id], channel, part_fen)


def _part(party: Party, channel: str, amount_fen: int) -> Row:
    return {
        "party": str(party.id),
        "level": party.level.value,
        "receiver": receiver_row(party.receivers[channel]),
        "amount_fen": amount_fen,
        "state": "under_way",
    }
