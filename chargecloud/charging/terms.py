"""What an order is charged by, besides what is written in it: read anew at each start."""

from collections.abc import Collection

from attrs import frozen
from sqlalchemy import Connection, select

from chargecloud.charging.settings import CutOffs
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.errors import NotFound
from chargecloud.domain.order_rows import order_of
from chargecloud.domain.order_value import Order
from chargecloud.money.tariffs import Tariff, find_tariff
from chargecloud.registry.chargers import find_charger
from chargecloud.registry.cut_offs import find_cut_off
from chargecloud.storage.finding import Rows
from chargecloud.storage.schema import orders, ports


@frozen
class Terms:
    """
    @ivar dialect: of its charger.
    @ivar tariff: in the version that the order began with.
    @ivar rated_w: what its charger can give at the most.
    @ivar rules: how it is cut off.
    @ivar register_before_mwh: the port's register at the end of the charge before; C{None}
        if there was none, or it has begun anew since.
    """

    dialect: str
    tariff: Tariff
    rated_w: int
    rules: CutOff
    register_before_mwh: int | None


_ORDERS = Rows(orders, select(orders))
_REGISTERS = Rows(ports, select(ports.c.meter_mwh))


def find_order(connection: Connection, tenant_id: int | None, order_id: int) -> Order:
    """
    An order of a tenant, or of any for C{None}.

    @raise NotFound: if there is none.
    """
    row = _ORDERS.first(connection, id=order_id, tenant_id=tenant_id)
    if row is None:
        raise NotFound(f"there is no order {order_id}")
    return order_of(row._asdict())


def find_start(connection: Connection, charger_id: int, port: int, start_key: str) -> Order | None:
    """The order that a start at a port has made, if it is known."""
    row = _ORDERS.first(connection, charger_id=charger_id, port=port, start_key=start_key)
    return None if row is None else order_of(row._asdict())


def find_terms(
    connection: Connection, order: Order, cut_offs: CutOffs, counts_anew: Collection[str]
) -> Terms:
    """
    The terms of an order.

    @param counts_anew: dialects whose registers begin at zero with each charge.
    """
    charger = find_charger(connection, None, order.charger_id)
    everywhere = cut_offs.by_kind[charger.kind]
    port = _REGISTERS.first(connection, charger_id=order.charger_id, port=order.port)
    return Terms(
        charger.dialect,
        find_tariff(connection, None, order.tariff_id, order.tariff_version),
        charger.rated_w,
        find_cut_off(connection, order.site_id, charger.kind, everywhere),
        None if port is None or charger.dialect in counts_anew else port.meter_mwh,
    )
