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
from chargecloud.domain.tariff import Mark

#: how far ahead changes of price are looked for at a time
HORIZON = timedelta(days=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

#: the instants within (after, until] at which an order's price changes
Boundaries = Callable[[datetime, datetime], list[datetime]]


@define
class Track:
    """
    @ivar order: as it is written down.
    @ivar rated_w: what its charger can give at the most.
    @ivar marks: the readings so far, beyond what is written down.
    @ivar stop_reason: why we have asked the charger to stop, once we have.
    @ivar amount_fen: what the charge cost at the last reading.
    """

    order: Order
    boundaries: Boundaries
    rated_w: int
    marks: tuple[Mark, ...] = ()
    amount_fen: int = 0
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
            worth writing down.  A reading that goes back in time or energy is passed
            over: totals are monotonic, and a later one will tell.
        """
        if not self.marks:
            return False
        last = self.marks[-1]
        if mark.at <= last.at or mark.meter_mwh < last.meter_mwh:
            return False
        if self._crossed(last.at, mark.at):
            self.marks = (*self.marks, mark)
            self._fixed = len(self.marks)
            return True
        self.marks = (*self.marks[: self._fixed], mark)
        return False

    def until(self, end: Mark) -> tuple[Mark, ...]:
        """The marks of the whole charge, with its end; readings beyond the end record are
        dropped, as the record decides."""
        kept = [mark for mark in self.marks if mark.at < end.at and mark.meter_mwh <= end.meter_mwh]
        return (*kept, end)

    def _crossed(self, after: datetime, until: datetime) -> bool:
        """Whether a price changed within (after, until]."""
        if until > self._looked_until:
            start = max(after, self._looked_until)
            self._looked_until = until + HORIZON
            self._ahead += self.boundaries(start, self._looked_until)
        while self._ahead and self._ahead[0] <= after:
            self._ahead.popleft()
        return bool(self._ahead) and self._ahead[0] <= until
