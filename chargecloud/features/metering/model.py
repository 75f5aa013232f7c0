"""What is found of an order, and of a charger by all its orders: pure rules."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from fractions import Fraction
from typing import Any

from attrs import frozen

from chargecloud.domain.clocks import proven_s
from chargecloud.domain.coupon import COUPON
from chargecloud.domain.fields import whole
from chargecloud.domain.metering import (
    PPM,
    Comparison,
    Error,
    IsReading,
    compare,
    over_rated,
    payment_error_fen,
    ppm,
)
from chargecloud.domain.month_card import MONTH_CARD
from chargecloud.domain.order_value import Order
from chargecloud.domain.tariff import Bill
from chargecloud.domain.trend import Trend, trend_of

_DAYS = 7
#: days for which it is known how a charger's clock was seen
CLOCK_DAYS = 60
#: what the rules of lines begin with that no charger knows of
_TAKEN_OFF = (f"{COUPON} ", f"{MONTH_CARD} ")


@frozen(kw_only=True)
class MeteringSettings:
    """C{[metering]}"""

    energy_limit_permille: int = whole(
        "a register may be off by this, beyond what is uncertain; 20 is class 2",
        default=20,
        least=1,
        most=500,
    )
    power_permille: int = whole(
        "what the power that chargers tell may itself be off by: it makes every error uncertain",
        default=20,
        most=500,
    )
    longest_step_s: int = whole(
        "between readings that are further apart nobody knows the power: nothing is compared",
        default=330,
        least=1,
        most=3_600,
    )
    payment_limit_fen: int = whole(
        "what a charger says that a charge costs may differ from the bill by this",
        default=1,
        most=10_000,
    )
    drift_limit_ppm: int = whole(
        "a register may drift by this in a week, in millionths", default=2_000, least=1, most=10**6
    )
    weeks: int = whole("so many weeks are ranked by", default=5, least=1, most=53)
    drift_weeks: int = whole("and so many have a trend", default=26, least=4, most=260)
    certificate_months: int = whole(
        "a certificate is good for so long", default=36, least=1, most=120
    )
    warned_days: int = whole(
        "people are told so long before it ends", default=30, least=1, most=366
    )


def week_of(at: datetime) -> int:
    """The week of an instant, in UTC: weeks begin on Mondays, and are counted from the year 1."""
    return (at.toordinal() - 1) // _DAYS


@frozen(kw_only=True)
class Audit:
    """
    What an order came to.

    @ivar error: of the register; C{None} where too little was compared.
    @ivar payment_error_fen: C{None} where the charger told no amount, or nothing was billed;
        C{is_payment_off} whether it is beyond the limit.
    """

    comparison: Comparison
    error: Error | None
    over_rated_ppm: int
    payment_error_fen: int | None
    is_payment_off: bool


def audit(
    order: Order, readings: Sequence[IsReading], rated_w: int, settings: MeteringSettings
) -> Audit:
    """Look at an order that has ended."""
    comparison = compare(readings, settings.longest_step_s)
    told_e5 = (order.record or {}).get("amount_e5")
    payment_fen = None
    if told_e5 is not None and order.bill is not None:
        payment_fen = payment_error_fen(told_e5, priced_fen(order.bill))
    return Audit(
        comparison=comparison,
        error=comparison.error(settings.power_permille),
        over_rated_ppm=ppm(over_rated(order.energy_mwh, rated_w, order.charged_s or 0)),
        payment_error_fen=payment_fen,
        is_payment_off=abs(payment_fen or 0) > settings.payment_limit_fen,
    )


def priced_fen(bill: Bill) -> int:
    """What a charge costs by its tariff, before coupons and month cards take something off."""
    lines = (line for line in bill.lines if not line.rule.startswith(_TAKEN_OFF))
    return sum(line.amount_fen for line in lines)


@frozen(kw_only=True)
class Week:
    """
    What the orders of a charger came to in a week.

    @ivar comparison: of those that have an error, C{compared_orders}.
    @ivar payments: orders with an amount that the charger told, C{payments_off} of them beyond the
        limit.
    @ivar over_rated: orders with more than the rated power gives.
    """

    week: int
    orders: int
    compared_orders: int
    comparison: Comparison
    payments: int
    payments_off: int
    over_rated: int


@frozen
class ClockSeen:
    """How far a clock was off, and within what it had to be."""

    at: datetime
    ahead_ms: int
    limit_s: int


class Quantity(Enum):
    """What is found to be off."""

    ENERGY = "energy"
    DRIFT = "drift"
    RATED_POWER = "rated_power"
    PAYMENT = "payment"
    CLOCK = "clock"


@frozen(kw_only=True)
class Found:
    """
    Something of a charger, held against its limit.

    @ivar value: in C{unit}; C{uncertainty} what it may be off by itself.
    @ivar times_limit: what of it is proven, in times of the limit; above 1 it is beyond.
    """

    quantity: Quantity
    value: float
    uncertainty: float
    limit: float
    unit: str
    times_limit: float


def weigh(
    weeks: Iterable[Week], clock: ClockSeen | None, drift: Trend | None, settings: MeteringSettings
) -> Sequence[Found]:
    """
    What of a charger can be said, the worst first.

    A charge with more than its rated power, or with an amount that is off, is a fact, and so
    counts whole: each share of the orders that is one in a hundred is once the limit.
    """
    weeks = list(weeks)
    found = [
        *_energy(weeks, settings),
        *_drift(drift, settings),
        *_share(
            Quantity.RATED_POWER,
            sum(each.over_rated for each in weeks),
            sum(each.orders for each in weeks),
        ),
        *_share(
            Quantity.PAYMENT,
            sum(each.payments_off for each in weeks),
            sum(each.payments for each in weeks),
        ),
        *_clock(clock),
    ]
    return sorted(found, key=lambda each: -each.times_limit)


def _energy(weeks: Sequence[Week], settings: MeteringSettings) -> Iterable[Found]:
    error = sum((each.comparison for each in weeks), Comparison()).error(settings.power_permille)
    if error is None:
        return
    limit = Fraction(settings.energy_limit_permille, 1000)
    yield Found(
        quantity=Quantity.ENERGY,
        value=ppm(error.value),
        uncertainty=ppm(error.uncertainty),
        limit=ppm(limit),
        unit="ppm",
        times_limit=round(float(abs(error.proven) / limit), 3),
    )


def drift_of(weeks: Iterable[Week]) -> Trend | None:
    """How the error of a register goes from week to week: Theil's and Sen's slope of the weeks'
    errors, each of which is weighted by energy, as it is that of all its orders together.  What the
    power is off by is in all of them, and in no difference."""
    found = ((each.week, each.comparison) for each in weeks)
    return trend_of(
        [(week, it.register_mwh / it.integral_mwh - 1) for week, it in found if it.is_enough]
    )


def _drift(drift: Trend | None, settings: MeteringSettings) -> Iterable[Found]:
    if drift is None:
        return
    proven = max(drift.least, -drift.most, 0.0)
    yield Found(
        quantity=Quantity.DRIFT,
        value=ppm(drift.slope),
        uncertainty=ppm(max(drift.most - drift.slope, drift.slope - drift.least)),
        limit=settings.drift_limit_ppm,
        unit="ppm/week",
        times_limit=round(proven * PPM / settings.drift_limit_ppm, 3),
    )


def _share(quantity: Quantity, off: int, orders: int) -> Iterable[Found]:
    if orders:
        share = round(100 * off / orders, 3)
        yield Found(
            quantity=quantity,
            value=share,
            uncertainty=0,
            limit=1,
            unit="% of orders",
            times_limit=share,
        )


def _clock(clock: ClockSeen | None) -> Iterable[Found]:
    if clock is not None:
        ahead_s = clock.ahead_ms / 1000
        yield Found(
            quantity=Quantity.CLOCK,
            value=ahead_s,
            uncertainty=1,
            limit=clock.limit_s,
            unit="s",
            times_limit=round(proven_s(ahead_s) / clock.limit_s, 3),
        )


def week_row(row: Mapping[str, Any]) -> Mapping[str, int]:
    """What an order's row adds to its week's."""
    is_compared = row["error_ppm"] is not None
    names = ("register_mwh", "integral_mwh", "uncertain_mwh", "passed_over_mwh", "steps")
    return {
        "orders": 1,
        "compared_orders": int(is_compared),
        **{name: row[name] if is_compared else 0 for name in names},
        "payments": int(row["payment_error_fen"] is not None),
        "payments_off": row["payments_off"],
        "over_rated": int(row["over_rated_ppm"] > 0),
    }
