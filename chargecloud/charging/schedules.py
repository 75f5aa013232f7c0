"""What energy costs: in the time that a charge may take, and at a charger's site."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import define
from sqlalchemy import Connection
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.domain.charger import Admission
from chargecloud.domain.commands import Price
from chargecloud.domain.events import Outcome, Reply
from chargecloud.domain.order_value import Order
from chargecloud.money.tariffs import Tariff, Tariffs, find_tariff
from chargecloud.registry.chargers import find_charger
from chargecloud.registry.sites import find_site
from chargecloud.storage.store import Store

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
    prices = _prices(book.tariffs, book.tariff_of(order), order.time_zone, now, until)
    return prices if len(prices) <= MOST_PRICES else ()


@define(eq=False)
class PriceBoard:
    """Tells a charger what energy costs at its site."""

    store: Store
    tariffs: Tariffs
    calendar: Calendar

    async def asked(self, admission: Admission) -> Reply:
        """The prices of the next 24 hours; none where a site has no tariff, or its tariff no
        price of energy."""
        found = await self.store.read(
            lambda connection: tariff_there(connection, admission.charger_id)
        )
        if found is None:
            return Reply(Outcome.KEPT)
        tariff, zone = found
        now = self.calendar.now()
        return Reply(Outcome.KEPT, prices=_prices(self.tariffs, tariff, zone, now, now + HORIZON))


def tariff_there(connection: Connection, charger_id: int) -> tuple[Tariff, str] | None:
    """The tariff of a charger's site, with its time zone; C{None} if it has none."""
    charger = find_charger(connection, None, charger_id)
    site = find_site(connection, charger.tenant_id, charger.site_id)
    if site.tariff_id is None:
        return None
    return find_tariff(connection, charger.tenant_id, site.tariff_id), site.time_zone


def _prices(
    tariffs: Tariffs, tariff: Tariff, zone: str, now: datetime, until: datetime
) -> tuple[Price, ...]:
    kind = tariffs.kinds.get(tariff.kind)
    if kind is None:
        return ()
    try:
        return tuple(kind.prices(tariff.terms, ZoneInfo(zone), now, until) or ())
    except Exception:
        # a tariff may be a plugin: a charge begins without prices, and is billed as ever
        _log.failure("no prices of tariff {id}", id=tariff.id)
        return ()
