"""The relays and meters of a simulated charger, and its time.

Its time is the calendar's, in whole seconds since its start.  Whatever depends on the time
is given the calendar's now, and does first what has become due since the last time: a
limit that was reached in between has ended its charge at the exact second and mWh.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from attrs import define, evolve, field, frozen

from chargecloud.domain.charger import ChargerTime, PortState
from chargecloud.domain.events import ChargeEnded, ChargeStarted, PortReading, StopReason
from chargecloud.simulator.bikes import Bike
from chargecloud.simulator.charge import Charge
from chargecloud.simulator.memory import Memory, Port

_SECOND = timedelta(seconds=1)


@frozen
class Stayed:
    """
    A bike that stayed after it was cut off.

    @ivar power_dw: what it drew at last, as the cloud was told.
    @ivar seconds: how long it stayed, by the charger's clock.
    """

    order_id: int
    power_dw: int
    seconds: int


@define(eq=False)
class Relays:
    """
    @ivar memory: what outlives a cut of its power.
    @ivar booted_at: when it was started, by the calendar.
    @ivar told_end: is told of each end of a charge, and of its instant, as it is recorded.
    @ivar told_stay: is told how long a bike stayed that was cut off, once the cloud is.
    @ivar resumes: whether charges go on after a cut of the power, or end by it.
    @ivar watchers: called when something has changed that is to be sent and kept.
    @ivar uptime_s: whole seconds of the calendar since the start.
    @ivar is_powered: whether there is mains.
    """

    identity: str
    memory: Memory
    booted_at: datetime
    told_end: Callable[[ChargeEnded, datetime], None]
    told_stay: Callable[[Stayed], None] = lambda _stayed: None
    resumes: bool = True
    watchers: list[Callable[[], None]] = field(factory=list)
    uptime_s: int = field(default=0, init=False)
    is_powered: bool = field(default=True, init=False)
    _told_dw: dict[int, int] = field(factory=dict, init=False)
    _cut_off: dict[int, Stayed] = field(factory=dict, init=False)

    def port(self, number: int) -> Port:
        """
        One of its ports, which are numbered from 1.

        @raise LookupError: if there is none of that number.
        """
        if number < 1:
            raise LookupError(f"port {number}")
        return self.memory.ports[number - 1]

    # ---------------------------------------------------------------------------- time

    def advance(self, now: datetime) -> None:
        """Charge on until now, and end what has come to its end, in the order of time.  A
        calendar that is set back changes nothing."""
        until_s = (now - self.booted_at) // _SECOND
        if not self.is_powered or until_s <= self.uptime_s:
            return
        due = sorted(end for end in self._ends() if end[0] <= until_s)
        for at_s, number, reason in due:
            self._charge_on(at_s)
            self._end(self.port(number), reason)
        self._charge_on(until_s)
        if due:
            self.changed()

    @property
    def next_end_s(self) -> int | None:
        """The uptime at which the next charge will end by itself."""
        return min((at_s for at_s, _, _ in self._ends()), default=None)

    def _ends(self) -> list[tuple[int, int, StopReason]]:
        """At which uptimes charges will end by themselves, at which ports, and why."""
        return [
            (self.uptime_s + max(0, ending.after_s - charge.charged_s), port.number, ending.reason)
            for port in self.memory.ports
            if (charge := port.charge) is not None and (ending := charge.ending) is not None
        ]

    def _charge_on(self, until_s: int) -> None:
        elapsed_s, self.uptime_s = until_s - self.uptime_s, until_s
        for port in self.memory.ports:
            if port.charge is not None:
                port.charge.charged_s += elapsed_s
                port.count()

    # ------------------------------------------------------------------- the mains

    def cut_power(self, now: datetime) -> None:
        """The mains fail: nothing charges, and no time passes."""
        self.advance(now)
        self.is_powered = False

    def power_up(self, now: datetime) -> None:
        """
        The mains are back: a new start, with what was kept in memory.

        @raise ValueError: if they were not away.
        """
        if self.is_powered:
            raise ValueError(f"{self.identity} has power")
        cut, cut_at = self._time, self._instant
        self.memory.boot += 1
        self.booted_at, self.uptime_s, self.is_powered = now, 0, True
        for port in self.memory.ports:
            if port.charge is not None and not self.resumes:
                self._end(port, StopReason.POWER_CUT, cut, cut_at)
        self.changed()

    # ------------------------------------------------------------------- its charges

    def begin(self, port: Port, charge: Charge) -> None:
        """Close a port's relay for a charge."""
        assert port.bike is not None
        charge.come(port.bike.curve, port.bike.place_s)
        port.charge, port.last_order_id = charge, charge.order_id or port.last_order_id
        self.memory.record(
            ChargeStarted(charge.order_id, port.number, port.meter_mwh, self._time, charge.offline)
        )
        self.changed()

    def end(self, port: Port, reason: StopReason) -> None:
        """Open a port's relay."""
        self._end(port, reason)
        self.changed()

    def _end(
        self,
        port: Port,
        reason: StopReason,
        at: ChargerTime | None = None,
        instant: datetime | None = None,
    ) -> None:
        charge = port.charge
        assert charge is not None
        ended = ChargeEnded(
            charge.order_id,
            port.number,
            charge.start_meter_mwh,
            port.meter_mwh,
            charge.charged_s,
            reason,
            at or self._time,
            charge.offline if charge.order_id is None else None,
        )
        if reason is StopReason.FULL and port.bike is not None and charge.order_id is not None:
            power_dw = self._told_dw.get(port.number, port.bike.curve.power_dw(charge.place_s))
            self._cut_off[port.number] = Stayed(charge.order_id, power_dw, self.uptime_s)
        port.bike, port.charge = bike_of(port), None
        self.memory.record(ended)
        self.told_end(ended, instant or self._instant)

    def tells(self, reading: PortReading) -> None:
        """The cloud is told what a port measures."""
        if reading.power_dw and reading.order_id is not None:
            self._told_dw[reading.port] = reading.power_dw
        if reading.state is not PortState.IDLE:
            return
        stayed = self._cut_off.pop(reading.port, None)
        if stayed is not None:
            self.told_stay(evolve(stayed, seconds=self.uptime_s - stayed.seconds))

    @property
    def _time(self) -> ChargerTime:
        return ChargerTime(self.memory.boot, self.uptime_s)

    @property
    def _instant(self) -> datetime:
        return self.booted_at + self.uptime_s * _SECOND

    def changed(self) -> None:
        """Tell those who watch."""
        for watcher in self.watchers:
            watcher()


def bike_of(port: Port) -> Bike | None:
    """The bike at a port as it is now."""
    if port.bike is None or port.charge is None:
        return port.bike
    return evolve(port.bike, place_s=port.charge.place_s)
