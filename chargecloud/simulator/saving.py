"""When a fleet's memory is written down."""

from collections.abc import Callable, Sequence

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.flash import FleetMemory, text_of

#: real seconds between two writes at the least: a fleet in which much happens is written
#: down in one go
LEAST_S = 2.0
#: real seconds between two writes while anything charges: what a kill may cost
CHARGING_S = 10.0


@define(eq=False, slots=False)
class Saving(Service):
    """
    Saves a fleet's memory soon after something has changed, and when it stops.

    @ivar write: writes the text of the memory down, elsewhere than in this thread.
    """

    memory: FleetMemory
    chargers: Sequence[SimulatedCharger]
    write: Callable[[str], "Deferred[None]"]
    clock: IReactorTime
    calendar: Calendar
    _timer: IDelayedCall | None = field(default=None, init=False)
    _saved_s: float = field(default=0.0, init=False)
    _turn: DeferredLock = field(factory=DeferredLock, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def startService(self) -> None:
        """Watch the chargers."""
        super().startService()
        for charger in self.chargers:
            charger.watchers.append(self._soon)
        self._soon()

    def stopService(self) -> "Deferred[None]":
        """Save a last time."""
        super().stopService()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        return self.save()

    def _soon(self) -> None:
        if self.running:
            self._within(max(0.0, self._saved_s + LEAST_S - self.clock.seconds()))

    def _within(self, delay_s: float) -> None:
        """Save after so long, if it is not to be done sooner already."""
        if self._timer is not None and self._timer.active():
            if self._timer.getTime() <= self.clock.seconds() + delay_s:
                return
            self._timer.cancel()
        self._timer = self.clock.callLater(delay_s, self._save_and_go_on)

    def _save_and_go_on(self) -> None:
        self.save()
        if any(charger.memory.is_charging for charger in self.chargers):
            self._within(CHARGING_S)

    def save(self) -> "Deferred[None]":
        """Save when the write before has ended; one that fails is made up for by the next."""
        saved: Deferred[None] = self._turn.run(self._write)
        return saved.addErrback(lambda why: self._log.failure("the fleet was not saved", why))

    def _write(self) -> "Deferred[None]":
        self._saved_s = self.clock.seconds()
        now = self.calendar.now()
        for charger in self.chargers:
            charger.advance(now)
        return self.write(text_of(self.memory))
