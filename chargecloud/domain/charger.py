"""Chargers and their ports, as values."""

from datetime import datetime, timedelta
from enum import Enum

from attrs import frozen


class ChargerKind(Enum):
    """What stands there: the kinds differ in power, ports and safety rules."""

    EBIKE = "ebike"
    ETRIKE = "etrike"
    AC = "ac"
    DC = "dc"


class PortState(Enum):
    """What a charger says of one of its ports."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    PLUGGED = "plugged"
    CHARGING = "charging"
    FULL = "full"
    FAULT = "fault"


@frozen
class ChargerTime:
    """An instant as a charger without a trusted clock can tell it.

    @ivar boot: number of the charger's start, counted by the charger and never reused.
    @ivar uptime_s: seconds since that start.
    """

    boot: int
    uptime_s: int


@frozen
class Admission:
    """A charger that may speak, as the registry knows it when it logs in.

    @ivar epoch: raised at each login; every write about a running order compares it, so
        that a connection that was replaced can decide nothing any more.
    @ivar boot: the charger's current start, as it counts them.
    @ivar booted_at: when that was, by our calendar: it maps the charger's uptime.
    """

    charger_id: int
    tenant_id: int
    epoch: int
    boot: int
    booted_at: datetime

    def instant(self, at: ChargerTime) -> datetime | None:
        """When something was by the charger's time; C{None} if it is not known, as for a
        start of the charger that is not the current one."""
        if at.boot != self.boot:
            return None
        return self.booted_at + timedelta(seconds=at.uptime_s)


@frozen
class Secret:
    """What a charger proves itself with.  C{generation} counts its keys from 1."""

    key: bytes
    generation: int

    def __repr__(self) -> str:
        return f"Secret(generation={self.generation})"
