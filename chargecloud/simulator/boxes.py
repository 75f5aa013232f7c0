"""Chargers as people find them in the street."""

from datetime import datetime

from attrs import frozen

from chargecloud.simulator.charger import SimulatedCharger


@frozen
class Box:
    """A charger as people find it in the street, with the id that stands on it."""

    charger_id: str
    charger: SimulatedCharger

    @property
    def free_ports(self) -> list[int]:
        """Numbers of the ports with no plug in them and no lamp beside them that is lit: the
        charge of somebody whose plug has just been pulled may still go on."""
        ports = self.charger.memory.ports
        return [port.number for port in ports if port.bike is None and port.charge is None]

    @property
    def taken_ports(self) -> list[int]:
        """Numbers of the ports with a plug in them."""
        return [port.number for port in self.charger.memory.ports if port.bike is not None]


@frozen
class Spot:
    """A port of a box."""

    box: Box
    port: int

    def unplug(self, now: datetime) -> None:
        """Take the bike away."""
        self.box.charger.unplug(self.port, now)

    def is_lit(self, now: datetime) -> bool:
        """Whether the lamp beside the socket says that it charges."""
        charger = self.box.charger
        charger.advance(now)
        return charger.is_powered and charger.port(self.port).charge is not None
