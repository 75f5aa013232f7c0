"""What is taken off a bill that a tariff has made, in lines of its own."""

from datetime import datetime
from fractions import Fraction

from chargecloud.domain.tariff import Bill, BillLine, Fee, Vat
from chargecloud.domain.units import PRICE_UNITS_PER_FEN

_NOTHING = Fraction()


def line_off(
    bill: Bill, fee: Fee, off_fen: int, rule: str, start: datetime, end: datetime
) -> BillLine:
    """A line that takes an amount above zero off one fee of a bill; of what has VAT, price and tax
    in proportion."""
    price = off_fen * PRICE_UNITS_PER_FEN
    vat = _vat(bill, fee, off_fen)
    return BillLine(fee, start, end, 1, "times", price, "time", -off_fen, rule, vat)


def _vat(bill: Bill, fee: Fee, off_fen: int) -> Vat | None:
    lines = [line for line in bill.lines if line.fee is fee]
    if all(line.vat is None for line in lines):
        return None
    whole_fen = bill.fee_fen(fee)
    excl = sum((line.exact.excl for line in lines), start=_NOTHING)
    incl = sum((line.exact.incl for line in lines), start=_NOTHING)
    return Vat(-excl * off_fen / whole_fen, -incl * off_fen / whole_fen)
