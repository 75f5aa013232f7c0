"""Chargers and their ports, as values."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from attrs import field, frozen


class ChargerKind(Enum):
    """What stands there: the kinds differ in power, ports and safety rules."""

    EBIKE = "ebike"
    ETRIKE = "etrike"
    AC = "ac"
    DC = "dc"


class SystemState(Enum):
    """What the platform lets a charger do."""

    IN_SERVICE = "in_service"
    #: it is connected, and nobody may begin to charge; what charges is charged to its end
    OUT_OF_SERVICE = "out_of_service"
    #: it is there no more, and cannot log in; what it did is kept
    DECOMMISSIONED = "decommissioned"


class PortState(Enum):
    """What a charger says of one of its ports."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    PLUGGED = "plugged"
    CHARGING = "charging"
    FULL = "full"
    FAULT = "fault"
    #: an order's charge is interrupted and will go on: its time is not counted
    PAUSED = "paused"


class RelayState(Enum):
    """What the contacts of a port's relay are found to be, by a feedback of their own."""

    OPEN = "open"
    CLOSED = "closed"
    #: it was told to open and has not
    STUCK_CLOSED = "stuck_closed"
    #: it was told to close and has not
    STUCK_OPEN = "stuck_open"
    UNKNOWN = "unknown"


class LockOut(Enum):
    """Whether a charger, or a port of it, is kept from charging until that is lifted."""

    NONE = "none"
    #: by staff, who may lift it
    OPERATOR = "operator"
    #: by a fire or what may become one: it outlives a restart, and is lifted by somebody who
    #: has looked, with a right of its own
    FIRE = "fire"


class Capability(Enum):
    """What a charger can do beyond charging."""

    CARD_READER = "card_reader"
    DISPLAY = "display"
    VOICE = "voice"
    PLUG_SENSING = "plug_sensing"
    PORT_METERS = "port_meters"
    LEAKAGE_SENSING = "leakage_sensing"
    PORT_TEMPERATURE = "port_temperature"
    SMOKE_SENSING = "smoke_sensing"
    WATER_SENSING = "water_sensing"
    DOOR_SENSING = "door_sensing"
    RELAY_FEEDBACK = "relay_feedback"
    FIRMWARE_UPDATE = "firmware_update"
    CARD_LIST = "card_list"
    START_CODES = "start_codes"
    #: it carries other chargers' frames over its own connection
    RELAYS_DEVICES = "relays_devices"


@frozen
class ChargerTime:
    """An instant as a charger without a trusted clock can tell it.

    @ivar boot: number of the charger's start, counted by the charger and never reused.
    @ivar uptime_s: seconds since that start.
    """

    boot: int
    uptime_s: int


@frozen
class WallTime:
    """An instant by a charger's own clock.

    @ivar told: as it was told.  Without an offset it is taken for the time at the site.
    """

    told: datetime


#: when something was, by the charger; C{None} if it does not say
Told = ChargerTime | WallTime | None

#: clocks that were never set begin in 1970 or 2000; no charge of ours is as old as this
FIRST_YEAR = 2020


@frozen
class Admission:
    """A charger that may speak, as the registry knows it when it logs in.

    @ivar epoch: raised at each login; every write about a running order compares it, so
        that a connection that was replaced can decide nothing any more.
    @ivar boot: the charger's current start, as it counts them.
    @ivar booted_at: when that was, by our calendar: it maps the charger's uptime.
    @ivar booted_before: the same of earlier starts, as far as they are known: what was
        kept before a power cut is told after it.
    @ivar time_zone: of the site, for clocks that do not say theirs.
    @ivar next_key: generation and nonce of a key that it is still to take, if there is one.
    @ivar has_card_list: whether it keeps a list of cards for when it is offline.
    @ivar was_at: the node that it was logged in at before, if it ever was.
    @ivar clock_ahead_s: by how much its clock is ahead of ours, where that is so much that it is
        not billed by; C{None} if it is.
    """

    charger_id: int
    tenant_id: int
    epoch: int
    boot: int
    booted_at: datetime
    booted_before: Mapping[int, datetime] = field(factory=dict)
    time_zone: str = "UTC"
    next_key: tuple[int, bytes] | None = None
    has_card_list: bool = False
    was_at: int | None = None
    clock_ahead_s: int | None = None

    def instant(self, at: Told) -> datetime | None:
        """When something was by the charger's time; C{None} if that is not known: a start
        of the charger that we never saw, a clock that was never set."""
        if at is None:
            return None
        if isinstance(at, WallTime):
            told = at.told
            if told.tzinfo is None:
                told = told.replace(tzinfo=ZoneInfo(self.time_zone))
            return told if told.year >= FIRST_YEAR else None
        booted_at = self.booted_at if at.boot == self.boot else self.booted_before.get(at.boot)
        return None if booted_at is None else booted_at + timedelta(seconds=at.uptime_s)

    def ahead_s(self, at: Told) -> int | None:
        """By how much its clock was ahead of ours as it noted something, where it is not billed
        by: what is known is of the clock of its present start."""
        is_of_before = isinstance(at, ChargerTime) and at.boot != self.boot
        return None if is_of_before else self.clock_ahead_s

    def by_our_clock(self, told: datetime, at: Told) -> datetime:
        """When it was by our clock that a charger's showed this.

        @param at: what it noted with it.
        """
        try:
            return told - timedelta(seconds=self.ahead_s(at) or 0)
        except OverflowError:
            return told


@frozen
class Secret:
    """What a charger proves itself with.  C{generation} counts its keys from 1."""

    key: bytes
    generation: int

    def __repr__(self) -> str:
        return f"Secret(generation={self.generation})"
