"""All connections of chargers of this node, and their limits."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.domain.charger import Admission
from chargecloud.domain.commands import Answer, Command, SetTime
from chargecloud.domain.errors import Refusal, RemoteError
from chargecloud.gateway.login_budget import LoginBudget
from chargecloud.gateway.logins import Logins
from chargecloud.gateway.presence import Presence, Present
from chargecloud.gateway.protocol import ChargerProtocol
from chargecloud.gateway.recorder import FlightRecorder
from chargecloud.gateway.recurrences import CONTESTED, FLAPPING, Recurrences
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
    @ivar random: gives a number from 0 to 1.
    @ivar logins: those that are under way.
    @ivar login_budget: how often each charger may log in.
    @ivar recorder: has the last frames of each charger.
    @ivar turned_away: connections that were refused for a limit.
    @ivar throttled: how often a connection was not read for a while, for what it had sent.
    @ivar faults: remote errors by their code.
    @ivar heard: what chargers said, by dialect and class.
    @ivar answered: called with each command that has come to its end: the dialect, the
        command, its outcome in a word, and the seconds that it took.
    """

    events: IChargerEvents
    presence: Presence
    clock: IReactorTime
    calendar: Calendar
    limits: Limits = field(factory=Limits)
    random: Callable[[], float] = random.random
    logins: Logins = field(init=False)
    login_budget: LoginBudget = field(init=False)
    recorder: FlightRecorder = field(init=False)
    turned_away: int = 0
    throttled: int = 0
    faults: Counter[str] = field(factory=Counter)
    heard: Counter[tuple[str, type]] = field(factory=Counter)
    answered: Callable[[str, Command, str, float], None] = lambda *_what: None
    _protocols: dict[ChargerProtocol, str] = field(factory=dict, init=False)
    _by_address: Counter[str] = field(factory=Counter, init=False)
    _contests: Recurrences = field(factory=lambda: Recurrences(CONTESTED), init=False)
    _flapping: Recurrences = field(factory=lambda: Recurrences(FLAPPING), init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self.recorder = FlightRecorder(self.limits.recorded_frames)
        self.logins = Logins(self.limits.logins_at_a_time, self.clock.seconds, self.random)
        self.login_budget = LoginBudget(self.limits.logins_a_minute, self.clock.seconds)

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
        limits = self.limits
        most_s = max(limits.heartbeat_s, limits.heartbeat_most_s)
        return Greeting(int(self.calendar.now().timestamp()), limits.heartbeat_s, most_s)

    def tell_time(self, protocol: ChargerProtocol, identity: str) -> None:
        """A charger asks for the time."""
        now = SetTime(int(self.calendar.now().timestamp()))
        protocol.send(identity, now, COMMAND_DEADLINE_S).addErrback(self._untold)

    def _untold(self, failure: Failure) -> Answer | None:
        # the charger asks again by itself
        failure.trap(Refusal)
        return None

    def arrive(self, present: Present) -> None:
        """A charger has been admitted on a connection: how often that happens is counted, and
        how often one that was alive is displaced.  One that hangs may be, as those do whose
        network address has changed."""
        displaced = self.presence.arrive(present)
        admission, now_s = present.admission, self.clock.seconds()
        was_alive = displaced and now_s - displaced.link.heard_s <= self.limits.heartbeat_s
        for recurrences, tell, is_so in (
            (self._contests, self.events.contested, was_alive),
            (self._flapping, self.events.flapping, True),
        ):
            times = recurrences.count(admission.charger_id, now_s) if is_so else None
            if times is not None:
                self._tell(tell, admission, times, self.calendar.now())

    def open(self, admission: Admission) -> None:
        """A charger's session is open."""
        self._tell(self.events.arrived, admission)

    def gone(self, admission: Admission) -> None:
        """A charger has no connection any more."""
        self._tell(self.events.gone, admission, self.calendar.now())

    def _tell(self, tell: Callable[..., None], *given: object) -> None:
        try:
            tell(*given)
        except Exception:
            # our own fault, and none of the connection that happens to be at work
            self._log.failure("what became of a charger could not be told")

    def refused(self, error: RemoteError) -> None:
        """A connection broke its protocol."""
        self.faults[error.code] += 1

    def close_all(self) -> None:
        """Close all connections; chargers come back when the service does.  That they have
        gone is not told: whoever would write it down is being closed as well."""
        for protocol in list(self._protocols):
            protocol.close()

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._protocols)
