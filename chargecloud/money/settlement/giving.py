"""What a payment channel is to give to parties of a payment, and to call back from them: wanted by
a settlement, and cut to the channel's limits when the channel is asked."""

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from chargecloud.domain.decision import Row
from chargecloud.domain.split import CHANNEL, Amounts
from chargecloud.interfaces import ISplittingChannel
from chargecloud.money.settlement.parties import Party, receiver_row


@frozen
class Remaining:
    """
    What a payment still has.

    @ivar left_fen: what of it has not gone back, and does not go back.
    """

    amount_fen: int
    left_fen: int


@frozen
class Given:
    """
    What a channel has given of an order to a party, or is to.

    @ivar split_id: by which split, C{left_fen} what of it was not called back.
    """

    split_id: int
    party_id: int
    left_fen: int


def to_give(
    gains: Mapping[int, Amounts], parties: Mapping[int, Party], channel: str
) -> Sequence[Row]:
    """The parts of a split: those that gain something and have an account at the channel.  Of
    parties that have shared an account since before that was refused, the first one's: what a
    channel tells of an account is told of one part."""
    found: dict[str, Row] = {}
    for party_id in sorted(gains):
        if party_id == CHANNEL or sum(gains[party_id]) <= 0:
            continue
        receiver = parties[party_id].receivers.get(channel)
        if receiver is not None and receiver.account not in found:
            found[receiver.account] = _part(parties[party_id], channel, sum(gains[party_id]))
    return list(found.values())


def fitted(
    parts: Sequence[Row], limits: ISplittingChannel, of: Remaining, given: Sequence[Given]
) -> Sequence[Row]:
    """
    What the limits of a channel leave of the parts of a split, in the order of the parties; the
    rest stays in their accounts here.

    @param given: of the payment, by splits before.
    """
    if len({each.split_id for each in given}) >= limits.most_splits:
        return ()
    most_fen = min(of.amount_fen * limits.most_split_percent // 100, of.left_fen)
    left_fen = most_fen - sum(each.left_fen for each in given)
    found: list[Row] = []
    for part in parts[: limits.most_receivers]:
        part_fen = min(part["amount_fen"], left_fen)
        if part_fen > 0:
            found.append({**part, "amount_fen": part_fen})
            left_fen -= part_fen
    return found


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


def given_by(rows: Iterable[tuple[int, int | None, Sequence[Row]]]) -> list[Given]:
    """
    What some splits of an order come to, the oldest first.

    @param rows: the id of each, the split that it calls back of, and its parts.
    """
    left: dict[tuple[int, int], int] = {}
    for split_id, back_of, parts in rows:
        for part in parts:
            if part["state"] != "failed":
                key = (back_of or split_id, int(part["party"]))
                sign = 1 if back_of is None else -1
                left[key] = left.get(key, 0) + sign * part["amount_fen"]
    return [Given(*key, left_fen) for key, left_fen in left.items()]
