"""Payments and refunds, read from their rows."""

from typing import Any

from attrs import fields
from sqlalchemy import Connection, Select, select

from chargecloud.domain.errors import NotFound
from chargecloud.domain.payment_value import (
    OrderPart,
    Payment,
    PaymentState,
    PayMethod,
    Refund,
    RefundState,
)
from chargecloud.storage.schema import payments, refunds

#: of what is due, what is done in one round
MOST_DUE = 100


def payment_of(row: Any) -> Payment:
    """The payment that a row holds."""
    values = {each.name: getattr(row, each.name) for each in fields(Payment)}
    values["state"] = PaymentState(row.state)
    values["method"] = PayMethod(row.method)
    values["order_part"] = row.order_part and OrderPart(row.order_part)
    return Payment(**values)


def refund_of(row: Any) -> Refund:
    """The refund that a row holds."""
    values = {each.name: getattr(row, each.name) for each in fields(Refund)}
    return Refund(**{**values, "state": RefundState(row.state)})


def payments_of(tenant_id: int | None) -> "Select[Any]":
    """All payments of a tenant, or of all for C{None}."""
    found = select(payments)
    return found if tenant_id is None else found.where(payments.c.tenant_id == tenant_id)


def refunds_of(tenant_id: int | None) -> "Select[Any]":
    """All refunds of a tenant, or of all for C{None}."""
    found = select(refunds)
    return found if tenant_id is None else found.where(refunds.c.tenant_id == tenant_id)


def find_payment(connection: Connection, tenant_id: int | None, payment_id: int) -> Payment:
    """
    A payment of a tenant, or of any for C{None}.

    @raise NotFound: if there is none.
    """
    row = connection.execute(payments_of(tenant_id).where(payments.c.id == payment_id)).first()
    if row is None:
        raise NotFound(f"there is no payment {payment_id}")
    return payment_of(row)


def find_refund(connection: Connection, tenant_id: int | None, refund_id: int) -> Refund:
    """
    A refund of a tenant, or of any for C{None}.

    @raise NotFound: if there is none.
    """
    row = connection.execute(refunds_of(tenant_id).where(refunds.c.id == refund_id)).first()
    if row is None:
        raise NotFound(f"there is no refund {refund_id}")
    return refund_of(row)


def due_payments(connection: Connection, now_s: int, *states: PaymentState) -> list[Payment]:
    """Payments for which something is due, some at a time, the longest due first."""
    found = (
        select(payments)
        .where(payments.c.due_s <= now_s, payments.c.state.in_([each.value for each in states]))
        .order_by(payments.c.due_s)
        .limit(MOST_DUE)
    )
    return [payment_of(row) for row in connection.execute(found)]


def due_refunds(connection: Connection, now_s: int) -> list[Refund]:
    """Refunds for which something is due, some at a time, the longest due first."""
    found = select(refunds).where(refunds.c.due_s <= now_s).order_by(refunds.c.due_s)
    return [refund_of(row) for row in connection.execute(found.limit(MOST_DUE))]
