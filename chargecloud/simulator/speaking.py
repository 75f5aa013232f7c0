"""What simulated chargers speak: a dialect's other side, as a plugin brings it."""

from attrs import frozen
from zope.interface import Attribute, Interface

from chargecloud.calendar import Calendar
from chargecloud.dialects.native.charger import Facts
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.liveness import Liveness


@frozen
class Connecting:
    """
    A charger that is about to connect.

    @ivar facts: what it may tell of itself.
    @ivar liveness: how it finds out that a connection is dead; the same for all of its
        connections.
    @ivar number: of this connection, since its start.
    @ivar goes_back: whether it uses the key before its newest, as that was refused.
    """

    charger: SimulatedCharger
    facts: Facts
    calendar: Calendar
    liveness: Liveness
    number: int = 0
    goes_back: bool = False


class ISession(Interface):
    """A charger's side of one connection.  Sans-IO: bytes and the calendar in, bytes out, and
    how long there is nothing to do."""

    is_welcome: bool = Attribute("whether the cloud has let it in")
    is_leaving: bool = Attribute("whether to hang up, once what is to be sent is sent")
    was_refused: bool = Attribute("whether the cloud knows no such charger, or not with this key")
    retry_s: int | None = Attribute("after which the cloud wants to be asked again, if it said so")
    idle_s: float = Attribute("real seconds until there is work, if nothing happens before")

    def open() -> None:
        """The connection has been made."""

    def receive(data: bytes) -> None:
        """
        Take bytes as they came.

        @raise RemoteError: close the connection.
        """

    def work() -> None:
        """
        Say what is due.

        @raise RemoteError: close the connection: the cloud has said nothing for too long.
        """

    def close() -> None:
        """The connection has gone."""

    def data_to_send() -> bytes:
        """Take what is to be sent."""


class ISimulatedDialect(Interface):
    """A dialect, as the simulator's chargers speak it."""

    name: str = Attribute("of the dialect")

    def identity(number: int, ports: int) -> str:
        """What the fleet's charger of a number is called on the wire."""

    def session(connecting: Connecting) -> ISession:
        """A new session."""
