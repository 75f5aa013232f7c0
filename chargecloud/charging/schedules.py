"""What energy costs in the time that a charge may take, for its charger."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from twisted.logger import Logger

from chargecloud.charging.book import OrderBook
from chargecloud.domain.commands import Price
from chargecloud.domain.order_value import Order

#: a charge that may take longer is told the prices of so long
HORIZON = timedelta(days=1)
#: more changes than these do not fit a frame of every dialect
MOST_PRICES = 8

_log = Logger()


def prices_for(book: OrderBook, order: Order, now: datetime) -> tuple[Price, ...]:
    """The prices of an order's energy from now on; none where its tariff has none, or more
    than a charger can be told: the platform, which sees every reading, then ends it alone."""
    until = now + HORIZON
    if order.limit_duration_s is not None:
        until = min(until, now + timedelta(seconds=order.limit_duration_s))
    tariff = book.tariff_of(order)
    kind = book.tariffs.kinds.get(tariff.kind)
    if kind is None:
        return ()
    try:
        prices = kind.prices(tariff.terms, ZoneInfo(order.time_zone), now, until)
    except Exception:
        # a tariff may be a plugin: a charge begins without prices, and is billed as ever
        _log.failure("no prices of tariff {id}", id=tariff.id)
        return ()
    return tuple(prices) if prices is not None and len(prices) <= MOST_PRICES else ()
