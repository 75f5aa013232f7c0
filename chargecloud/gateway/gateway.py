"""All connections of chargers of this node, and their limits."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.domain.commands import Answer, SetTime
from chargecloud.domain.errors import Refusal, RemoteError
from chargecloud.gateway.presence import Presence
from chargecloud.gateway.protocol import ChargerProtocol
from chargecloud.gateway.routing import COMMAND_DEADLINE_S
from chargecloud.gateway.settings import Limits
from chargecloud.interfaces import Greeting, IChargerEvents, IDialect


class TurnedAway(Protocol):
    """A connection beyond a limit.  Behind TLS or a proxy's header there has to be a
    protocol to close it: without one the socket would stay open, and uncounted."""

    #: a TCP transport in service, which ITransport does not say all of
    transport: Any = None

    def connectionMade(self) -> None:
        """Close it, with nothing left behind."""
        self.transport.abortConnection()


@define(eq=False, slots=False)
class Listener(Factory):
    """Makes the protocol of each new connection at one address.

    @ivar dialects: spoken there, asked in this order.
    """

    gateway: "Gateway"
    dialects: Sequence[IDialect]
    noisy = False

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """A protocol for a new connection."""
        return self.gateway.connect(self.dialects, getattr(addr, "host", ""))


@define(eq=False)
class Gateway:
    """The connections of this node.

    @ivar events: acts on what chargers say.
    @ivar turned_away: connections that were refused for a limit.
    @ivar faults: remote errors by their code.
    """

    events: IChargerEvents
    presence: Presence
    clock: IReactorTime
    calendar: Calendar
    limits: Limits = field(factory=Limits)
    turned_away: int = 0
    faults: Counter[str] = field(factory=Counter)
    _protocols: dict[ChargerProtocol, str] = field(factory=dict, init=False)
    _by_address: Counter[str] = field(factory=Counter, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def speaking(self, dialects: Sequence[IDialect]) -> Listener:
        """What to listen with where these dialects are spoken."""
        return Listener(self, dialects)

    def connect(self, dialects: Sequence[IDialect], host: str) -> Protocol:
        """A protocol for a new connection from an address, or L{TurnedAway} if there are
        too many."""
        of_host = self._by_address[host] if host else 0
        if (
            len(self._protocols) >= self.limits.connections
            or of_host >= self.limits.connections_an_address
        ):
            self.turned_away += 1
            return TurnedAway()
        protocol = ChargerProtocol(self, dialects)
        self._protocols[protocol] = host
        self._by_address[host] += 1
        return protocol

    def forget(self, protocol: ChargerProtocol) -> None:
        """A connection has gone."""
        host = self._protocols.pop(protocol)
        self._by_address[host] -= 1
        if not self._by_address[host]:
            del self._by_address[host]

    def greeting(self) -> Greeting:
        """What a charger is told when it is welcomed."""
        return Greeting(int(self.calendar.now().timestamp()), self.limits.heartbeat_s)

    def tell_time(self, protocol: ChargerProtocol, identity: str) -> None:
        """A charger asks for the time."""
        now = SetTime(int(self.calendar.now().timestamp()))
        protocol.send(identity, now, COMMAND_DEADLINE_S).addErrback(self._untold)

    def _untold(self, failure: Failure) -> Answer | None:
        # the charger asks again by itself
        failure.trap(Refusal)
        return None

    def refused(self, error: RemoteError) -> None:
        """A connection broke its protocol."""
        self.faults[error.code] += 1

    def close_all(self) -> None:
        """Close all connections; chargers come back when the service does."""
        for protocol in list(self._protocols):
            protocol.close()

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._protocols)
