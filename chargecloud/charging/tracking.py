"""A running order in memory: the readings that its bill and its curve will need.

A bill splits energy by the instants at which prices change.  Of all readings it needs
the ones on both sides of such an instant, the first and the last; these are its marks,
and all others go to the curve and may then be forgotten.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from attrs import define, field

from chargecloud.charging.curves import Sample
from chargecloud.charging.ends_told import EndTold
from chargecloud.domain.charger import PortState
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.drawing import Drawing, Finding
from chargecloud.domain.events import PortReading, StopReason
from chargecloud.domain.order_value import Order
from chargecloud.domain.plausible import FIRST_READING, believed_start, is_told, most_mwh
from chargecloud.domain.tariff import Mark

#: how far ahead changes of price are looked for at a time
HORIZON = timedelta(days=1)
#: a charge that is younger says little of how it goes on
LEAST_TO_GO_BY_S = 60
#: a power that was read says nothing of what was drawn longer ago than this
LONGEST_STEP_S = 300
#: readings that wait to be written down; beyond it (the database is away) every other one goes
MOST_SAMPLES = 1_000
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
#: 0.1 W for 36 s is 1 mWh
_DWS_PER_MWH = 36

#: the instants within (after, until] at which an order's price changes
Boundaries = Callable[[datetime, datetime], list[datetime]]

_PLUGGED = {PortState.IDLE: False, PortState.PLUGGED: True}


@define
class Track:
    """
    @ivar order: as it is written down.
    @ivar told: as it will be, once what its charger has told of its start comes out of the spool;
        C{None} if nothing waits there.
    @ivar rated_w: what its charger can give at the most.
    @ivar rules: how it is cut off.
    @ivar dialect: its charger's.
    @ivar register_before_mwh: the port's register at the end of the charge before.
    @ivar marks: the readings so far, beyond what is written down.
    @ivar basis: the rule by which the first of them was taken.
    @ivar told_start_mwh: the register that the charger told when it started.
    @ivar samples: readings that are still to be written down.
    @ivar tried_at: when it was last tried to write them down.
    @ivar stop_reason: why we have asked the charger to stop, once we have; C{stop_asked_at}
        is when we first did, and C{stop_sent_at} when we last did.
    @ivar told_unstoppable: whether people know that it does not stop.
    @ivar boot: the charger's start in which it last told of this charge.
    @ivar waits_for_plug: whether its start is accepted, and waits for somebody to plug in.
    @ivar named_at: when a reading first said that the port charges for it.
    @ivar denied_at: since when the charger does not tell of it any more, although it tells
        of its port.
    @ivar end_told: what else it says of the charge's end, without a record of it.
    """

    order: Order
    boundaries: Boundaries
    rated_w: int
    rules: CutOff
    register_before_mwh: int | None = None
    dialect: str = ""
    told: Order | None = field(default=None, init=False)
    marks: tuple[Mark, ...] = ()
    basis: str | None = None
    told_start_mwh: int | None = None
    samples: list[Sample] = field(factory=list)
    tried_at: datetime | None = None
    stop_reason: StopReason | None = None
    stop_asked_at: datetime | None = None
    stop_sent_at: datetime | None = None
    told_unstoppable: bool = False
    boot: int | None = None
    denied_at: datetime | None = None
    named_at: datetime | None = None
    waits_for_plug: bool = False
    end_told: EndTold = field(factory=EndTold)
    drawing: Drawing | None = field(default=None, init=False)
    _last: Sample | None = field(default=None, init=False)
    _drawn_dws: int = field(default=0, init=False)
    _fixed: int = field(default=0, init=False)
    #: changes of price that are still to come, and how far they were looked for
    _ahead: deque[datetime] = field(factory=deque, init=False)
    _looked_until: datetime = field(default=LONG_AGO, init=False)

    def __attrs_post_init__(self) -> None:
        self.begin(self.order)

    @property
    def present(self) -> Order:
        """The order by all that was told of it."""
        return self.told or self.order

    def foresee(self, order: Order) -> None:
        """The charge has begun, and that is still to be written down: its readings count."""
        before = self.order
        self.begin(order)
        self.order, self.told = before, order

    def begin(self, order: Order) -> None:
        """The charge has begun, or is taken up again: what is written down of it is known.  What
        was read since a start that was foreseen is kept."""
        if self.told is not None and self.told.started_at == order.started_at:
            self.order, self.told = order, None
            return
        self.order = order
        self.marks, self.basis = order.marks, order.basis
        self._fixed = len(order.marks)
        self.end_told = EndTold()
        if order.basis is None:
            self.told_start_mwh = order.start_meter_mwh
        if order.started_at is not None:
            started_s = int(order.started_at.timestamp())
            self.drawing = Drawing(self.rules, order.until_full, started_s)

    def denied(self, reading: PortReading, at: datetime, now_s: float) -> None:
        """Its charger tells of the port, and not of it.

        @param now_s: by the reactor's clock.
        """
        self.denied_at = self.denied_at or at
        self.end_told.denied(reading, now_s)

    def told_of(self) -> None:
        """Its charger tells of it, whatever it said before."""
        self.denied_at, self.end_told = None, EndTold()

    def take(self, reading: PortReading, at: datetime) -> Finding | None:
        """
        Keep a reading for the curve, and see by it how the charge is going on.

        @return: what follows from the power that is drawn; C{None} if it is not known.
        """
        if at < self._last_at(at):
            return None
        if len(self.samples) >= MOST_SAMPLES:
            del self.samples[::2]
        sample = Sample(
            at,
            reading.power_dw,
            reading.meter_mwh,
            reading.voltage_dv,
            reading.current_ma,
            reading.temperature_dc,
        )
        self.samples.append(sample)
        return self._follow(sample, _PLUGGED.get(reading.state))

    def replay(self, samples: Sequence[Sample]) -> None:
        """Take up what was written down of the curve, as if it were read just now."""
        for sample in samples:
            self._follow(sample, None)

    def _last_at(self, at: datetime) -> datetime:
        return self._last.at if self._last else self.present.started_at or at

    def _follow(self, sample: Sample, plugged: bool | None) -> Finding | None:
        gap_s = (sample.at - self._last_at(sample.at)) // _SECOND
        power_dw, self._last = self._power_dw(sample, gap_s), sample
        if power_dw is not None:
            self._drawn_dws += power_dw * min(gap_s, LONGEST_STEP_S)
        if self.drawing is None:
            return None
        if gap_s > LONGEST_STEP_S:
            # the power or the link was away, or we were: nobody knows what went on
            self.drawing.skip(gap_s - LONGEST_STEP_S)
        return self.drawing.take(int(sample.at.timestamp()), power_dw, plugged)

    def _power_dw(self, sample: Sample, since_s: int) -> int | None:
        """The power that was read, or what the meter's last step comes to."""
        if sample.power_dw is not None or self._last is None or since_s < 1:
            return sample.power_dw
        if sample.meter_mwh is None or self._last.meter_mwh is None:
            return None
        return max(0, sample.meter_mwh - self._last.meter_mwh) * _DWS_PER_MWH // since_s

    @property
    def energy_mwh(self) -> int:
        """Energy so far, by the newest reading."""
        return self.marks[-1].meter_mwh - self.marks[0].meter_mwh if self.marks else 0

    @property
    def drawn_mwh(self) -> int:
        """What the readings of power come to; roughly."""
        return self._drawn_dws // _DWS_PER_MWH

    @property
    def float_dw(self) -> int | None:
        """What a full battery draws at last."""
        if self.drawing is not None and self.drawing.float_dw is not None:
            return self.drawing.float_dw
        return self._last.power_dw if self._last else None

    def observe(self, mark: Mark) -> bool:
        """
        Take a reading of the meter.

        @return: whether the marks are worth writing down: a price has changed since the
            last one, or it is now known with which register the charge began.  A reading
            that goes back in time or energy, or on by more than the charger can give, is
            passed over: totals are monotonic, one that is absurd would keep all true ones
            out, and a later one will tell.
        """
        started_at = self.present.started_at
        if started_at is None or mark.at < started_at:
            return False
        if not self.marks:
            self._begin_with(mark, started_at)
            return True
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

    def _begin_with(self, mark: Mark, started_at: datetime) -> None:
        """The first reading of a charge that began with a register of zero, or none."""
        assert not is_told(self.told_start_mwh)
        found = believed_start(
            self.told_start_mwh,
            self.register_before_mwh,
            mark.meter_mwh,
            most_mwh(self.rated_w, (mark.at - started_at) // _SECOND),
        )
        start_mwh, self.basis = found or (mark.meter_mwh, FIRST_READING)
        self.marks = (Mark(started_at, start_mwh), mark)
        self._fixed = 1

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
