"""Orders that wait to be split, read some at a time with all that a settlement asks of them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from attrs import frozen
from sqlalchemy import Connection, Integer, and_, func, literal, select

from chargecloud.domain.order_value import OrderState
from chargecloud.domain.payment_value import TAKEN
from chargecloud.domain.split import Amounts, Parts
from chargecloud.domain.tariff import OCCUPANCY
from chargecloud.storage.schema import (
    accounts,
    order_splits,
    orders,
    payments,
    settlement_lines,
)

_TAKEN = [state.value for state in TAKEN]


@frozen
class PaidBy:
    """The payment that an order was placed with."""

    payment_id: int
    channel: str


@frozen
class Waiting:
    """
    An order that waits.

    @ivar paid: what was paid of each fee, and has not gone back.
    @ivar is_owed: whether its payer owes something, of whatever order.
    @ivar rule: the id and version by which it was split before, C{before} what that came to.
    """

    order_id: int
    version: int
    reason: str | None
    settlement_id: int | None
    site_id: int
    day: date
    ended_at: datetime
    customer_id: int | None
    paid: Amounts
    is_owed: bool
    rule: tuple[int, int] | None
    before: Parts
    paid_by: PaidBy | None


def count_waiting(connection: Connection, tenant_id: int) -> int:
    """How many orders of a tenant wait, due or not."""
    found = select(func.count()).where(
        order_splits.c.tenant_id == tenant_id, order_splits.c.state == "waiting"
    )
    return int(connection.execute(found).scalar_one())


def read_waiting(
    connection: Connection,
    tenant_id: int,
    after: int,
    until: datetime,
    limit: int,
    *,
    with_occupancy: bool,
) -> Sequence[Waiting]:
    """
    Orders that wait, in the order of their ids; fewer than the limit if there are no more.

    @param after: an order's id.
    @param until: only those that ended before.
    @param with_occupancy: whether occupancy is to be told from service, for which bills are read.
    """
    found = (
        select(
            order_splits.c.order_id,
            order_splits.c.version,
            order_splits.c.reason,
            order_splits.c.settlement_id,
            orders.c.site_id,
            orders.c.customer_id,
            orders.c.time_zone,
            orders.c.ended_at,
            orders.c.state,
            orders.c.electricity_fen,
            orders.c.service_fen,
            (orders.c.bill if with_occupancy else literal(None, Integer)).label("bill"),
            accounts.c.balance_fen.label("owed_fen"),
            settlement_lines.c.rule_id,
            settlement_lines.c.rule_version,
            settlement_lines.c.parts,
            payments.c.id.label("payment_id"),
            payments.c.channel,
        )
        .join_from(order_splits, orders, orders.c.id == order_splits.c.order_id)
        .outerjoin(
            accounts,
            and_(
                accounts.c.tenant_id == order_splits.c.tenant_id,
                accounts.c.kind == "receivable",
                accounts.c.owner_id == orders.c.customer_id,
            ),
        )
        .outerjoin(
            settlement_lines,
            and_(
                settlement_lines.c.settlement_id == order_splits.c.settlement_id,
                settlement_lines.c.order_id == order_splits.c.order_id,
            ),
        )
        .outerjoin(
            payments,
            and_(payments.c.order_id == order_splits.c.order_id, payments.c.state.in_(_TAKEN)),
        )
        .where(
            order_splits.c.tenant_id == tenant_id,
            order_splits.c.state == "waiting",
            order_splits.c.order_id > after,
            orders.c.ended_at < until,
        )
        .order_by(order_splits.c.order_id)
        .limit(limit)
    )
    return [_waiting(row) for row in connection.execute(found)]


def _waiting(row: Any) -> Waiting:
    order_id, version, reason, settlement_id, site_id, customer_id, *others = row
    time_zone, ended_at, state, electricity_fen, service_fen, bill, *others = others
    owed_fen, rule_id, rule_version, parts, payment_id, channel = others
    paid: Amounts = (0, 0, 0)
    if state == OrderState.SETTLED.value:
        occupancy_fen = 0 if bill is None else min(service_fen, _occupancy_fen(bill))
        paid = (electricity_fen, service_fen - occupancy_fen, occupancy_fen)
    return Waiting(
        order_id,
        version,
        reason,
        settlement_id,
        site_id,
        ended_at.astimezone(ZoneInfo(time_zone)).date(),
        ended_at,
        customer_id,
        paid,
        bool(owed_fen),
        None if rule_id is None else (rule_id, rule_version),
        read_parts(parts),
        None if payment_id is None else PaidBy(payment_id, channel),
    )


def _occupancy_fen(bill: Mapping[str, Any]) -> int:
    lines = bill["lines"]
    return sum(line["amount_fen"] for line in lines if line["rule"].startswith(OCCUPANCY))


def read_parts(column: Mapping[str, Sequence[int]] | None) -> dict[int, Amounts]:
    """Parts as a column has them."""
    if not column:
        return {}
    return {int(party_id): (part[0], part[1], part[2]) for party_id, part in column.items()}


def write_parts(parts: Parts) -> dict[str, Sequence[int]]:
    """Parts as a column has them."""
    return {str(party_id): parts[party_id] for party_id in sorted(parts)}
