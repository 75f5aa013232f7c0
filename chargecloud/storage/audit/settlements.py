"""Settlements against the postings of them: each order split as often as its bill has changed, and
each party given what the lines of orders say."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, func, select

from chargecloud.storage.audit.reading import each, whole
from chargecloud.storage.schema import (
    channel_splits,
    order_splits,
    orders,
    postings,
    reimbursements,
    settlement_lines,
    settlements,
)

#: the account that each fee of a part is taken from
_FEES = ("electricity_fees", "service_fees", "service_fees")
_NOTHING = (0, 0, 0)

#: (fee's account, party), and whether it went to the party or came back
_Way = tuple[str, int, bool]


def settlement_faults(connection: Connection) -> Iterator[str]:
    """Those whose money did not go the way that they say."""
    yield from _postings_of_lines(connection)
    yield from _orders(connection)
    yield from _reimbursed(connection)
    yield from _channels(connection)


def _gains(parts: Mapping[str, Sequence[int]], before: Mapping[str, Sequence[int]]) -> Any:
    for party in {**parts, **before}:
        now, then = parts.get(party, _NOTHING), before.get(party, _NOTHING)
        for index, (will, was) in enumerate(zip(now, then, strict=True)):
            if will != was:
                yield party, index, will - was


def _postings_of_lines(connection: Connection) -> Iterator[str]:
    """What the lines of a settlement come to was posted, and is what it says of its parties."""
    posted = _posted(connection)
    totals = {
        row.id: row.totals
        for row in connection.execute(select(settlements.c.id, settlements.c.totals))
    }
    columns = (
        settlement_lines.c.settlement_id,
        settlement_lines.c.parts,
        settlement_lines.c.before,
    )
    query = select(*columns).order_by(settlement_lines.c.settlement_id)
    for settlement_id, lines in groupby(each(connection, query), lambda row: row[0]):
        ways: Counter[_Way] = Counter()
        sums: dict[str, list[int]] = {}
        for _, parts, before in lines:
            for party, index, fen in _gains(parts, before or {}):
                ways[_FEES[index], int(party), fen > 0] += abs(fen)
                sums.setdefault(party, [0] * 6)[index + 3 * (fen < 0)] += abs(fen)
        went = posted.pop(settlement_id, Counter())
        for fee, party_id, is_gain in sorted(ways.keys() | went.keys()):
            wanted, came = ways[fee, party_id, is_gain], went[fee, party_id, is_gain]
            if wanted != came:
                what = "was to get" if is_gain else "was to give back"
                yield (
                    f"settlement {settlement_id}: party {party_id} {what} {wanted} fen of {fee}, "
                    f"{came} were posted"
                )
        says = totals.pop(settlement_id, None)
        if says != sums:
            yield f"settlement {settlement_id} says {says}, its lines come to {sums}"
    for settlement_id in posted:
        yield f"settlement {settlement_id} has postings, and no lines"
    for settlement_id, says in totals.items():
        if says:
            yield f"settlement {settlement_id} says {says}, and has no lines"


def _posted(connection: Connection) -> dict[int, Counter[_Way]]:
    found = (
        select(
            postings.c.reference_id,
            postings.c.cause,
            postings.c.debit_kind,
            postings.c.debit_owner_id,
            postings.c.credit_kind,
            postings.c.credit_owner_id,
            func.sum(postings.c.amount_fen),
        )
        .where(postings.c.cause.in_(("split", "claw_back")))
        .group_by(
            postings.c.reference_id,
            postings.c.cause,
            postings.c.debit_kind,
            postings.c.debit_owner_id,
            postings.c.credit_kind,
            postings.c.credit_owner_id,
        )
    )
    posted: dict[int, Counter[_Way]] = {}
    for settlement_id, cause, debit, debit_owner, credit, credit_owner, fen in each(
        connection, found
    ):
        is_gain = cause == "split"
        way = (debit, credit_owner, True) if is_gain else (credit, debit_owner, False)
        posted.setdefault(settlement_id, Counter())[way] += whole(fen)
    return posted


def _orders(connection: Connection) -> Iterator[str]:
    """Each line of an order begins where the one before ended; the last one is what the order has
    paid."""
    found = (
        select(
            settlement_lines.c.order_id,
            settlement_lines.c.settlement_id,
            settlement_lines.c.parts,
            settlement_lines.c.before,
            order_splits.c.settlement_id.label("last_id"),
            order_splits.c.state,
            orders.c.electricity_fen,
            orders.c.service_fen,
        )
        .outerjoin_from(
            settlement_lines, order_splits, order_splits.c.order_id == settlement_lines.c.order_id
        )
        .outerjoin(orders, orders.c.id == settlement_lines.c.order_id)
        .order_by(settlement_lines.c.order_id)
    )
    for order_id, rows in groupby(each(connection, found), lambda row: row[0]):
        lines = list(rows)
        by_before = [row for row in lines if row.before is None]
        if len(by_before) != 1:
            yield f"order {order_id} was split for the first time {len(by_before)} times"
            continue
        last = next((row for row in lines if row.settlement_id == row.last_id), None)
        if last is None:
            yield f"order {order_id} was last split by {lines[0].last_id}, of which it has no line"
            continue
        # what every line but the last came to is what one other began with
        ended = Counter(_frozen(row.parts) for row in lines)
        ended -= Counter(_frozen(row.before) for row in lines if row.before is not None)
        if ended != Counter([_frozen(last.parts)]):
            yield f"order {order_id}: its lines do not follow each other"
        sums = [sum(part[index] for part in last.parts.values()) for index in range(3)]
        paid = [whole(last.electricity_fen), whole(last.service_fen)]
        if last.state == "split" and [sums[0], sums[1] + sums[2]] != paid:
            yield f"order {order_id} has paid {paid} fen, and {sums} are split"


def _frozen(parts: Mapping[str, Sequence[int]]) -> tuple[Any, ...]:
    return tuple(sorted((party, *part) for party, part in parts.items()))


def _sums_by_reference(connection: Connection, cause: str) -> dict[int, int]:
    found = (
        select(postings.c.reference_id, func.sum(postings.c.amount_fen))
        .where(postings.c.cause == cause)
        .group_by(postings.c.reference_id)
    )
    return {reference_id: whole(fen) for reference_id, fen in connection.execute(found)}


def _reimbursed(connection: Connection) -> Iterator[str]:
    """What is given back for electricity was posted."""
    posted = _sums_by_reference(connection, "reimburse")
    found = select(reimbursements.c.settlement_id, func.sum(reimbursements.c.amount_fen)).group_by(
        reimbursements.c.settlement_id
    )
    wanted = {of: whole(fen) for of, fen in connection.execute(found)}
    for of in sorted(posted.keys() | wanted.keys()):
        if posted.get(of, 0) != wanted.get(of, 0):
            yield (
                f"settlement {of}: {wanted.get(of, 0)} fen were to be given back for electricity, "
                f"{posted.get(of, 0)} were"
            )


def _channels(connection: Connection) -> Iterator[str]:
    """What channels gave, and what came back, was posted once."""
    posted = (
        select(
            postings.c.reference_id.label("of_id"),
            func.sum(postings.c.amount_fen).label("posted_fen"),
            func.min(postings.c.debit_kind).label("debit_kind"),
        )
        .where(postings.c.cause == "channel_split")
        .group_by(postings.c.reference_id)
        .subquery("posted")
    )
    found = (
        select(channel_splits, posted)
        .outerjoin_from(channel_splits, posted, posted.c.of_id == channel_splits.c.id)
        .order_by(channel_splits.c.id)
    )
    for row in each(connection, found):
        done_fen = sum(part["amount_fen"] for part in row.parts if part["state"] == "done")
        if done_fen != whole(row.posted_fen):
            yield (
                f"channel split {row.id} is {row.state}: {done_fen} fen were moved, "
                f"{whole(row.posted_fen)} were posted"
            )
        elif done_fen and row.debit_kind.startswith("channel_") is (row.back_of is None):
            yield f"channel split {row.id}: its postings go the wrong way"
    known = select(channel_splits.c.id)
    strays = select(posted.c.of_id).where(posted.c.of_id.not_in(known))
    for row in each(connection, strays):
        yield f"channel split {row.of_id} has postings, and is not there"
