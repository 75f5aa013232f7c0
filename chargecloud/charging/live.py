"""What the ports of connected chargers said last."""

from datetime import datetime

from attrs import define, evolve, field, fields, frozen

from chargecloud.domain.charger import PortState
from chargecloud.domain.events import PortReading


@frozen
class LivePort:
    """
    @ivar reading: the newest value of each quantity; C{None} for what was never said.
    @ivar at: when the newest of them was taken.
    """

    reading: PortReading
    at: datetime


@define(eq=False)
class LivePorts:
    """The newest readings, in memory: a charger tells them anew when it comes back."""

    _ports: dict[int, dict[int, LivePort]] = field(factory=dict, init=False)

    def take(self, charger_id: int, reading: PortReading, at: datetime) -> None:
        """A port was read.  What the reading does not say stays as it was."""
        ports = self._ports.setdefault(charger_id, {})
        before = ports.get(reading.port)
        if before is not None:
            said = {
                attribute.name: value
                for attribute in fields(PortReading)
                if (value := getattr(reading, attribute.name)) is not None
                and value is not PortState.UNKNOWN
            }
            reading = evolve(before.reading, **said)
        ports[reading.port] = LivePort(reading, at)

    def of(self, charger_id: int) -> dict[int, LivePort]:
        """By port; empty if the charger has said nothing yet."""
        return self._ports.get(charger_id, {})
