"""A simulated charger: the device's own logic, without a network.

Its time is the calendar's, in whole seconds since its start.  Whatever depends on the time
is given the calendar's now, and does first what has become due since the last time: a
limit that was reached in between has ended its charge at the exact second and mWh.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import define, evolve, field

from chargecloud.domain.charger import ChargerTime
from chargecloud.domain.commands import Answer, Command, SetTime, StartCharge, StopCharge
from chargecloud.domain.events import ChargeEnded, ChargeStarted, StopReason
from chargecloud.simulator.bikes import Bike
from chargecloud.simulator.charge import Charge
from chargecloud.simulator.memory import Memory, Port, Record

#: records that wait for the cloud.  A charger without room for the ends of all its charges
#: and one more begins none, as it could not tell of it.
RECORD_LIMIT = 100

OK = Answer(accepted=True)
_SECOND = timedelta(seconds=1)


@define(eq=False)
class SimulatedCharger:
    """
    @ivar memory: what outlives a cut of its power.
    @ivar booted_at: when it was started, by the calendar.
    @ivar told_end: is told of each end of a charge, and of its instant, as it is recorded.
    @ivar watchers: called when something has changed that is to be sent and kept.
    @ivar uptime_s: whole seconds of the calendar since the start.
    """

    identity: str
    memory: Memory
    booted_at: datetime
    told_end: Callable[[ChargeEnded, datetime], None]
    watchers: list[Callable[[], None]] = field(factory=list)
    uptime_s: int = field(default=0, init=False)
    _unix_at_boot_s: int | None = field(default=None, init=False)

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
        if until_s <= self.uptime_s:
            return
        due = sorted(end for end in self._ends() if end[0] <= until_s)
        for at_s, number, reason in due:
            self._charge_on(at_s)
            self._end(self.port(number), reason)
        self._charge_on(until_s)
        if due:
            self._changed()

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
            if port.charge is not None and port.bike is not None:
                port.charge.charged_s += elapsed_s
                port.meter_mwh = port.charge.meter_mwh(port.bike.curve)

    # ------------------------------------------------------------------ what people do

    def plug(self, number: int, bike: Bike, now: datetime) -> None:
        """
        Put a bike's plug into a port.

        @raise ValueError: if another one is in it.
        """
        port = self.port(number)
        if port.bike is not None:
            raise ValueError(f"port {number} of {self.identity} has a bike already")
        self.advance(now)
        port.bike = bike
        self._changed()

    def unplug(self, number: int, now: datetime) -> None:
        """Pull the plug out of a port; a charge that runs there ends."""
        port = self.port(number)
        self.advance(now)
        if port.charge is not None:
            self._end(port, StopReason.UNPLUGGED)
        port.bike = None
        self._changed()

    # ------------------------------------------------------------ what the cloud tells it

    def set_clock(self, unix_s: int) -> None:
        """Take the time from the cloud."""
        self._unix_at_boot_s = unix_s - self.uptime_s

    def obey(self, command: Command, now: datetime) -> Answer:
        """Do what the cloud wants, and say what became of it."""
        self.advance(now)
        obeyed = _OBEY.get(type(command))
        if obeyed is None:
            return Answer(accepted=False, code="unknown-command")
        objection = obeyed(self, command)
        return OK if objection is None else Answer(accepted=False, code=objection)

    def forget(self, record: int) -> None:
        """The cloud has a record, or does not want it."""
        self.memory.records.pop(record, None)

    def _start(self, command: StartCharge) -> str | None:
        try:
            port = self.port(command.port)
        except LookupError:
            return "no-such-port"
        if port.charge is not None and port.charge.order_id == command.order_id:
            # the start was sent again
            return None
        bike = port.bike
        if port.is_faulty:
            return "fault"
        if self._is_past(command.valid_until_s):
            return "expired"
        if port.charge is not None:
            return "busy"
        if bike is None:
            return "not-plugged"
        if port.last_order_id == command.order_id or not self._has_room():
            return "refused"
        port.charge = Charge.begin(command, port.meter_mwh, bike.curve, bike.place_s)
        port.last_order_id = command.order_id
        self._record(ChargeStarted(command.order_id, port.number, port.meter_mwh, self._time))
        self._changed()
        return None

    def _stop(self, command: StopCharge) -> str | None:
        try:
            port = self.port(command.port)
        except LookupError:
            return "no-such-port"
        if port.charge is None:
            # an order that has ended already has told so by its record
            return None
        if port.charge.order_id != command.order_id:
            return "refused"
        self._end(port, StopReason.REMOTE)
        self._changed()
        return None

    def _set_time(self, command: SetTime) -> str | None:
        self.set_clock(command.unix_s)
        return None

    def _is_past(self, unix_s: int) -> bool:
        """Whether an instant is past; without a clock, none is known to be still to come."""
        return self._unix_at_boot_s is None or self._unix_at_boot_s + self.uptime_s > unix_s

    def _has_room(self) -> bool:
        """Whether there is room for a start, its end, and the ends of what runs."""
        running = sum(port.charge is not None for port in self.memory.ports)
        return len(self.memory.records) + running + 2 <= RECORD_LIMIT

    # ------------------------------------------------------------------------- its records

    @property
    def _time(self) -> ChargerTime:
        return ChargerTime(self.memory.boot, self.uptime_s)

    def _end(self, port: Port, reason: StopReason) -> None:
        charge, bike = port.charge, port.bike
        assert charge is not None
        assert bike is not None
        ended = ChargeEnded(
            charge.order_id,
            port.number,
            charge.start_meter_mwh,
            port.meter_mwh,
            charge.charged_s,
            reason,
            self._time,
        )
        port.charge = None
        port.bike = evolve(bike, place_s=charge.from_s + charge.charged_s)
        self._record(ended)
        self.told_end(ended, self.booted_at + self.uptime_s * _SECOND)

    def _record(self, record: Record) -> None:
        self.memory.records[self.memory.next_record] = record
        self.memory.next_record += 1

    def _changed(self) -> None:
        for watcher in self.watchers:
            watcher()


_OBEY: Mapping[type[Command], Callable[[SimulatedCharger, Any], str | None]] = {
    StartCharge: SimulatedCharger._start,
    StopCharge: SimulatedCharger._stop,
    SetTime: SimulatedCharger._set_time,
}
