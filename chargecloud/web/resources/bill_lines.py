"""The lines of a bill, as they are answered."""

from datetime import datetime

from attrs import frozen

from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.tariff import MOST_OF_A_LINE, BillLine
from chargecloud.domain.units import decimal_text


@frozen(kw_only=True)
class LineShown:
    """A line of a bill."""

    fee: str = text("electricity or service")
    start: datetime = choice("from when")
    end: datetime = choice("until when")
    quantity: int = whole("how much, in its unit")
    unit: str = text("mWh, s or times")
    unit_price: int = whole("in 1e-5 yuan, without VAT where that is told apart")
    price_per: str = text("what the unit price is for: kWh, a number of seconds, or time")
    amount_fen: int = whole("in fen; below zero for what is taken off", least=-MOST_OF_A_LINE)
    excl_vat: str = text("the amount without VAT, exactly, in yuan or the tariff's currency")
    incl_vat: str = text("the amount with VAT, exactly")
    vat_percent: str | None = text("the rate of VAT, where it is told apart")
    rule: str = text("the rule of the tariff that made it", longest=400)


@frozen(kw_only=True)
class BillRemarkShown:
    """What is to be known of how a bill was made."""

    code: str = text("for programs")
    words: str = text("for people", longest=400)


def show_line(line: BillLine) -> LineShown:
    """A line as it is answered."""
    return LineShown(
        fee=line.fee.value,
        start=line.start,
        end=line.end,
        quantity=line.quantity,
        unit=line.unit,
        unit_price=line.unit_price,
        price_per=line.price_per,
        amount_fen=line.amount_fen,
        excl_vat=decimal_text(line.exact.excl),
        incl_vat=decimal_text(line.exact.incl),
        vat_percent=None if line.exact.percent is None else decimal_text(line.exact.percent),
        rule=line.rule,
    )
