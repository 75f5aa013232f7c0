"""From an order's end to its bill."""

from collections.abc import Sequence

from attrs import define, evolve, field
from sqlalchemy import Connection
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.charging.ending import Judgement
from chargecloud.domain.coupon import reduced
from chargecloud.domain.month_card import covered
from chargecloud.domain.occurrences import Billed, Doubted, Ended, Occurrence, Waived
from chargecloud.domain.order_value import Order, OrderState
from chargecloud.domain.plausible import drew_nothing
from chargecloud.domain.tariff import Bill
from chargecloud.money.remarks import clock_remarks
from chargecloud.money.tariffs import Tariff
from chargecloud.money.wallets import Spendable, spendable
from chargecloud.registry.cards import CardStatus, find_card
from chargecloud.storage.store import Store


@define(eq=False)
class Settling:
    """
    @ivar calendar: tells when a bill is settled.
    """

    store: Store
    book: OrderBook
    calendar: Calendar
    _log: Logger = field(factory=Logger, init=False)

    async def ended(
        self, order: Order, judgement: Judgement, no_load_dw: int
    ) -> Sequence[Occurrence]:
        """
        What occurs to an order with its end: it ends, and is billed at once, or held if its
        figures are not believed.

        @param no_load_dw: the power below which nothing is drawn.
        """
        end = judgement.end
        if judgement.doubt is not None:
            return (end, Doubted(self.calendar.now(), judgement.doubt, judgement.evidence or {}))
        return (end, await self.after(order, end, no_load_dw))

    async def after(self, order: Order, end: Ended, no_load_dw: int) -> Billed | Waived | Doubted:
        """What occurs to an order that has ended with believed figures."""
        after = evolve(
            order,
            marks=end.marks,
            charged_s=end.charged_s,
            clock_ahead_s=end.clock_ahead_s,
            suspended_at=None,
        )
        if drew_nothing(after.energy_mwh, end.charged_s, no_load_dw):
            return Waived(self.calendar.now(), "nothing-drawn")
        return await self.bill(after, self.book.tariff_of(order))

    async def settle(self, order_id: int) -> Order:
        """Bill an order that had ended and was not billed before the service stopped."""

        async def occurred(order: Order) -> Sequence[Occurrence]:
            if order.state is not OrderState.ENDED:
                # somebody was quicker
                return ()
            return (await self.bill(order, self.book.tariff_of(order)),)

        return await self.book.advance(order_id, occurred)

    async def bill(self, order: Order, tariff: Tariff) -> Billed | Doubted:
        """What a tariff makes of an order, and what its wallet has for it."""
        now = self.calendar.now()
        bill = self.price(order, tariff)
        if bill is None:
            return Doubted(now, "tariff-failed")
        money, card_id = await self.store.read(lambda connection: _payer(connection, order))
        return Billed(now, bill, money.paid_in_fen, money.gift_fen, card_id)

    def price(self, order: Order, tariff: Tariff) -> Bill | None:
        """What a tariff makes of an order; C{None} if it cannot."""
        try:
            bill = self.book.tariffs.bill(tariff, order.usage)
        except Exception:
            # a tariff may be a plugin: what it breaks is this bill, and no money moves
            self._log.failure("no bill for order {order_id}", order_id=order.id)
            return None
        usage = order.usage
        bill = covered(bill, order.month_card, usage)
        bill = reduced(bill, order.coupon, usage.started_at, usage.ended_at)
        return evolve(bill, remarks=clock_remarks(order.clock_ahead_s))

    async def available(self, order: Order) -> Spendable:
        """What the wallet of an order has, beyond what is held for it."""
        return await self.store.read(lambda connection: _spendable(connection, order))


def _spendable(connection: Connection, order: Order) -> Spendable:
    if order.customer_id is None:
        return Spendable(0, 0)
    return spendable(connection, order.tenant_id, order.customer_id)


def _payer(connection: Connection, order: Order) -> tuple[Spendable, int | None]:
    """What the payer of an order has, and the card that the charge was begun with, if it is still
    good."""
    card = None
    if order.card_uid is not None and order.customer_id is not None:
        card = find_card(connection, order.tenant_id, order.card_uid)
    is_good = card is not None and card.status is CardStatus.ACTIVE
    return _spendable(connection, order), card.id if card is not None and is_good else None
