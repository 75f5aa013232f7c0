"""Some orders of a settlement: what is decided about them, as one decision.

The orders, what was made of each, the postings of all of them together and the settlement's own
place move in one transaction: after a crash at any point a settlement goes on from its place, and
what it did is done once.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import define, field, frozen
from sqlalchemy import Connection, select

from chargecloud.domain.decision import Change, Decision, Insert, Row, Together
from chargecloud.domain.ledger import Account, Post
from chargecloud.domain.split import CHANNEL, Amounts, Inapplicable, Rule, difference
from chargecloud.money.debts import find_debts
from chargecloud.money.settlement.giving import Given, given_by, to_call_back, to_give
from chargecloud.money.settlement.parties import Party, find_parties
from chargecloud.money.settlement.reading import Waiting, read_waiting, write_parts
from chargecloud.money.settlement.rules import Every, Known, SplitRule
from chargecloud.money.settlement.value import Settlement
from chargecloud.storage.schema import channel_splits

#: orders of one transaction: it holds the database for some fifty milliseconds
ORDERS_AT_ONCE = 1_000

#: the account that each fee is taken from, by its place among amounts
_FEES = ("electricity_fees", "service_fees", "service_fees")


@frozen
class World:
    """
    What there is to decide by.

    @ivar new_id: makes ids.
    @ivar now_s: Unix time.
    """

    new_id: Callable[[], int]
    now: datetime
    now_s: int


def next_batch(connection: Connection, settlement: Settlement, world: World) -> Decision | None:
    """What is decided about the next orders of a settlement; C{None} if there are none."""
    known = Known.read(connection, settlement.tenant_id)
    waiting = read_waiting(
        connection,
        settlement.tenant_id,
        settlement.place,
        settlement.until_at,
        ORDERS_AT_ONCE,
        with_occupancy=known.knows_occupancy,
    )
    if not waiting:
        return None
    batch = _Batch(
        settlement,
        known,
        find_parties(connection, settlement.tenant_id),
        world,
        _owed(connection, settlement.tenant_id, waiting),
        _given(connection, [each.order_id for each in waiting if each.before]),
    )
    for each in waiting:
        batch.take(each)
    return batch.decision(waiting)


def _owed(connection: Connection, tenant_id: int, waiting: Sequence[Waiting]) -> set[int]:
    """Those of some orders that are not paid yet."""
    customers = {each.customer_id for each in waiting if each.is_owed}
    return {
        order_id
        for customer_id in customers
        if customer_id is not None
        for order_id, _ in find_debts(connection, tenant_id, customer_id).by_order
    }


def _given(connection: Connection, order_ids: Sequence[int]) -> dict[int, list[Given]]:
    """What channels have given of orders that were split before, the oldest first."""
    found = select(channel_splits).where(channel_splits.c.order_id.in_(order_ids))
    rows = connection.execute(found.order_by(channel_splits.c.id)).all() if order_ids else ()
    of_order: dict[int, list[Any]] = {}
    for row in rows:
        of_order.setdefault(row.order_id, []).append((row.id, row.back_of, row.parts))
    return {order_id: given_by(each) for order_id, each in of_order.items()}


@define
class _Batch:
    """
    @ivar channels: at which any party has an account.
    @ivar moved: by party, as a settlement's totals are.
    """

    settlement: Settlement
    known: Known
    parties: Mapping[int, Party]
    world: World
    owed: set[int]
    given: Mapping[int, Sequence[Given]]
    orders: int = 0
    held: int = 0
    changes: list[Change] = field(factory=list)
    lines: list[Insert] = field(factory=list)
    channel_rows: list[Insert] = field(factory=list)
    moved: dict[int, list[int]] = field(factory=dict)
    channels: set[str] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.channels = {name for party in self.parties.values() for name in party.receivers}

    def take(self, order: Waiting) -> None:
        """Decide about one order."""
        try:
            found = self._due(order)
            if found is None:
                return
            rule, shares = found
            through = "wallet" if order.paid_by is None else order.paid_by.channel
            parts = shares.split(order.paid, through)
        except Inapplicable as inapplicable:
            self.held += 1
            if order.reason != inapplicable.why:
                self._change(order, order.settlement_id, "waiting", inapplicable.why)
            return
        gains = difference(order.before, parts)
        if not gains:
            self._change(order, order.settlement_id, "split", None)
            return
        self.orders += 1
        self._change(order, self.settlement.id, "split", None)
        row = {
            "settlement_id": self.settlement.id,
            "order_id": order.order_id,
            "tenant_id": self.settlement.tenant_id,
            "rule_id": rule.id,
            "rule_version": rule.version,
            "parts": write_parts(parts),
            "before": write_parts(order.before) if order.rule else None,
        }
        self.lines.append(Insert("settlement_lines", row))
        for party_id, amounts in gains.items():
            self._move(party_id, amounts)
        if order.paid_by is not None and order.paid_by.channel in self.channels:
            self._give(order, gains)

    def _due(self, order: Waiting) -> tuple[SplitRule, Rule] | None:
        """
        The rule of an order that is due: what was split is split again by the same version, in
        the next settlement of whichever kind, as its rule may have none any more.

        @raise Inapplicable: if it is none, or the order is not paid.
        """
        if order.order_id in self.owed or (order.customer_id is None and any(order.paid)):
            raise Inapplicable("not-paid")
        if order.rule is not None:
            return self.known.versions[order.rule]
        rule, shares = self.known.find(order.site_id, order.day)
        deferred = timedelta(days=rule.deferred_days)
        if order.ended_at + deferred > self.settlement.until_at:
            return None
        every = self.settlement.every
        return (rule, shares) if every in (Every.HAND, rule.every) else None

    def _change(
        self, order: Waiting, settlement_id: int | None, state: str, reason: str | None
    ) -> None:
        row = {"state": state, "reason": reason, "settlement_id": settlement_id}
        row["version"] = order.version + 1
        expect = {"version": order.version}
        self.changes.append(Change("order_splits", {"order_id": order.order_id}, row, expect))

    def _move(self, party_id: int, amounts: Amounts) -> None:
        sums = self.moved.get(party_id)
        if sums is None:
            sums = self.moved[party_id] = [0] * 6
        for index, fen in enumerate(amounts):
            if fen > 0:
                sums[index] += fen
            elif fen:
                sums[3 + index] -= fen

    def _give(self, order: Waiting, gains: Mapping[int, Amounts]) -> None:
        assert order.paid_by is not None
        channel = order.paid_by.channel
        parts = to_give(gains, self.parties, channel)
        # the first one without any parts only says that nothing of the payment is split
        if parts or order.rule is None:
            self._ask(order, None, parts)
        given = self.given.get(order.order_id, ())
        for split_id, part in to_call_back(gains, self.parties, channel, given):
            self._ask(order, split_id, [part])

    def _ask(self, order: Waiting, back_of: int | None, parts: Sequence[Row]) -> None:
        assert order.paid_by is not None
        row = {
            "id": self.world.new_id(),
            "tenant_id": self.settlement.tenant_id,
            "settlement_id": self.settlement.id,
            "order_id": order.order_id,
            "payment_id": order.paid_by.payment_id,
            "channel": order.paid_by.channel,
            "back_of": back_of,
            "parts": list(parts),
            "state": "wanted",
            "version": 1,
            "created_at": self.world.now,
            "due_s": self.world.now_s,
            "tries": 0,
        }
        self.channel_rows.append(Insert("channel_splits", row))

    def decision(self, waiting: Sequence[Waiting]) -> Decision:
        """All of it."""
        settlement = self.settlement
        row: dict[str, Any] = {
            "version": settlement.version + 1,
            "place": waiting[-1].order_id,
            "seen": settlement.seen + len(waiting),
            "orders": settlement.orders + self.orders,
            "held": settlement.held + self.held,
            "totals": self._totals(),
        }
        place = Change("settlements", {"id": settlement.id}, row, {"version": settlement.version})
        groups = (self.changes, self.lines, self.channel_rows)
        together = [Together(tuple(group)) for group in groups if group]
        return Decision((place, *together, *self._posts()))

    def _totals(self) -> Row:
        totals = {party: [*sums] for party, sums in self.settlement.totals.items()}
        for party_id, sums in self.moved.items():
            before = totals.get(str(party_id), [0] * 6)
            totals[str(party_id)] = [was + fen for was, fen in zip(before, sums, strict=True)]
        return totals

    def _posts(self) -> Sequence[Post]:
        tenant_id, reference_id = self.settlement.tenant_id, self.settlement.id
        posts = []
        for party_id, sums in sorted(self.moved.items()):
            theirs = (
                Account(tenant_id, "channel_fees")
                if party_id == CHANNEL
                else self.parties[party_id].account
            )
            gained, back = sums[:3], sums[3:]
            for fee in dict.fromkeys(_FEES):
                earned = Account(tenant_id, fee)
                at = [index for index, each in enumerate(_FEES) if each == fee]
                if gained_fen := sum(gained[index] for index in at):
                    posts.append(Post(earned, theirs, gained_fen, "split", reference_id))
                if back_fen := sum(back[index] for index in at):
                    posts.append(Post(theirs, earned, back_fen, "claw_back", reference_id))
        return posts
