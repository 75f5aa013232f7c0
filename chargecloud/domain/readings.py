"""What a report of several readings says of each port."""

from collections.abc import Sequence
from typing import Any

from attrs import fields

from chargecloud.domain.charger import PortState
from chargecloud.domain.events import PortReading

_QUANTITIES = [
    attribute.name for attribute in fields(PortReading) if attribute.name not in ("port", "state")
]


def one_for_each_port(readings: Sequence[PortReading]) -> Sequence[PortReading]:
    """
    The readings of a report, one for each port.

    A port that is named twice says a quantity only where both agree, or one of them is
    silent: of two different values of one quantity at one moment neither is known to be
    the right one, and the last one is not right for being last.
    """
    by_port: dict[int, list[PortReading]] = {}
    for reading in readings:
        by_port.setdefault(reading.port, []).append(reading)
    # nearly always nothing was named twice
    if len(by_port) == len(readings):
        return readings
    return tuple(_agreed(of_port) for of_port in by_port.values())


def _agreed(of_port: Sequence[PortReading]) -> PortReading:
    said: dict[str, Any] = {}
    for name in _QUANTITIES:
        values = {getattr(reading, name) for reading in of_port} - {None}
        said[name] = values.pop() if len(values) == 1 else None
    states = {reading.state for reading in of_port} - {PortState.UNKNOWN}
    state = states.pop() if len(states) == 1 else PortState.UNKNOWN
    return PortReading(of_port[0].port, state, **said)
