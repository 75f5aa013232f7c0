"""Whose orders this node decides about.

A charger's orders are decided by the node that it is logged in at; when it has gone, by the one
that it was logged in at last, as long as that lives; and then by whichever gateway is first to
raise the charger's epoch.  Every write about a running order compares the epoch, so that a node
that does not know yet that it lost a charger decides nothing about it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from attrs import define, field, frozen
from sqlalchemy import ColumnElement, Connection, select, update
from twisted.internet.defer import DeferredList
from twisted.logger import Logger

from chargecloud.charging.book import OPEN_STATES, OrderBook
from chargecloud.charging.leavings import Leavings
from chargecloud.charging.settling import Settling
from chargecloud.charging.starting import Starting
from chargecloud.domain.charger import Admission
from chargecloud.domain.decision import Change, Decision
from chargecloud.domain.order_value import Order, OrderState
from chargecloud.storage.schema import chargers, orders
from chargecloud.storage.store import Store

T = TypeVar("T")

#: chargers that are taken over at a time; each is a decision
AT_A_TIME = 500


@frozen
class Left:
    """A charger with orders that nobody decides about."""

    charger_id: int
    node: int | None
    epoch: int


@define(eq=False)
class Custody:
    """
    @ivar moved: tells a node that a charger is here now: node, charger, epoch.
    """

    store: Store
    book: OrderBook
    settling: Settling
    starting: Starting
    moved: Callable[[int, int, int], None] = lambda _node, _charger_id, _epoch: None
    #: chargers that are this node's, whose orders are not, or not for certain, in the book
    _untaken: set[int] = field(factory=set, init=False)
    _leavings: Leavings = field(init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._leavings = Leavings("orders", lambda: self._gateways, self.take_over)

    async def arrived(self, admission: Admission) -> bool:
        """A charger has logged in: its orders come with it, if another node had them; whether
        one had it."""
        charger_id, was_at = admission.charger_id, admission.was_at
        self.book.hold(charger_id, admission.epoch)
        was_elsewhere = was_at not in (None, self.store.node)
        if not was_elsewhere and charger_id not in self._untaken:
            return False
        if was_at is not None and was_elsewhere:
            self.moved(was_at, charger_id, admission.epoch)
        # its orders are in the book before its session is open, and that may never be
        self._expect(charger_id)
        await self._take_over([charger_id])
        return True

    async def begin(self) -> Sequence[Order]:
        """The service starts: what it decided about before it stopped.

        @return: the orders, with which L{go_on} is to go on.
        """

        def forget_connections(connection: Connection) -> None:
            connection.execute(
                update(chargers)
                .where(chargers.c.node == self.store.node, chargers.c.connected)
                .values(connected=False)
            )

        self._leavings.begin()
        await self.store.writer.transact(forget_connections)
        mine = chargers.c.node == self.store.node
        opened: list[Order] = []
        for some in _handfuls(await self.store.read(partial(_left, mine))):
            opened += await self.book.take_over({each.charger_id: each.epoch for each in some})
        return opened

    async def take_over(self) -> None:
        """Take over what nodes decided about that have gone, and what could not be read when it
        became this node's."""
        await self._take_over(list(self._untaken))
        nobodys = chargers.c.node.is_(None) | chargers.c.node.not_in(self._gateways)
        for some in _handfuls(await self.store.read(partial(_left, nobodys))):
            claims = [self.store.writer.decide(self._claim(each)) for each in some]
            outcomes = await DeferredList(claims, consumeErrors=True)
            # of the others another gateway was quicker, or the charger is back
            mine = [each for each, (is_mine, _) in zip(some, outcomes, strict=True) if is_mine]
            for each in some:
                if each.node is not None:
                    # it may only have seemed gone: what it has there is to log in anew
                    self.moved(each.node, each.charger_id, each.epoch + 1)
            for each in mine:
                self.book.hold(each.charger_id, each.epoch + 1)
                self._expect(each.charger_id)
            await self._take_over([each.charger_id for each in mine])

    def look(self) -> None:
        """Take over what nodes left, if any has gone since; soon, and not waited for."""
        self._leavings.look()

    @property
    def _gateways(self) -> frozenset[int]:
        """The nodes that may decide: a slot that another process has got since decides
        nothing if that has no chargers."""
        return frozenset({*self.store.roster.doing("gateway"), self.store.node})

    def _expect(self, charger_id: int) -> None:
        """It was elsewhere until now, however long ago it was here."""
        self.book.routing.presence.expect(charger_id, self.starting.clock.seconds())

    def _claim(self, left: Left) -> Decision:
        return Decision(
            (
                Change(
                    "chargers",
                    {"id": left.charger_id},
                    {"node": self.store.node, "epoch": left.epoch + 1, "connected": False},
                    {"epoch": left.epoch, "node": left.node},
                ),
            )
        )

    async def _take_over(self, charger_ids: Sequence[int]) -> None:
        """Have the orders of chargers in the book that are this node's."""
        self._untaken.update(charger_ids)
        for some in _handfuls(charger_ids):
            known = {charger_id: self.book.epoch_of(charger_id) for charger_id in some}
            held = {each: epoch for each, epoch in known.items() if epoch is not None}
            try:
                taken = await self.book.take_over(held)
            except BaseException:
                # nobody else would: they are this node's
                self._leavings.again()
                raise
            # who has logged in anew meanwhile has its orders read for that
            self._untaken.difference_update(
                each for each in some if self.book.epoch_of(each) in (None, known[each])
            )
            await self.go_on(taken)

    async def go_on(self, opened: Sequence[Order]) -> None:
        """Go on with orders that were taken up: those that have ended are billed, and those that
        were to start are waited for."""
        for order in opened:
            if order.state is OrderState.ENDED:
                await self._settle(order)
            elif order.state is OrderState.STARTING:
                self.starting.go_on(order)

    async def _settle(self, order: Order) -> None:
        try:
            await self.book.turns.take(order.charger_id, lambda: self.settling.settle(order.id))
        except Exception:
            # one order must not keep the others, and the chargers, from going on
            self._log.failure("order {order_id} is still to be billed", order_id=order.id)


def _left(whose: ColumnElement[bool], connection: Connection) -> list[Left]:
    """The chargers, of those in question, with orders that have not come to their end."""
    found = (
        select(chargers.c.id, chargers.c.node, chargers.c.epoch)
        .join(orders, orders.c.charger_id == chargers.c.id)
        .where(orders.c.state.in_(OPEN_STATES), whose)
        .distinct()
        .order_by(chargers.c.id)
    )
    return [Left(row.id, row.node, row.epoch) for row in connection.execute(found)]


def _handfuls(all_of_them: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(all_of_them), AT_A_TIME):
        yield all_of_them[start : start + AT_A_TIME]
