"""What the ports of connected chargers said last."""

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeVar

from attrs import define, field, fields, frozen

from chargecloud.domain.charger import PortState
from chargecloud.domain.events import BoxReading, PortReading
from chargecloud.domain.parameters import Values

R = TypeVar("R", PortReading, BoxReading)


@frozen
class LivePort:
    """
    @ivar reading: the newest value of each quantity; C{None} for what was never said.
    @ivar at: when the newest of them was taken.
    """

    reading: PortReading
    at: datetime


@frozen
class LiveBox:
    """
    @ivar reading: the newest value of each quantity; C{None} for what was never said.
    @ivar at: when the newest of them was taken.
    """

    reading: BoxReading
    at: datetime


@define(eq=False)
class LivePorts:
    """The newest readings, in memory: a charger tells them anew when it comes back."""

    _ports: dict[int, dict[int, LivePort]] = field(factory=dict, init=False)
    _boxes: dict[int, LiveBox] = field(factory=dict, init=False)
    _parameters: dict[int, Values] = field(factory=dict, init=False)

    def take(self, charger_id: int, reading: PortReading, at: datetime) -> None:
        """A port was read.  What the reading does not say stays as it was."""
        ports = self._ports.setdefault(charger_id, {})
        before = ports.get(reading.port)
        if before is not None:
            reading = _newest(before.reading, reading)
        ports[reading.port] = LivePort(reading, at)

    def sense(self, charger_id: int, reading: BoxReading, at: datetime) -> None:
        """A box was read.  What the reading does not say stays as it was."""
        before = self._boxes.get(charger_id)
        if before is not None:
            reading = _newest(before.reading, reading)
        self._boxes[charger_id] = LiveBox(reading, at)

    def set(self, charger_id: int, parameters: Values) -> None:
        """A charger has told what is set, or taken what was to be set."""
        self._parameters[charger_id] = {**self._parameters.get(charger_id, {}), **parameters}

    def of(self, charger_id: int) -> dict[int, LivePort]:
        """By port; empty if the charger has said nothing yet."""
        return self._ports.get(charger_id, {})

    def box(self, charger_id: int) -> LiveBox | None:
        """C{None} if the charger has said nothing of itself yet."""
        return self._boxes.get(charger_id)

    def parameters(self, charger_id: int) -> Values:
        """What is set, as far as it was told."""
        return self._parameters.get(charger_id, {})


_values: Mapping[type, Callable[[Any], tuple[Any, ...]]] = {
    kind: attrgetter(*[attribute.name for attribute in fields(kind)])
    for kind in (PortReading, BoxReading)
}


def _newest(before: R, reading: R) -> R:
    """What a reading says, and where it says nothing what was said before."""
    values = _values[type(reading)]
    return type(reading)(
        *[
            old if new is None or new is PortState.UNKNOWN else new
            for old, new in zip(values(before), values(reading), strict=True)
        ]
    )
