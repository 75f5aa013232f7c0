"""A simulated charger's link to the platform: one connection after the other."""

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.application.internet import ClientService, backoffPolicy
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.dialects.native.charger import Facts
from chargecloud.domain.errors import BadTag, RemoteError
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.liveness import Liveness
from chargecloud.simulator.native import SimulatedNative
from chargecloud.simulator.speaking import Connecting, ISession, ISimulatedDialect

#: the longest wait between two attempts, where firmware waits up to ten minutes: nobody looks
#: at a demonstration for so long
LONGEST_RETRY_S = 30.0
#: a cloud that says when it has time again is believed up to this
LONGEST_HINT_S = 600


class LinkProtocol(Protocol):
    """Carries one session's bytes, with one timer for all that the charger does."""

    #: a stream in service, which ITransport does not say all of
    transport: Any = None
    _timer: IDelayedCall | None = None
    _log = Logger()

    def __init__(self, link: "Link") -> None:
        self._link = link
        self.session = link.new_session()

    def connectionMade(self) -> None:
        """Begin."""
        self._link.current = self
        self._act(self.session.open)

    def dataReceived(self, data: bytes) -> None:
        """Bytes have come."""
        self._act(self.session.receive, data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection has gone."""
        self._link.current = None
        self.session.close()
        self._set_timer(None)

    def poke(self) -> None:
        """Something has changed that is to be said: soon, as this may be asked for from
        within what is done already."""
        self._set_timer(0.0)

    def _act(self, step: Callable[..., None], *given: Any) -> None:
        """Take a step, say what is due, and wait for the next time that something is."""
        if not self._link.charger.is_powered:
            return
        try:
            step(*given)
            self.session.work()
        except RemoteError as error:
            self._log.debug("{who} hangs up: {why}", who=self._link.charger.identity, why=error)
            self._set_timer(None)
            self._link.hint_s = self.session.retry_s
            # a key that is not known there, or not the same: once with the one before
            self._link.goes_back = self.session.was_refused or isinstance(error, BadTag)
            self.transport.abortConnection()
            return
        if self.session.is_welcome:
            self._link.fruitless = 0
        if data := self.session.data_to_send():
            self.transport.write(data)
        if self.session.is_leaving:
            self._link.hint_s = self.session.retry_s
            self._set_timer(None)
            self.transport.loseConnection()
        else:
            self._set_timer(self.session.idle_s)

    def _set_timer(self, delay_s: float | None) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if delay_s is not None:
            self._timer = self._link.clock.callLater(delay_s, self._act, _nothing)


def _nothing() -> None:
    """The step of a timer."""


@define(eq=False, slots=False)
class Link(Factory):
    """Makes the protocol of each connection of one charger.

    @ivar speaks: its dialect.
    @ivar jitter: 0 to 1: seconds that are added to a wait, so that the chargers of a
        platform that comes back do not come all at once.
    @ivar current: the protocol of the connection that there is.
    @ivar fruitless: attempts since the charger was last welcomed.
    @ivar hint_s: when the cloud wants to be asked again, if it has said so.
    @ivar goes_back: whether the next connection is made with the key before the newest.
    """

    charger: SimulatedCharger
    facts: Facts
    calendar: Calendar
    clock: IReactorTime
    jitter: Callable[[], float]
    speaks: ISimulatedDialect = field(factory=SimulatedNative)
    current: LinkProtocol | None = field(default=None, init=False)
    fruitless: int = field(default=0, init=False)
    hint_s: int | None = field(default=None, init=False)
    goes_back: bool = field(default=False, init=False)
    liveness: Liveness = field(factory=Liveness, init=False)
    _connections: int = field(default=0, init=False)
    noisy = False

    def __attrs_post_init__(self) -> None:
        self.charger.watchers.append(self._poke)
        self._backoff = backoffPolicy(maxDelay=LONGEST_RETRY_S, jitter=self.jitter)

    def service(
        self,
        endpoint: IStreamClientEndpoint,
        through: "Callable[[Factory[Any]], Factory[Any]]" = lambda link: link,
    ) -> ClientService:
        """
        The service that keeps the charger connected to an endpoint.

        @param through: puts a network between the two.
        """
        return ClientService(endpoint, through(self), retryPolicy=self._delay_s, clock=self.clock)

    def buildProtocol(self, addr: IAddress | None) -> LinkProtocol:
        """A protocol for a new connection."""
        protocol = LinkProtocol(self)
        protocol.factory = self
        return protocol

    def new_session(self) -> ISession:
        """What is said on the next connection."""
        self._connections += 1
        goes_back, self.goes_back = self.goes_back, False
        return self.speaks.session(
            Connecting(
                self.charger,
                self.facts,
                self.calendar,
                self.liveness,
                self._connections,
                goes_back,
            )
        )

    def cut(self) -> None:
        """The charger's power has gone, and the connection with it, without a farewell."""
        if self.current is not None:
            self.current.transport.abortConnection()

    def _delay_s(self, _attempt: int) -> float:
        # a platform that takes a connection and then turns us away is to be spared as well
        self.fruitless += 1
        hint_s, self.hint_s = self.hint_s, None
        if hint_s is not None:
            # between the hint and twice of it: all the others were told the same
            return min(hint_s, LONGEST_HINT_S) * (1 + self.jitter())
        return self._backoff(self.fruitless)

    def _poke(self) -> None:
        if self.current is not None:
            self.current.poke()
