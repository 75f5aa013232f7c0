"""Chargers and their ports, as values."""

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
class Admission:
    """A charger that may speak, as the registry knows it when it logs in.

    @ivar epoch: raised at each login; every write about a running order compares it, so
        that a connection that was replaced can decide nothing any more.
    """

    charger_id: int
    tenant_id: int
    epoch: int


@frozen
class Secret:
    """What a charger proves itself with.  C{generation} counts its keys from 1."""

    key: bytes
    generation: int

    def __repr__(self) -> str:
        return f"Secret(generation={self.generation})"
