"""Revenue split: who gets what of an order.

Each fee of an order is split by its own shares.  What is split of a fee is its I{base}: what was
paid for it, less what went back to the payer, less what the payment channel took.  Parts are
whole fen, none is below zero, and they sum to the base exactly (largest remainder; of equal
remainders the lower party's id comes first, so that the order in which shares are given
changes nothing).

An order is split by itself and not with others, as its money goes back by itself: what is called
back after a refund is the difference to what the same rule makes of what is left.
"""

from collections.abc import Mapping
from enum import Enum

from attrs import field, frozen

from chargecloud.domain.units import divide_half_up, share

#: shares are in hundredths of a percent
WHOLE = 10_000

#: fen by fee, in the order of L{FeeKind}
Amounts = tuple[int, int, int]
NOTHING: Amounts = (0, 0, 0)

#: fen by fee for each party that gets anything
Parts = Mapping[int, Amounts]

#: the party that a payment channel is: what it takes comes off first
CHANNEL = 0


class FeeKind(Enum):
    """What is split by shares of its own.  Bills have occupancy among their service fees."""

    ELECTRICITY = "electricity"
    SERVICE = "service"
    OCCUPANCY = "occupancy"


class Level(Enum):
    """What a party is to the operator's business."""

    PLATFORM = "platform"
    OPERATOR = "operator"
    OWNER = "owner"
    AGENT = "agent"
    PARTNER = "partner"


class Inapplicable(Exception):
    """A rule says nothing of an order, or what cannot be: it is held, and no money moves.

    @ivar why: one of a few words, which do not change.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@frozen
class Tier:
    """
    What of a base lies between the tier before and this one's end.

    @ivar up_to_fen: of the base; C{None} for the last one.
    @ivar basis_points: of what lies in it, in hundredths of a percent.
    """

    up_to_fen: int | None
    basis_points: int


@frozen
class Share:
    """
    What a party gets of a base: so much percent of it, so much of each tier, or a fixed
    amount; or, if none of them is given, what the others leave.
    """

    party_id: int
    basis_points: int | None = None
    fixed_fen: int | None = None
    tiers: tuple[Tier, ...] = ()
    #: whether it gets what the others leave
    is_rest: bool = field(init=False)

    @is_rest.default
    def _is_rest(self) -> bool:
        return self.basis_points is None and self.fixed_fen is None and not self.tiers

    def exact(self, base_fen: int) -> int:
        """What it gets, in ten-thousandths of a fen; of the rest nobody knows it here: 0."""
        if self.basis_points is not None:
            return base_fen * self.basis_points
        if self.fixed_fen is not None:
            return self.fixed_fen * WHOLE
        whole, from_fen = 0, 0
        for tier in self.tiers:
            end_fen = base_fen if tier.up_to_fen is None else min(base_fen, tier.up_to_fen)
            whole += (end_fen - from_fen) * tier.basis_points
            from_fen = end_fen
        return whole


def _by_party(shares: tuple[Share, ...]) -> tuple[Share, ...]:
    return tuple(sorted(shares, key=lambda each: each.party_id))


@frozen
class Rule:
    """
    How orders are split.

    @ivar shares: by fee.  Occupancy without shares of its own is split as service is.
    @ivar least_fen: an order whose base is less is left whole to those who get the rest.
    @ivar channel_fees: what channels take of what they bring, in hundredths of a percent by
        their names; C{"wallet"} for orders that were paid from a wallet.
    """

    electricity: tuple[Share, ...] = field(converter=_by_party)
    service: tuple[Share, ...] = field(converter=_by_party)
    occupancy: tuple[Share, ...] = field(default=(), converter=_by_party)
    least_fen: int = 0
    channel_fees: Mapping[str, int] = field(factory=dict)

    def split(self, paid: Amounts, through: str = "wallet") -> dict[int, Amounts]:
        """
        Who gets what of an order; nothing of one of which all went back.

        @param paid: for each fee, what was paid and has not gone back.
        @param through: the channel that it was paid through.
        @raise Inapplicable: if the shares cannot be had of it.
        """
        whole_fen = sum(paid)
        if not whole_fen:
            return {}
        fee_fen = divide_half_up(whole_fen * self.channel_fees.get(through, 0), WHOLE)
        taken = share(fee_fen, paid)
        is_little = whole_fen - fee_fen < self.least_fen
        found: dict[int, list[int]] = {CHANNEL: taken} if fee_fen else {}
        given = (self.electricity, self.service, self.occupancy or self.service)
        for index, shares in enumerate(given):
            base_fen = paid[index] - taken[index]
            if not base_fen:
                continue
            for party_id, part_fen in _shared(base_fen, shares, is_little).items():
                if part_fen:
                    found.setdefault(party_id, [0, 0, 0])[index] = part_fen
        return {party_id: (part[0], part[1], part[2]) for party_id, part in found.items()}


def _shared(base_fen: int, shares: tuple[Share, ...], is_little: bool) -> dict[int, int]:
    """A base split by some shares.  A settlement comes by here a million times."""
    exact: dict[int, int] = {}
    left, rest = base_fen * WHOLE, None
    for each in shares:
        # the rest has its place among the parties already; who has two shares gets both
        part = each.exact(base_fen)
        exact[each.party_id] = exact.get(each.party_id, 0) + part
        left -= part
        if each.is_rest:
            rest = each.party_id
    if rest is not None and is_little:
        return {rest: base_fen}
    if left < 0:
        raise Inapplicable("shares-exceed-base")
    if rest is not None:
        exact[rest] += left
    elif left:
        raise Inapplicable("shares-leave-a-rest")
    parts = {}
    missing = base_fen
    for party_id, part in exact.items():
        fen = parts[party_id] = part // WHOLE
        missing -= fen
    if missing:
        # sorted() keeps the order of parties where remainders are equal
        for party_id in sorted(exact, key=lambda each: -(exact[each] % WHOLE))[:missing]:
            parts[party_id] += 1
    return parts


def difference(before: Parts, after: Parts) -> dict[int, Amounts]:
    """What parties are still to get, and below zero: what is called back from them."""
    if not before:
        return dict(after)
    found = {}
    for party_id in {**before, **after}:
        was, will = before.get(party_id, NOTHING), after.get(party_id, NOTHING)
        if was != will:
            found[party_id] = (will[0] - was[0], will[1] - was[1], will[2] - was[2])
    return found
