"""Facts that go up from chargers: a closed list.

What only one vendor has is a L{VendorEvent}.  A dialect turns its frames into these,
and everything above the dialects knows nothing else of a charger.

Times: a fact that may be old carries when it was by the charger, its own boot number and
its seconds since that boot, or its clock; the gateway adds when it was received.

Missing is C{None} and never zero: what a charger did not say is judged by
L{chargecloud.domain.plausible}, not filled in on the way.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import field, frozen

from chargecloud.domain.charger import ChargerTime, PortState, Told


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
    #: nobody told of the end: the platform closed what went on for too long, or was forgotten
    WATCHDOG = "watchdog"
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
class OfflineStart:
    """A charge that a charger began by itself, while it had no connection.

    @ivar number: the charger's own number of it, which it never uses for another one.
    @ivar card_uid: the card that was presented; C{None} if it was begun without one.
    """

    number: int
    card_uid: str | None = None


@frozen
class ChargeStarted:
    """The relay has closed for an order, and this is the meter it began with.

    @ivar order_id: C{None} for a charge that was begun offline.
    """

    order_id: int | None
    port: int
    start_meter_mwh: int | None
    at: Told
    offline: OfflineStart | None = None


@frozen
class ChargeEnded:
    """The charger's end record of a charge; kept by the charger until acknowledged.

    @ivar order_id: C{None} for a charge that was begun offline, and whose order the charger
        has not been told.
    @ivar duration_s: seconds of charging, without the time a power cut took.
    """

    order_id: int | None
    port: int
    start_meter_mwh: int | None
    end_meter_mwh: int | None
    duration_s: int | None
    reason: StopReason
    at: Told
    offline: OfflineStart | None = None


@frozen
class CardPresented:
    """Somebody holds a card to a charger: to charge, or to end what charges there for it.

    @ivar number: the charger's own number of it since its start, so that it counts once.
    """

    card_uid: str
    port: int
    number: int
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


ChargerEvent = (
    LoggedIn | PortsReported | ChargeStarted | ChargeEnded | CardPresented | TimeAsked | VendorEvent
)


class Outcome(Enum):
    """What became of a fact: it tells the dialect how to answer the charger."""

    #: committed, or known already with the same content
    KEPT = "kept"
    #: not kept and not wanted: the charger may forget it all the same
    REFUSED = "refused"
    #: could not be kept now: no answer, the charger sends it again
    LATER = "later"


@frozen
class Reply:
    """What a fact is answered with, as far as a dialect has words for it.

    @ivar code: C{"ok"}, or why not: the code of a refusal, for the one who stands there.
    @ivar order_id: the order that the fact belongs to, where the charger may not know it:
        a charge that it began offline, a card that was accepted.
    @ivar balance_fen: what the card's wallet can still spend.
    """

    outcome: Outcome
    code: str = "ok"
    order_id: int | None = None
    balance_fen: int | None = None
