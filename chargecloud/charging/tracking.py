"""A running order in memory: the readings that its bill will need.

A bill splits energy by the instants at which prices change.  Of all readings it needs
the ones on both sides of such an instant, the first and the last; these are its marks,
and all others may be forgotten.
"""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from attrs import define, field

from chargecloud.domain.events import StopReason
from chargecloud.domain.order import Order
from chargecloud.domain.plausible import most_mwh
from chargecloud.domain.tariff import Mark

#: how far ahead changes of price are looked for at a time
HORIZON = timedelta(days=1)
#: a charge that is younger says little of how it goes on
LEAST_TO_GO_BY_S = 60
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)

#: the instants within (after, until] at which an order's price changes
Boundaries = Callable[[datetime, datetime], list[datetime]]


@define
class Track:
    """
    @ivar order: as it is written down.
    @ivar rated_w: what its charger can give at the most.
    @ivar marks: the readings so far, beyond what is written down.
    @ivar stop_reason: why we have asked the charger to stop, once we have.
    """

    order: Order
    boundaries: Boundaries
    rated_w: int
    marks: tuple[Mark, ...] = ()
    stop_reason: StopReason | None = None
    _fixed: int = field(default=0, init=False)
    #: changes of price that are still to come, and how far they were looked for
    _ahead: deque[datetime] = field(factory=deque, init=False)
    _looked_until: datetime = field(default=LONG_AGO, init=False)

    def __attrs_post_init__(self) -> None:
        self.marks = self.order.marks
        self._fixed = len(self.marks)

    def begin(self, order: Order) -> None:
        """The charge has begun: its first mark is known."""
        self.order = order
        self.marks = order.marks
        self._fixed = len(order.marks)

    def observe(self, mark: Mark) -> bool:
        """
        Take a reading.

        @return: whether a price has changed since the last one, so that the marks are
            worth writing down.  A reading that goes back in time or energy, or on by more
            than the charger can give, is passed over: totals are monotonic, one that is
            absurd would keep all true ones out, and a later one will tell.
        """
        if not self.marks:
            return False
        last = self.marks[-1]
        since_s = (mark.at - last.at) // _SECOND
        gained_mwh = mark.meter_mwh - last.meter_mwh
        if mark.at <= last.at or not 0 <= gained_mwh <= most_mwh(self.rated_w, since_s):
            return False
        if self._crossed(last.at, mark.at):
            self.marks = (*self.marks, mark)
            self._fixed = len(self.marks)
            return True
        self.marks = (*self.marks[: self._fixed], mark)
        return False

    def expected(self, ahead_s: int) -> Mark:
        """The register so many seconds after the last reading, if the charge goes on as it
        has on the whole: a gap between readings, or a coarse meter, makes no leap of it."""
        first, last = self.marks[0], self.marks[-1]
        gone_s = max((last.at - first.at) // _SECOND, LEAST_TO_GO_BY_S)
        gain_mwh = (last.meter_mwh - first.meter_mwh) * ahead_s // gone_s
        return Mark(last.at + ahead_s * _SECOND, last.meter_mwh + gain_mwh)

    def until(self, end: Mark) -> tuple[Mark, ...]:
        """The marks of the whole charge, with its end; readings beyond the end record are
        dropped, as the record decides.  The first one stays also where the end is told for
        the same instant: the energy between the two is what is billed."""
        return (
            *(m for m in self.marks if m.at <= end.at and m.meter_mwh <= end.meter_mwh),
            end,
        )

    def _crossed(self, after: datetime, until: datetime) -> bool:
        """Whether a price changed within (after, until]."""
        if until > self._looked_until:
            start = max(after, self._looked_until)
            self._looked_until = until + HORIZON
            self._ahead += self.boundaries(start, self._looked_until)
        while self._ahead and self._ahead[0] <= after:
            self._ahead.popleft()
        return bool(self._ahead) and self._ahead[0] <= until
