"""Settlements against the postings of them: each order split as often as its bill has changed, and
each party given what the lines of orders say."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, exists, func, select

from chargecloud.storage.audit.reading import each, whole
from chargecloud.storage.schema import (
    card_splits,
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
    yield from _cards(connection)
    yield from _channels(connection)


def _gains(parts: Mapping[str, Sequence[int]], before: Mapping[str, Sequence[int]]) -> Any:
    for party in {**parts, **before} if before else parts:
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
    for settlement_id, lines in groupby(each(connection, query), itemgetter(0)):
        sums: dict[str, list[int]] = {}
        for _, parts, before in lines:
            for party, index, fen in _gains(parts, before or {}):
                of = sums.get(party)
                if of is None:
                    of = sums[party] = [0] * 6
                if fen > 0:
                    of[index] += fen
                else:
                    of[index + 3] -= fen
        ways: Counter[_Way] = Counter()
        for party, of in sums.items():
            for index, fen in enumerate(of):
                if fen:
                    ways[_FEES[index % 3], int(party), index < 3] += fen
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
    for order_id, rows in groupby(each(connection, found), itemgetter(0)):
        lines = list(rows)
        firsts = sum(row[3] is None for row in lines)
        if firsts != 1:
            yield f"order {order_id} was split for the first time {firsts} times"
            continue
        last = next((row for row in lines if row[1] == row[4]), None)
        if last is None:
            yield f"order {order_id} was last split by {lines[0].last_id}, of which it has no line"
            continue
        if len(lines) > 1 and not _follow(lines, last):
            yield f"order {order_id}: its lines do not follow each other"
        _, _, parts, _, _, state, electricity_fen, service_fen = last
        sums = [sum(fen) for fen in zip(*parts.values(), strict=True)] or [0, 0, 0]
        paid = [whole(electricity_fen), whole(service_fen)]
        if state == "split" and [sums[0], sums[1] + sums[2]] != paid:
            yield f"order {order_id} has paid {paid} fen, and {sums} are split"
    yield from _without_a_line(connection)


def _follow(lines: Sequence[Any], last: Any) -> bool:
    """Whether what every line but the last came to is what one other began with."""
    ended = Counter(_frozen(row.parts) for row in lines)
    ended -= Counter(_frozen(row.before) for row in lines if row.before is not None)
    return ended == Counter([_frozen(last.parts)])


def _without_a_line(connection: Connection) -> Iterator[str]:
    """An order that has paid is not split by a word alone."""
    line = (settlement_lines.c.settlement_id == order_splits.c.settlement_id) & (
        settlement_lines.c.order_id == order_splits.c.order_id
    )
    found = (
        select(order_splits.c.order_id, orders.c.amount_fen)
        .join_from(order_splits, orders, orders.c.id == order_splits.c.order_id)
        .where(order_splits.c.state == "split", orders.c.amount_fen > 0, ~exists().where(line))
    )
    for order_id, amount_fen in each(connection, found.order_by(order_splits.c.order_id)):
        yield f"order {order_id} has paid {amount_fen} fen, is split, and has no line that says so"


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


def _cards(connection: Connection) -> Iterator[str]:
    """What month cards have earned was posted to whom it is split among."""
    posted = (
        select(
            postings.c.reference_id,
            postings.c.debit_owner_id,
            postings.c.credit_owner_id,
            func.sum(postings.c.amount_fen),
        )
        .where(postings.c.cause == "split_cards", postings.c.debit_kind == "card_fees")
        .group_by(postings.c.reference_id, postings.c.debit_owner_id, postings.c.credit_owner_id)
    )
    went = {(of, site, party): whole(fen) for of, site, party, fen in each(connection, posted)}
    for row in each(connection, select(card_splits)):
        parts = {party: sum(fen) for party, fen in row.parts.items()}
        of = f"settlement {row.settlement_id}, month cards of site {row.site_id}"
        if sum(parts.values()) != row.amount_fen:
            yield f"{of}: {row.amount_fen} fen were earned, {parts} are split"
        for party, fen in parts.items():
            came = went.pop((row.settlement_id, row.site_id, int(party)), 0)
            if came != fen:
                yield f"{of}: party {party} was to get {fen} fen, {came} were posted"
    for settlement_id, site_id, party_id in went:
        yield f"settlement {settlement_id}: month cards of {site_id} for {party_id} are in no split"


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
