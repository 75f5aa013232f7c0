"""Orders that wait: until when, and what becomes of them then.

An order that must be ready at an instant may begin when it costs the least.  Its port is taken and
its money held from the first; its start is sent when it is due, by whoever decides about its
charger's orders then.  All of it is in the order's row, so that a restart, or another node, goes on
with it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import define, evolve

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.charging.starting import Starting
from chargecloud.domain.errors import Invalid, OutOfService
from chargecloud.domain.occurrences import Occurrence, StartDue, StartRefused
from chargecloud.domain.order_rows import instant_ms, instant_of
from chargecloud.domain.order_value import Order, OrderState
from chargecloud.domain.tariff import Mark, Usage
from chargecloud.domain.units import MINUTE
from chargecloud.money.tariffs import Tariff, Tariffs
from chargecloud.registry.chargers import check_in_service, find_charger

#: a charge that is over so much too late is better than none
MOST_LATE = timedelta(seconds=30 * MINUTE)
#: mWh that one W comes to in so many seconds
_MWH, _IN_S = 5, 18


def waiting(
    order: Order, ready_by: datetime, tariff: Tariff, rated_w: int, tariffs: Tariffs
) -> Order:
    """
    An order that begins when its charge costs the least and is over in time all the same: it takes
    as long as its limit of time says, and draws what its limit of energy says, or else all that the
    charger can give, evenly.

    @raise Invalid: if it cannot be over by then, or nobody said how long it takes.
    """
    if order.limit_duration_s is None:
        what = "is needed with ready_by: how long the charge takes"
        raise Invalid(
            f"limit.duration_s {what}", errors=[{"pointer": "/limit/duration_s", "detail": what}]
        )
    energy_mwh = order.limit_energy_mwh or rated_w * order.limit_duration_s * _MWH // _IN_S
    at_once = Usage(
        ZoneInfo(order.time_zone),
        order.limit_duration_s,
        (Mark(order.created_at, 0), Mark(_lasts(order) + order.created_at, energy_mwh)),
    )
    used, _bill = tariffs.cheapest(tariff, at_once, ready_by)
    start_at = instant_of(instant_ms(used.started_at))
    state = OrderState.WAITING if start_at > order.created_at else OrderState.STARTING
    return evolve(order, state=state, start_at=start_at, ready_by=ready_by)


def _lasts(order: Order) -> timedelta:
    return timedelta(seconds=order.limit_duration_s or 0)


@define(eq=False)
class Waiting:
    """
    @ivar calendar: tells when a start is due.
    """

    book: OrderBook
    starting: Starting
    calendar: Calendar

    def is_due(self, order: Order) -> bool:
        """Whether the start of an order that waits is to be sent, or given up."""
        assert order.start_at is not None, "what waits knows until when"
        if self.calendar.now() < order.start_at:
            return False
        return self._is_present(order) or self._is_too_late(order)

    async def go_on(self, order_id: int) -> Order:
        """Send the start of an order that is due, or give it up; in the charger's turn only."""
        what: Sequence[Occurrence] = ()

        async def occurred(order: Order) -> Sequence[Occurrence]:
            nonlocal what
            # it may have been withdrawn meanwhile, or started by another node, or its charger
            # have gone
            is_due = order.state is OrderState.WAITING and self.is_due(order)
            what = (await self._start(order),) if is_due else ()
            return what

        order = await self.book.advance(order_id, occurred)
        track = self.book.tracked(order_id)
        if track and any(isinstance(each, StartDue) for each in what):
            # written down first: a start is never sent twice, whoever goes on after us
            self.starting.start(track)
        return order

    async def _start(self, order: Order) -> StartDue | StartRefused:
        why = await self._why_not(order)
        now = self.calendar.now()
        return StartDue(now) if why is None else StartRefused(now, why)

    async def _why_not(self, order: Order) -> str | None:
        if not self._is_present(order):
            return "charger-offline"
        if self._is_too_late(order):
            return "too-late"
        charger = await self.book.store.read(
            lambda connection: find_charger(connection, None, order.charger_id)
        )
        try:
            check_in_service(charger.status)
        except OutOfService as refusal:
            return refusal.code
        return None

    def _is_present(self, order: Order) -> bool:
        return self.book.routing.presence.find(order.charger_id) is not None

    def _is_too_late(self, order: Order) -> bool:
        assert order.ready_by is not None, "what waits knows for when"
        return self.calendar.now() > order.ready_by - _lasts(order) + MOST_LATE
