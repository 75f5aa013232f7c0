"""A channel's bill of a day, held against our payments and refunds: pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum

from attrs import frozen

from chargecloud.domain.channel import BillKind, BillRow


class Differs(Enum):
    """In what the two differ."""

    #: the bill has what we do not know
    UNKNOWN = "unknown"
    #: the bill has what has not come, or not gone back, by our own account
    NOT_DONE = "not_done"
    #: they have different amounts
    AMOUNT = "amount"
    #: they have different numbers of the channel's
    TRANSACTION = "transaction"
    #: the bill has it twice
    TWICE = "twice"
    #: the bill of the day on which it came, or went back, does not have it
    MISSING = "missing"


@frozen(kw_only=True)
class Ours:
    """
    A payment or a refund by our own account.

    @ivar is_done: whether it came, or went back.
    """

    kind: BillKind
    number: str
    state: str
    is_done: bool
    amount_fen: int
    transaction: str | None
    at: datetime | None


@frozen(kw_only=True)
class Difference:
    """A case, with its evidence: both sides, as far as they are there."""

    differs: Differs
    kind: BillKind
    number: str
    bill: BillRow | None = None
    ours: Ours | None = None


def differences(
    bill: Sequence[BillRow], known: Iterable[Ours], of_the_day: Iterable[Ours]
) -> Iterator[Difference]:
    """
    All differences.

    @param known: what the bill's numbers are of.
    @param of_the_day: what came or went back on the bill's day by our own account.
    """
    by_number = {(each.kind, each.number): each for each in known}
    seen = Counter((row.kind, row.number) for row in bill)
    for row in bill:
        ours = by_number.get((row.kind, row.number))
        for differs in _differs(row, ours, seen):
            yield Difference(differs=differs, kind=row.kind, number=row.number, bill=row, ours=ours)
    for ours in of_the_day:
        if (ours.kind, ours.number) not in seen:
            yield Difference(differs=Differs.MISSING, kind=ours.kind, number=ours.number, ours=ours)


def _differs(
    row: BillRow, ours: Ours | None, seen: Mapping[tuple[BillKind, str], int]
) -> Iterator[Differs]:
    if seen[row.kind, row.number] > 1:
        yield Differs.TWICE
    if ours is None:
        yield Differs.UNKNOWN
        return
    if row.amount_fen != ours.amount_fen:
        yield Differs.AMOUNT
    if not ours.is_done:
        yield Differs.NOT_DONE
    elif row.transaction != ours.transaction:
        yield Differs.TRANSACTION
