"""From an order's end to its bill."""

from collections.abc import Sequence

from attrs import define, evolve, field
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.domain.ledger import Account
from chargecloud.domain.order import Billed, Doubted, Ended, Occurrence, Order
from chargecloud.money.wallets import balance_fen
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

    async def ended(self, order: Order, end: Ended, why_not: str | None) -> Sequence[Occurrence]:
        """
        What occurs to an order with its end record: it ends, and is billed at once.

        @param why_not: why the record is not believed; the order is then held.
        """
        if why_not is not None:
            return (end, Doubted(self.calendar.now(), why_not))
        after = evolve(order, marks=end.marks, charged_s=end.charged_s)
        return (end, await self._bill(after))

    async def settle(self, order_id: int) -> Order:
        """Bill an order that had ended and was not billed before the service stopped."""

        async def occurred(order: Order) -> Sequence[Occurrence]:
            return (await self._bill(order),)

        return await self.book.advance(order_id, occurred)

    async def _bill(self, order: Order) -> Billed | Doubted:
        now = self.calendar.now()
        try:
            bill = self.book.tariffs.bill(self.book.tariff_of(order), order.usage)
        except Exception:
            # a tariff may be a plugin: what it breaks is this bill, and no money moves
            self._log.failure("no bill for order {order_id}", order_id=order.id)
            return Doubted(now, "tariff-failed")
        return Billed(now, bill, await self._available_fen(order))

    async def _available_fen(self, order: Order) -> int:
        if order.customer_id is None:
            return 0
        wallet = Account(order.tenant_id, "wallet", order.customer_id)
        return await self.store.read(lambda connection: balance_fen(connection, wallet))
