"""A tariff of OCPI 2.2.1 as values: elements, components, restrictions (section 11.4)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any

from attrs import frozen

from chargecloud.domain.tariff import StayKind

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
MINUTES_OF_A_DAY = 24 * 60


class Dimension(Enum):
    """What a component prices."""

    ENERGY = "ENERGY"
    FLAT = "FLAT"
    PARKING_TIME = "PARKING_TIME"
    TIME = "TIME"


class Reservation(Enum):
    """What a reservation has come to."""

    RESERVATION = "RESERVATION"
    EXPIRES = "RESERVATION_EXPIRES"


@frozen
class Component:
    """
    @ivar price: without tax, for a kWh, an hour, or once.
    @ivar percent: of value-added tax; C{None} where none applies.
    @ivar step: blocks that are billed whole, in Wh or s.
    """

    dimension: Dimension
    price: Fraction
    percent: Fraction | None
    step: int


@frozen
class Range:
    """From its least value on, and below its most; C{None} is no bound."""

    least: Fraction | None = None
    most: Fraction | None = None

    def has(self, value: Fraction | int) -> bool:
        """Whether a value lies in it."""
        return (self.least is None or value >= self.least) and (
            self.most is None or value < self.most
        )

    @property
    def bounded(self) -> bool:
        """Whether it restricts anything."""
        return self.least is not None or self.most is not None

    @property
    def bounds(self) -> list[Fraction]:
        """Where it begins and ends."""
        return [each for each in (self.least, self.most) if each is not None]

    @property
    def empty(self) -> bool:
        """Whether nothing lies in it."""
        return self.least is not None and self.most is not None and self.least >= self.most

    def holds(self, other: "Range") -> bool:
        """Whether all of another lies in it."""
        return (self.least is None or (other.least is not None and other.least >= self.least)) and (
            self.most is None or (other.most is not None and other.most <= self.most)
        )


@frozen
class Moment:
    """
    What a charge is like in a part of it, over which no restriction begins or ends to hold.

    @ivar stay: C{None} while it charges.
    @ivar local: its beginning by the clock on the site's wall.
    @ivar used_mwh: of the session before it; C{elapsed_s} the same, of a reservation its own.
    @ivar power_w: C{current_ma} the same: C{None} where nobody knows, and no restriction holds.
    """

    stay: StayKind | None
    local: datetime
    used_mwh: int
    elapsed_s: Fraction
    power_w: Fraction | None
    current_ma: int | None


@frozen
class Restrictions:
    """When an element holds: all of it must.

    Energy is in mWh, currents are in mA, powers in W, durations in s.
    """

    start: time | None = None
    end: time | None = None
    first_day: date | None = None
    last_day: date | None = None
    energy: Range = Range()
    current: Range = Range()
    power: Range = Range()
    duration: Range = Range()
    days: frozenset[int] = frozenset(range(7))
    reservation: Reservation | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Restrictions":
        """From their JSON, which was checked."""
        reservation = given.get("reservation")
        return cls(
            _each(time.fromisoformat, given.get("start_time")),
            _each(time.fromisoformat, given.get("end_time")),
            _each(date.fromisoformat, given.get("start_date")),
            _each(date.fromisoformat, given.get("end_date")),
            _range(given, "kwh", 1_000_000),
            _range(given, "current", 1_000),
            _range(given, "power", 1_000),
            _range(given, "duration", 1),
            frozenset(map(DAYS.index, given.get("day_of_week") or DAYS)),
            None if reservation is None else Reservation(reservation),
        )

    def hold(self, moment: Moment) -> bool:
        """Whether they do, whatever is reserved."""
        return (
            self.hold_on(moment.local.date())
            and self.hold_at(moment.local.time())
            and self.energy.has(moment.used_mwh)
            and self.duration.has(moment.elapsed_s)
            and _known(self.power, moment.power_w)
            and _known(self.current, moment.current_ma)
        )

    def hold_on(self, day: date) -> bool:
        """Whether they allow a date."""
        return (
            day.weekday() in self.days
            and (self.first_day is None or day >= self.first_day)
            and (self.last_day is None or day < self.last_day)
        )

    def hold_at(self, at: time) -> bool:
        """Whether they allow a time of day; one that ends before it starts goes on over
        midnight, and an end of 00:00 is that of the day."""
        start, end = self.start or time.min, self.end or time.min
        return start <= at < end if start < end else at >= start or at < end

    @property
    def week(self) -> int:
        """The minutes of a week that they allow, as bits."""
        start, end = (_minute(each or time.min) for each in (self.start, self.end))
        if start < end:
            of_a_day = _bits(start, end)
        else:
            of_a_day = _bits(0, end) | _bits(start, MINUTES_OF_A_DAY)
        return sum(of_a_day << day * MINUTES_OF_A_DAY for day in self.days)

    def imply_but_for_the_week(self, other: "Restrictions") -> bool:
        """Whether another's hold whenever these do, the hours and days of the week aside."""
        return (
            other.reservation is self.reservation
            and (other.first_day is None or (self.first_day or date.min) >= other.first_day)
            and (other.last_day is None or (self.last_day or date.max) <= other.last_day)
            and other.energy.holds(self.energy)
            and other.current.holds(self.current)
            and other.power.holds(self.power)
            and other.duration.holds(self.duration)
        )


@frozen
class Element:
    """Components that are priced while some restrictions hold."""

    components: tuple[Component, ...]
    restrictions: Restrictions

    def component(self, dimension: Dimension) -> Component | None:
        """Its component of a dimension, if it has one."""
        return next((each for each in self.components if each.dimension is dimension), None)


@frozen
class Limit:
    """A least or most price of a session; C{incl} is C{None} where only one is given."""

    excl: Fraction
    incl: Fraction | None


@frozen
class OcpiTariff:
    """A tariff, to price with."""

    currency: str
    elements: tuple[Element, ...]
    least: Limit | None
    most: Limit | None

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> "OcpiTariff":
        """From its JSON, which was checked."""
        return cls(
            terms["currency"],
            tuple([_element(each) for each in terms["elements"]]),
            _limit(terms.get("min_price")),
            _limit(terms.get("max_price")),
        )

    @property
    def follows_draw(self) -> bool:
        """Whether power or current decide about a price."""
        return any(
            each.restrictions.power.bounded or each.restrictions.current.bounded
            for each in self.elements
        )

    @property
    def follows_use(self) -> bool:
        """Whether what was used before decides about a price."""
        return any(
            each.restrictions.energy.bounded or each.restrictions.duration.bounded
            for each in self.elements
        )


def number(value: float | str) -> Fraction:
    """A number of JSON as it was written, not as a float holds it."""
    return Fraction(Decimal(str(value)))


def _element(given: Mapping[str, Any]) -> Element:
    return Element(
        tuple(
            [
                Component(
                    Dimension(each["type"]),
                    number(each["price"]),
                    _each(number, each.get("vat")),
                    max(1, each["step_size"]),
                )
                for each in given["price_components"]
            ]
        ),
        Restrictions.of(given.get("restrictions", {})),
    )


def _limit(given: Mapping[str, Any] | None) -> Limit | None:
    if given is None:
        return None
    return Limit(number(given["excl_vat"]), _each(number, given.get("incl_vat")))


def _each(read: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else read(value)


def _range(given: Mapping[str, Any], name: str, factor: int) -> Range:
    bounds: Sequence[Fraction | None] = [
        None if given.get(f"{side}_{name}") is None else number(given[f"{side}_{name}"]) * factor
        for side in ("min", "max")
    ]
    return Range(*bounds)


def _known(within: Range, value: Fraction | int | None) -> bool:
    return not within.bounded or (value is not None and within.has(value))


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _bits(first: int, after: int) -> int:
    return (1 << after) - (1 << first)
