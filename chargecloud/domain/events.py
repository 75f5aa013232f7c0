"""Facts that go up from chargers: a closed list.

What only one vendor has is a L{VendorEvent}.  A dialect turns its frames into these,
and everything above the dialects knows nothing else of a charger.

Times: a fact that may be old carries L{ChargerTime}, the charger's own boot number and
its seconds since that boot; the gateway adds when it was received.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import field, frozen

from chargecloud.domain.charger import ChargerTime, PortState


class StopReason(Enum):
    """Why a charge ended, in the platform's words."""

    USER = "user"
    LIMIT_ENERGY = "limit_energy"
    LIMIT_TIME = "limit_time"
    LIMIT_AMOUNT = "limit_amount"
    FULL = "full"
    NO_LOAD = "no_load"
    UNPLUGGED = "unplugged"
    SAFETY = "safety"
    CHARGER = "charger"
    OPERATOR = "operator"
    #: by a command; the platform, which sent it, knows why
    REMOTE = "remote"
    POWER_CUT = "power_cut"
    UNKNOWN = "unknown"


@frozen
class LoggedIn:
    """A charger has proved who it is.  What it did not say is C{None}, never empty."""

    boot: int
    uptime_s: int
    port_count: int | None = None
    firmware: str | None = None
    hardware: str | None = None
    iccid: str | None = None
    imei: str | None = None


@frozen
class PortReading:
    """What one port measured.  Absent is C{None}: missing is not zero.

    @ivar meter_mwh: the port's cumulative energy register.
    @ivar order_id: the platform's order that charges there; C{None} for a charge that the
        platform knows nothing of.  One that does not run is stopped.
    """

    port: int
    state: PortState = PortState.UNKNOWN
    power_dw: int | None = None
    meter_mwh: int | None = None
    voltage_dv: int | None = None
    current_ma: int | None = None
    temperature_dc: int | None = None
    order_id: int | None = None


@frozen
class PortsReported:
    """All ports (or those that changed) at one moment of the charger's uptime."""

    at: ChargerTime
    readings: tuple[PortReading, ...]


@frozen
class ChargeStarted:
    """The relay has closed for an order, and this is the meter it began with."""

    order_id: int
    port: int
    start_meter_mwh: int
    at: ChargerTime


@frozen
class ChargeEnded:
    """The charger's end record of a charge; kept by the charger until acknowledged.

    @ivar duration_s: seconds of charging, without the time a power cut took.
    """

    order_id: int
    port: int
    start_meter_mwh: int
    end_meter_mwh: int
    duration_s: int
    reason: StopReason
    at: ChargerTime


@frozen
class TimeAsked:
    """The charger does not know the time and asks for it."""


@frozen
class VendorEvent:
    """A fact that only one dialect has."""

    dialect: str
    name: str
    fields: Mapping[str, Any] = field(factory=dict)


ChargerEvent = LoggedIn | PortsReported | ChargeStarted | ChargeEnded | TimeAsked | VendorEvent


class Outcome(Enum):
    """What became of a fact: it tells the dialect how to answer the charger."""

    #: committed, or known already with the same content
    KEPT = "kept"
    #: not kept and not wanted: the charger may forget it all the same
    REFUSED = "refused"
    #: could not be kept now: no answer, the charger sends it again
    LATER = "later"
