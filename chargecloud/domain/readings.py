"""What a report of several readings says of each port."""

from collections.abc import Sequence
from typing import Any

from attrs import evolve, fields

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
    by_port: dict[int, PortReading] = {}
    for reading in readings:
        before = by_port.get(reading.port)
        by_port[reading.port] = reading if before is None else _agreed(before, reading)
    # nearly always nothing was named twice
    return readings if len(by_port) == len(readings) else tuple(by_port.values())


def _agreed(one: PortReading, other: PortReading) -> PortReading:
    said: dict[str, Any] = {}
    for name in _QUANTITIES:
        values = {getattr(one, name), getattr(other, name)} - {None}
        said[name] = values.pop() if len(values) == 1 else None
    states = {one.state, other.state} - {PortState.UNKNOWN}
    state = states.pop() if len(states) == 1 else PortState.UNKNOWN
    return evolve(one, state=state, **said)
