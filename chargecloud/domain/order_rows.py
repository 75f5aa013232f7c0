"""Orders as rows of plain values, and back."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from fractions import Fraction
from typing import Any

from attrs import asdict, fields

from chargecloud.domain.coupon import coupon_of
from chargecloud.domain.decision import Row
from chargecloud.domain.events import StopReason
from chargecloud.domain.month_card import cover_of
from chargecloud.domain.order_value import Abnormality, Order, OrderState, Origin
from chargecloud.domain.tariff import Bill, BillLine, Fee, Mark, Remark, Vat

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def instant_ms(instant: datetime) -> int:
    """Milliseconds of Unix time."""
    return (instant - _UNIX_EPOCH) // _MILLISECOND


def instant_of(milliseconds: int) -> datetime:
    """The instant of milliseconds of Unix time."""
    return _UNIX_EPOCH + milliseconds * _MILLISECOND


def order_row(order: Order) -> Row:
    """All columns of an order."""
    names = [attribute.name for attribute in fields(type(order))]
    return _columns({name: getattr(order, name) for name in names})


def order_of(row: Mapping[str, Any]) -> Order:
    """The order that a row of C{orders} holds."""
    values = {attribute.name: row[attribute.name] for attribute in fields(Order)}
    values["state"] = OrderState(row["state"])
    values["origin"] = Origin(row["origin"])
    values["stop_reason"] = row["stop_reason"] and StopReason(row["stop_reason"])
    values["abnormal"] = row["abnormal"] and Abnormality(row["abnormal"])
    values["marks"] = marks_of(row["marks"])
    values["bill"] = bill_of(row["bill"])
    values["coupon"] = coupon_of(row["coupon"])
    values["month_card"] = cover_of(row["month_card"])
    return Order(**values)


def changed_columns(before: Order, after: Order) -> Row:
    """The columns that differ."""
    changed = {}
    for attribute in fields(type(after)):
        value = getattr(after, attribute.name)
        if value != getattr(before, attribute.name):
            changed[attribute.name] = value
    return _columns(changed)


def _columns(values: Mapping[str, Any]) -> Row:
    columns: dict[str, Any] = {}
    for name, value in values.items():
        if name == "marks":
            columns[name] = [[instant_ms(mark.at), mark.meter_mwh] for mark in value]
        elif name == "bill":
            columns |= bill_columns(value)
        elif name in ("coupon", "month_card"):
            columns[name] = None if value is None else asdict(value)
        else:
            columns[name] = value.value if isinstance(value, Enum) else value
    return columns


def bill_columns(bill: Bill | None) -> Row:
    """A bill, with its totals as columns of their own to sum and sort by."""
    if bill is None:
        return {"bill": None, "electricity_fen": None, "service_fen": None, "amount_fen": None}
    lines = [
        {
            "fee": line.fee.value,
            "start_ms": instant_ms(line.start),
            "end_ms": instant_ms(line.end),
            "quantity": line.quantity,
            "unit": line.unit,
            "unit_price": line.unit_price,
            "price_per": line.price_per,
            "amount_fen": line.amount_fen,
            "rule": line.rule,
            **({} if line.vat is None else {"vat": _vat_row(line.vat)}),
        }
        for line in bill.lines
    ]
    return {
        "bill": {
            "tariff_id": bill.tariff_id,
            "tariff_version": bill.tariff_version,
            "made_by": bill.made_by,
            "lines": lines,
            **_remarks_row(bill),
        },
        "electricity_fen": bill.fee_fen(Fee.ELECTRICITY),
        "service_fen": bill.fee_fen(Fee.SERVICE),
        "amount_fen": bill.amount_fen,
    }


def bill_of(column: Mapping[str, Any] | None) -> Bill | None:
    """The bill that C{bill} holds."""
    if column is None:
        return None
    lines = tuple(
        BillLine(
            fee=Fee(line["fee"]),
            start=instant_of(line["start_ms"]),
            end=instant_of(line["end_ms"]),
            quantity=line["quantity"],
            unit=line["unit"],
            unit_price=line["unit_price"],
            price_per=line["price_per"],
            amount_fen=line["amount_fen"],
            rule=line["rule"],
            vat=_vat_of(line["vat"]) if "vat" in line else None,
        )
        for line in column["lines"]
    )
    remarks = tuple(Remark(code, words) for code, words in column.get("remarks", ()))
    return Bill(
        column["tariff_id"], column["tariff_version"], lines, column.get("made_by"), remarks
    )


def _remarks_row(bill: Bill) -> Row:
    if not bill.remarks:
        return {}
    return {"remarks": [[remark.code, remark.words] for remark in bill.remarks]}


def _vat_row(vat: Vat) -> list[str | None]:
    # 1/3 has no decimals that end: both parts of each number are kept
    return [str(vat.excl), str(vat.incl), None if vat.percent is None else str(vat.percent)]


def _vat_of(row: list[str | None]) -> Vat:
    excl, incl, percent = (None if each is None else Fraction(each) for each in row)
    assert excl is not None
    assert incl is not None
    return Vat(excl, incl, percent)


def marks_of(column: list[list[int]]) -> tuple[Mark, ...]:
    """The marks that C{marks} holds."""
    return tuple(Mark(instant_of(milliseconds), meter_mwh) for milliseconds, meter_mwh in column)
