"""Charges whose end no charger tells: closed by a stated rule, and by no other way."""

from collections.abc import Sequence

from attrs import define

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.charging.ending import end_by_last_reading
from chargecloud.charging.settling import Settling
from chargecloud.charging.tracking import Track
from chargecloud.domain.occurrences import Occurrence, StartRefused, Waived
from chargecloud.domain.order_value import NOT_BEGUN, UNDER_WAY, Order


@define(eq=False)
class Forgotten:
    """
    Closes a charge by its last reading, which is the least that was certainly drawn.  If its
    end record comes after all and says otherwise, it becomes a dispute.
    """

    book: OrderBook
    settling: Settling
    calendar: Calendar

    async def close(self, track: Track, why: str) -> Order:
        """End an order and bill it, or give its start up; in the charger's turn only."""

        async def occurred(order: Order) -> Sequence[Occurrence]:
            now = self.calendar.now()
            if order.state in NOT_BEGUN:
                return (StartRefused(now, why),)
            if order.state not in UNDER_WAY:
                return ()
            end = end_by_last_reading(order, track, now, why)
            if not end.marks:
                return (end, Waived(now, "no-reading"))
            return (end, await self.settling.after(order, end, track.rules.no_load_dw))

        return await self.book.advance(track.order.id, occurred)
