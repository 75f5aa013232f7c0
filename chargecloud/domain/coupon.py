"""Coupons: what is taken off a bill, in lines of their own."""

from datetime import datetime
from typing import Any

from attrs import evolve, field, frozen
from attrs.validators import and_, ge, le, optional

from chargecloud.domain.taken_off import line_off
from chargecloud.domain.tariff import Bill, Fee
from chargecloud.domain.units import divide_half_up

#: what the rules of lines begin with that a coupon made
COUPON = "coupon"
#: whose fee a coupon takes first: what is paid for electricity goes on to the grid
_FIRST_OF = (Fee.SERVICE, Fee.ELECTRICITY)
_WHOLE = 100


def _one_of_both(coupon: "Coupon", _attribute: object, percent: int | None) -> None:
    if (percent is None) == (coupon.amount_fen is None):
        raise ValueError("a coupon takes off an amount, or a percentage")


@frozen(kw_only=True)
class Coupon:
    """
    One use of a coupon, as the order keeps it that was placed with it: whatever becomes of the
    coupon later changes no bill.

    @ivar number: which of its uses it is; claimed by one order at a time.
    @ivar amount_fen: what it takes off, at the most; or else C{percent} of the bill, and of
        that C{most_fen} at the most, if there is such a limit.
    """

    id: int
    number: int
    code: str
    amount_fen: int | None = field(default=None, validator=optional(ge(1)))
    percent: int | None = field(
        default=None, validator=[optional(and_(ge(1), le(_WHOLE))), _one_of_both]
    )
    most_fen: int | None = field(default=None, validator=optional(ge(1)))

    def off_fen(self, amount_fen: int) -> int:
        """What it takes off a bill of an amount: never more than that."""
        off_fen = self.amount_fen
        if off_fen is None:
            assert self.percent is not None, "one of both is given"
            off_fen = divide_half_up(amount_fen * self.percent, _WHOLE)
        if self.most_fen is not None:
            off_fen = min(off_fen, self.most_fen)
        return min(off_fen, amount_fen)

    @property
    def told(self) -> str:
        """The rule of its lines."""
        if self.amount_fen is not None:
            return f"{COUPON} {self.code}: {self.amount_fen} fen at the most"
        most = "" if self.most_fen is None else f", {self.most_fen} fen at the most"
        return f"{COUPON} {self.code}: {self.percent} %{most}"


def reduced(bill: Bill, coupon: Coupon | None, start: datetime, end: datetime) -> Bill:
    """
    A bill with what a coupon takes off it: from the fee for service, and what that does not
    cover from the one for electricity.  Of what has VAT, it takes price and tax in proportion.

    @param start: of the charge, and C{end} of it.
    """
    if coupon is None:
        return bill
    left_fen, lines = coupon.off_fen(bill.amount_fen), []
    for fee in _FIRST_OF:
        off_fen = min(left_fen, bill.fee_fen(fee))
        left_fen -= off_fen
        if off_fen:
            lines.append(line_off(bill, fee, off_fen, coupon.told, start, end))
    return evolve(bill, lines=(*bill.lines, *lines))


def is_reduced(bill: Bill) -> bool:
    """Whether a coupon took something off a bill."""
    return any(line.rule.startswith(f"{COUPON} ") and line.amount_fen < 0 for line in bill.lines)


def coupon_of(column: dict[str, Any] | None) -> Coupon | None:
    """The coupon that an order's column holds."""
    return None if column is None else Coupon(**column)
