"""Cuts of the chargers' power, now and then."""

from collections.abc import Callable, Sequence
from random import Random

from attrs import define, field, frozen
from twisted.application.internet import ClientService
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chargecloud.calendar import Calendar
from chargecloud.simulator.link import Link


@frozen
class Supplied:
    """A charger on the mains.

    @ivar service: keeps its link up while it has power.
    """

    link: Link
    service: ClientService


@define(eq=False, slots=False)
class Blackouts(Service):
    """
    @ivar supplied: chargers by the line that feeds them: those of one fail together.
    @ivar save: saves the chargers' memory: a start is not used before its number is kept.
    @ivar gap_s: from the end of one cut to the next, for each line on average, in seconds
        of the calendar.
    @ivar lasting_s: how long a cut lasts, at the least and at the most.
    """

    supplied: Sequence[Sequence[Supplied]]
    save: Callable[[], "Deferred[None]"]
    gap_s: int
    lasting_s: tuple[int, int]
    clock: IReactorTime
    calendar: Calendar
    random: Random
    _calls: dict[int, IDelayedCall] = field(factory=dict, init=False)

    def startService(self) -> None:
        """Begin with all chargers under power."""
        super().startService()
        for number in range(len(self.supplied)):
            self._expect(number)

    def stopService(self) -> None:
        """No more cuts; who has no power gets it back, so that all goes on by itself."""
        super().stopService()
        for number, call in self._calls.items():
            if call.active():
                call.cancel()
            self._give(number)
        self._calls.clear()

    def _expect(self, number: int) -> None:
        self._after(self.random.expovariate(1 / self.gap_s), self._cut, number)

    def _after(self, calendar_s: float, step: Callable[[int], None], number: int) -> None:
        real_s = calendar_s / self.calendar.anchor.speed
        self._calls[number] = self.clock.callLater(real_s, step, number)

    def _cut(self, number: int) -> None:
        for supplied in self.supplied[number]:
            supplied.link.charger.cut_power(self.calendar.now())
            supplied.link.cut()
            supplied.service.stopService()
        self._after(self.random.uniform(*self.lasting_s), self._restore, number)

    def _restore(self, number: int) -> None:
        self._give(number)
        self.save().addCallback(self._connect, number)
        self._expect(number)

    def _connect(self, _saved: None, number: int) -> None:
        for supplied in self.supplied[number]:
            if self.running and supplied.link.charger.is_powered:
                supplied.service.startService()

    def _give(self, number: int) -> None:
        for supplied in self.supplied[number]:
            charger = supplied.link.charger
            if not charger.is_powered:
                charger.power_up(self.calendar.now())
