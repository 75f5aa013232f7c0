"""The calendar: the clock that orders, tariffs and days follow.

The program has two clocks.  The reactor's gives deadlines, leases, ids and tokens.  The
calendar's gives the date that people and bills see; a demonstration may shift it and let
it run faster.  In service the two agree: speed 1 and no shift.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from attrs import frozen


@frozen
class Anchor:
    """Where the calendar stood at an instant of the reactor's clock, and its speed.

    @ivar real_s: seconds of the reactor's clock (Unix time in service).
    @ivar calendar: the date and time then, in UTC.
    @ivar speed: calendar seconds in a real second; above zero.
    """

    real_s: float
    calendar: datetime
    speed: float = 1.0

    def at(self, real_s: float) -> datetime:
        """The calendar at another instant of the reactor's clock."""
        return self.calendar + timedelta(seconds=(real_s - self.real_s) * self.speed)


#: the calendar of real service: the reactor's clock is Unix time, and so is the date
TRUE_TIME = Anchor(0.0, datetime(1970, 1, 1, tzinfo=UTC))


@frozen
class Calendar:
    """The calendar over a clock.

    @ivar seconds: the reactor's C{seconds}.
    """

    seconds: Callable[[], float]
    anchor: Anchor = TRUE_TIME

    def now(self) -> datetime:
        """The date and time, in UTC."""
        return self.anchor.at(self.seconds())

    @property
    def is_true(self) -> bool:
        """Whether the date is the real one."""
        return self.anchor == TRUE_TIME
