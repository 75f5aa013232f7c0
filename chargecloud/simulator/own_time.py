"""What the sessions of vendors' dialects share: their charger, and its time."""

from datetime import datetime, timedelta

from attrs import define

from chargecloud.calendar import Calendar
from chargecloud.domain.charger import ChargerTime, Told
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.speaking import Connecting


@define(eq=False)
class OwnTime:
    """A session of a charger that counts the seconds since its start."""

    connecting: Connecting

    @property
    def charger(self) -> SimulatedCharger:
        """Whose session it is."""
        return self.connecting.charger

    @property
    def calendar(self) -> Calendar:
        """Its time."""
        return self.connecting.calendar

    def until_s(self, uptime_s: int) -> float:
        """Real seconds until the charger is up for so long."""
        at = self.charger.booted_at + timedelta(seconds=uptime_s)
        left_s: float = (at - self.calendar.now()).total_seconds()
        return left_s / self.calendar.anchor.speed

    def instant(self, at: Told) -> datetime:
        """When a record is from; what was kept through a start of its own is from now."""
        if isinstance(at, ChargerTime) and at.boot == self.charger.memory.boot:
            return self.charger.booted_at + timedelta(seconds=at.uptime_s)
        return self.calendar.now()
