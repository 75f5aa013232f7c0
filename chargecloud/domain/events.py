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

from chargecloud.domain.charger import (
    Capability,
    ChargerTime,
    LockOut,
    PortState,
    RelayState,
    Told,
)
from chargecloud.domain.commands import Price
from chargecloud.domain.hazards import Hazard, SafetyAction
from chargecloud.domain.parameters import Values


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
    """A charger has proved who it is.  What it did not say is C{None}, never empty.

    @ivar build: number of its firmware, which rises with each: none below it is taken.
    @ivar card_list: version of the list of cards that it holds for when it is offline, and
        C{card_slots} how many cards it has room for.
    @ivar key_generation: which of its keys it has proved itself with.
    """

    boot: int
    uptime_s: int
    port_count: int | None = None
    firmware: str | None = None
    hardware: str | None = None
    iccid: str | None = None
    imei: str | None = None
    capabilities: frozenset[Capability] | None = None
    build: int | None = None
    card_list: int | None = None
    card_slots: int | None = None
    key_generation: int | None = None


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
    power_factor_permille: int | None = None
    leakage_ua: int | None = None
    relay: RelayState | None = None


@frozen
class BoxReading:
    """What a charger measures of itself and around it, ports apart."""

    signal_dbm: int | None = None
    temperature_dc: int | None = None
    leakage_ua: int | None = None
    smoke: bool | None = None
    water: bool | None = None
    door_open: bool | None = None
    lock_out: LockOut | None = None


@frozen
class PortsReported:
    """All ports (or those that changed) at one moment."""

    at: Told
    readings: tuple[PortReading, ...]
    box: BoxReading | None = None


@frozen
class OfflineStart:
    """A charge that a charger began by itself, while it had no connection.

    @ivar number: the charger's own number of it, which it never uses for another one.
    @ivar card_uid: the card that was presented; C{None} if it was begun without one.
    @ivar code: the start code that was typed in; C{None} if it was begun without one.
    """

    number: int
    card_uid: str | None = None
    code: str | None = None


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
class MeterMark:
    """What a port's register was at an instant of the charger's clock, where a price changed.

    @ivar unix_s: Unix time.
    """

    unix_s: int
    meter_mwh: int


class PauseReason(Enum):
    """Why a charge is interrupted."""

    POWER_CUT = "power_cut"
    UNPLUGGED = "unplugged"
    #: until it is cooler
    HEAT = "heat"
    #: the site has no more power to give
    LOAD = "load"
    OPERATOR = "operator"
    UNKNOWN = "unknown"


@frozen
class ChargePaused:
    """An order's charge is interrupted and will go on: until then its time is not counted.
    That it goes on is told by the next reading of a port that charges."""

    order_id: int
    port: int
    why: PauseReason
    at: Told


@frozen
class ChargeEnded:
    """The charger's end record of a charge; kept by the charger until acknowledged.

    @ivar order_id: C{None} for a charge that was begun offline, and whose order the charger
        has not been told.
    @ivar duration_s: seconds of charging, without the time a power cut took.
    @ivar marks: the register where the price changed, oldest first.
    @ivar amount_e5: what the charger says that it costs, in 1e-5 yuan; C{None} where it knows no
        prices.
    """

    order_id: int | None
    port: int
    start_meter_mwh: int | None
    end_meter_mwh: int | None
    duration_s: int | None
    reason: StopReason
    at: Told
    offline: OfflineStart | None = None
    marks: tuple[MeterMark, ...] = ()
    amount_e5: int | None = None


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
class CardAsked:
    """A charger asks whether a card may charge; that it does is told by a start of its own."""

    card_uid: str


@frozen
class ClockTold:
    """The charger's clock shows this as it is told; nothing is kept to be told later."""

    at: Told


@frozen
class TimeAsked:
    """The charger does not know the time and asks for it."""


@frozen
class PricesAsked:
    """The charger, or its dialect for it, asks what energy costs there in the next 24 hours:
    L{Reply.prices}."""


@frozen
class HazardTold:
    """The charger has found something dangerous, or that it is over.

    @ivar port: C{None} if it is about the whole charger.
    @ivar is_over: whether it was dangerous before and is not any more.
    @ivar value: what was measured, and C{limit} what it was compared with, in the unit of
        the hazard's quantity; C{None} where there is none.
    """

    hazard: Hazard
    action: SafetyAction
    at: Told
    port: int | None = None
    is_over: bool = False
    value: int | None = None
    limit: int | None = None


@frozen
class ParametersTold:
    """What is set at the charger."""

    parameters: Values


class FirmwareStage(Enum):
    """How far a firmware image has come at a charger."""

    #: it is being fetched
    FETCHING = "fetching"
    #: it is whole and its signature is good; it starts when no port charges
    READY = "ready"
    #: it runs, and has logged in
    RUNNING = "running"
    #: it started and did not log in: the one before runs again
    FELL_BACK = "fell_back"
    #: it is not for this hardware, older, or not signed by the vendor
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


@frozen
class FirmwareWanted:
    """The charger asks for a block of an image.

    @ivar image: its number, from the offer.
    @ivar offset: of the first byte, and C{size} how many bytes at the most.
    """

    image: int
    offset: int
    size: int


@frozen
class FirmwareTold:
    """How far an image has come.

    @ivar offset: how many bytes of it the charger has.
    """

    image: int
    stage: FirmwareStage
    offset: int | None = None


@frozen
class VendorEvent:
    """A fact that only one dialect has."""

    dialect: str
    name: str
    fields: Mapping[str, Any] = field(factory=dict)


ChargerEvent = (
    LoggedIn
    | PortsReported
    | ChargeStarted
    | ChargePaused
    | ChargeEnded
    | CardPresented
    | CardAsked
    | ClockTold
    | TimeAsked
    | PricesAsked
    | HazardTold
    | ParametersTold
    | FirmwareWanted
    | FirmwareTold
    | VendorEvent
)


class Outcome(Enum):
    """What became of a fact: it tells the dialect how to answer the charger."""

    #: committed, or known already with the same content
    KEPT = "kept"
    #: not kept and not wanted: the charger may forget it all the same
    REFUSED = "refused"
    #: could not be kept now: no answer, the charger sends it again
    LATER = "later"


#: the code of a reply to a record that was kept, and that no order will be billed by
UNMATCHED = "unmatched"


@frozen
class Reply:
    """What a fact is answered with, as far as a dialect has words for it.

    @ivar code: C{"ok"}, or why not: the code of a refusal, for the one who stands there.
    @ivar order_id: the order that the fact belongs to, where the charger may not know it:
        a charge that it began offline, a card that was accepted.
    @ivar balance_fen: what the card's wallet can still spend.
    @ivar block: the bytes of a firmware image that were asked for.
    @ivar prices: those that were asked for, from now on.
    """

    outcome: Outcome
    code: str = "ok"
    order_id: int | None = None
    balance_fen: int | None = None
    block: bytes | None = None
    prices: tuple[Price, ...] = ()
