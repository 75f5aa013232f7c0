"""Features, and who hears of alarms."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from zope.interface import Attribute, Interface

from chargecloud.calendar import Calendar
from chargecloud.domain.alarm import Alarm
from chargecloud.domain.charger import Admission
from chargecloud.domain.decision import LogEntry
from chargecloud.domain.events import ChargerEvent, Reply
from chargecloud.interfaces.connections import IReadingWatch
from chargecloud.interfaces.money import IPaymentChannel
from chargecloud.routes import Route

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from twisted.internet.defer import Deferred


class IAlarmSink(Interface):
    """Takes alarms to people.  Never called on the gateway's way."""

    name: str = Attribute("its name in configuration and logs")

    def deliver(alarm: Alarm) -> "Deferred[None]":
        """Deliver one alarm; a failure means that it was not delivered."""


class IFollower(Interface):
    """Follows the event log.  Each entry has its effect exactly once in the database."""

    name: str = Attribute("key of its cursors; never changed once used")

    def apply(connection: "Connection", entries: Sequence[tuple[datetime, LogEntry]]) -> None:
        """
        Write the effect of entries, oldest first.  Runs in a database thread, in the
        transaction that moves the cursor: whatever raises here undoes both.
        """


class IChargerDesk(Interface):
    """Speaks with chargers about what is none of the core's business."""

    facts: tuple[type, ...] = Attribute("classes of the facts that it acts on; each has one desk")

    def arrived(admission: Admission) -> None:
        """A charger's session is open: it can be told something."""

    def take(admission: Admission, event: ChargerEvent) -> "Deferred[Reply]":
        """A fact from a charger, and how it is to be answered."""


@frozen
class Platform:
    """What a feature is given to build itself with.

    @ivar read: runs a function of a database connection in a thread, and fires with its
        plain result.
    @ivar transact: the same for a function that writes, in a transaction of its own.
    @ivar log: writes a L{LogEntry} into the event log, and fires when it is there.
    @ivar new_id: makes the id of a new row.
    @ivar send: sends a command to a charger by its id, and fires with its L{Answer}; fails as
        the gateway's routing does.
    @ivar online: the ids of the chargers that are connected to this process.
    @ivar charging: the ids of the chargers, among those, with a port that an order has.
    @ivar node: the number of this process; a charger's row says at which it logged in last.
    @ivar reactor: what the service runs in; in memory, a clock.
    @ivar tell: takes an L{Alarm} to people, and writes it down.
    """

    calendar: Calendar
    read: Any
    transact: Any = None
    log: Any = None
    new_id: Any = None
    send: Any = None
    online: Any = None
    charging: Any = None
    node: int = 0
    reactor: Any = None
    tell: Any = None


@frozen
class FeatureParts:
    """What a feature adds to the service.

    @ivar sinks: ways to people that have settings; their names are told apart from all others.
    @ivar payment_channels: those that have settings, likewise.
    @ivar each_minute: called about once a minute, in every process that has chargers; a
        Deferred that it returns is waited for.
    @ivar shared_minute: the same for what one node does for all, by its name, which is never
        changed.  Two nodes may be at it for a moment.
    """

    routes: tuple[Route, ...] = ()
    followers: tuple[IFollower, ...] = ()
    watches: tuple[IReadingWatch, ...] = ()
    desks: tuple[IChargerDesk, ...] = ()
    sinks: tuple[IAlarmSink, ...] = ()
    payment_channels: tuple[IPaymentChannel, ...] = ()
    each_minute: tuple[Any, ...] = ()
    shared_minute: Mapping[str, Callable[[], Any]] = field(factory=dict)


class IFeature(Interface):
    """A room of floor 5, ours or a vendor's."""

    name: str = Attribute("its name, and the name of its table in the configuration")
    settings: type = Attribute("attrs class of its configuration table")
    migrations: Path | None = Attribute("folder of its Alembic revisions")

    def build(settings: Any, platform: Platform) -> FeatureParts:
        """Make its parts from its settings."""
