"""The only file with a charger's transport: resets the timeout, hands bytes over, writes
replies, and carries out the connection's wishes."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure
from zope.interface import implementer

from chargecloud.domain.charger import Admission
from chargecloud.domain.commands import Answer, Command
from chargecloud.domain.errors import (
    ChargerOffline,
    CommandTimedOut,
    NotAdmitted,
    Overloaded,
    RemoteError,
)
from chargecloud.domain.events import Outcome, TimeAsked
from chargecloud.gateway.connection import (
    AskAdmission,
    AskCredentials,
    Connection,
    Deliver,
    GiveAnswer,
    Wish,
)
from chargecloud.gateway.presence import Present
from chargecloud.interfaces import IDialect

if TYPE_CHECKING:
    from chargecloud.gateway.gateway import Gateway

#: facts of one connection that wait for their commit; beyond it we stop reading, and the
#: charger's own queue holds what is left
MOST_IN_FLIGHT = 64
#: commands of one connection that wait for an answer
MOST_COMMANDS = 32


@implementer(IPushProducer)
class ChargerProtocol(Protocol, TimeoutMixin):
    """One connection of one or more chargers."""

    #: a TCP transport in service, which ITransport does not say all of
    transport: Any = None
    _log = Logger()

    def __init__(self, gateway: Gateway, dialects: Sequence[IDialect]) -> None:
        self._gateway = gateway
        # TimeoutMixin asks the reactor unless it is told otherwise
        self.callLater: Any = gateway.clock.callLater
        self._connection = Connection(dialects, gateway.greeting)
        self._commands: dict[tuple[str, int], Deferred[Answer]] = {}
        self._in_flight = 0
        self._live = False
        self._ended = False
        self._farewell: IDelayedCall | None = None

    # ------------------------------------------------------------------------- transport

    def connectionMade(self) -> None:
        """Watch the connection: for a login at first, and for silence later."""
        self.setTimeout(self._gateway.limits.login_s)
        self.transport.registerProducer(self, True)
        # a UNIX socket provides ITCPTransport too, and can do none of it
        is_ip = isinstance(self.transport.getHost(), IPv4Address | IPv6Address)
        if is_ip and ITCPTransport.providedBy(self.transport):
            self._watch_tcp(self.transport)

    def _watch_tcp(self, transport: Any) -> None:
        transport.setTcpKeepAlive(True)
        transport.setTcpNoDelay(True)
        handle = transport.getHandle()
        # only Linux has it; elsewhere keepalive and the silence timeout do, later
        if isinstance(handle, socket.socket) and hasattr(socket, "TCP_USER_TIMEOUT"):
            # bytes that nobody acknowledges end the connection, not the kernel's patience
            timeout_ms = int(self._gateway.limits.silence_s * 1000)
            handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)

    def dataReceived(self, data: bytes) -> None:
        """Bytes have come; what is heard in them is a sign of life."""
        heard = self._connection.heard
        self._act(self._connection.receive, data)
        if self._live and self._connection.heard > heard:
            self.resetTimeout()

    def timeoutConnection(self) -> None:
        """No login in time, or three heartbeats missed; or its facts have waited as long
        as that for their commit, and we have not read on."""
        self._close("silent for too long")

    def pauseProducing(self) -> None:
        """The charger does not read what we write; it may come back when it does."""
        self._close("does not read")

    def resumeProducing(self) -> None:
        """Never paused: a charger that does not read is gone."""

    def stopProducing(self) -> None:
        """The transport has ended already."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection has gone."""
        if self._farewell is not None:
            self._farewell.cancel()
        self._gateway.forget(self)
        self._end()

    # ------------------------------------------------------------------------ for others

    def send(self, identity: str, command: Command, deadline_s: float) -> Deferred[Answer]:
        """Send a command to one of this connection's chargers."""
        if self._ended:
            return fail(ChargerOffline("the connection has ended"))
        if len(self._commands) >= MOST_COMMANDS:
            return fail(Overloaded("too many commands wait for this charger"))
        try:
            number = self._connection.command(identity, command)
        except Exception:
            # a refusal; or what a dialect could not put into a frame
            return fail(Failure())
        answered: Deferred[Answer] = Deferred()
        self._commands[identity, number] = answered

        def too_late() -> None:
            answered.errback(CommandTimedOut(f"no answer within {deadline_s:g} s"))

        deadline = self._gateway.clock.callLater(deadline_s, too_late)

        def over(result: Any) -> Any:
            # answered, too late, lost, or cancelled by the one who asked
            del self._commands[identity, number]
            if deadline.active():
                deadline.cancel()
            return result

        answered.addBoth(over)
        self._write()
        return answered

    def displace(self, identity: str) -> None:
        """A newer connection has this charger: the whole of this one goes, as its other
        chargers come back by themselves."""
        self._close(f"{identity} has logged in anew")

    def close(self) -> None:
        """The service stops."""
        self._close("the service stops")

    # ---------------------------------------------------------------------------- wishes

    def _act(self, step: Callable[..., Sequence[Wish] | None], *given: Any) -> None:
        """Let the connection take a step, and do what it wishes.  Once it has ended,
        nothing that comes late does anything to it."""
        if self._ended:
            return
        try:
            for wish in step(*given) or ():
                _PERFORM[type(wish)](self, wish)
        except RemoteError as error:
            self._refuse(error)
        except Exception:
            # our own fault: this connection suffers, the others do not
            self._log.failure("a connection failed")
            self._close("fault")
        else:
            self._write()
            if self._connection.failure is not None:
                self._refuse(self._connection.failure)

    def _refuse(self, error: RemoteError) -> None:
        if self._ended:
            return
        self._gateway.refused(error)
        self._write()
        self._close(f"{error.code}: {error}")

    def _write(self) -> None:
        if not self._ended and (data := self._connection.data_to_send()):
            self.transport.write(data)

    def _close(self, why: str) -> None:
        if self._ended:
            return
        self._log.debug("closing {peer}: {why}", peer=self.transport.getPeer(), why=why)
        self._end()
        # a peer that does not read would keep a polite farewell waiting for ever
        self._farewell = self._gateway.clock.callLater(self._gateway.limits.farewell_s, self._abort)
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def _abort(self) -> None:
        self._farewell = None
        self.transport.abortConnection()

    def _end(self) -> None:
        """From here on nobody finds this connection, and nobody waits for it."""
        self._ended = True
        self._live = False
        self.setTimeout(None)
        now_s = self._gateway.clock.seconds()
        for session in self._connection.sessions.values():
            if session.admission is not None:
                self._gateway.presence.leave(session.admission, self, now_s)
        for answered in list(self._commands.values()):
            answered.errback(ChargerOffline("the connection was lost"))

    @property
    def _dialect(self) -> str:
        assert self._connection.dialect is not None
        return self._connection.dialect.name

    def _ask_credentials(self, wish: AskCredentials) -> None:
        found = self._gateway.events.credentials(self._dialect, wish.identity)
        found.addCallbacks(
            lambda credentials: self._act(self._connection.credentials, wish.identity, credentials),
            self._cannot_log_in,
        )

    def _ask_admission(self, wish: AskAdmission) -> None:
        admitted = self._gateway.events.logged_in(
            self._dialect, wish.identity, wish.login, wish.login_digest
        )
        admitted.addCallbacks(
            lambda admission: self._admitted(wish.identity, admission),
            lambda failure: self._not_admitted(wish.identity, failure),
        )

    def _admitted(self, identity: str, admission: Admission) -> None:
        if self._ended:
            return
        self._live = True
        self.setTimeout(self._gateway.limits.silence_s)
        now_s = self._gateway.clock.seconds()
        self._gateway.presence.arrive(Present(admission, identity, self, now_s))
        self._act(self._connection.admitted, identity, admission)

    def _not_admitted(self, identity: str, failure: Failure) -> None:
        if failure.check(NotAdmitted):
            self._act(self._connection.refused, identity)
        else:
            self._cannot_log_in(failure)

    def _cannot_log_in(self, failure: Failure) -> None:
        # our own trouble is never told to a charger: it comes back and tries again
        self._log.failure("a login could not be looked up or committed", failure)
        self._close("cannot log in now")

    def _deliver(self, wish: Deliver) -> None:
        if isinstance(wish.event, TimeAsked):
            self._gateway.tell_time(self, wish.identity)
            return
        received_at = self._gateway.calendar.now()
        outcome = self._gateway.events.receive(wish.admission, wish.event, received_at)
        if outcome is None:
            return
        self._in_flight += 1
        if self._in_flight == MOST_IN_FLIGHT and not self._ended:
            self.transport.pauseProducing()
        outcome.addErrback(self._undecided)
        outcome.addCallback(self._acknowledge, wish)

    def _undecided(self, failure: Failure) -> Outcome:
        self._log.failure("a fact could not be kept; the charger sends it again", failure)
        return Outcome.LATER

    def _acknowledge(self, outcome: Outcome, wish: Deliver) -> None:
        self._in_flight -= 1
        if self._in_flight == MOST_IN_FLIGHT - 1 and not self._ended:
            self.transport.resumeProducing()
        if wish.ticket is not None:
            self._act(self._connection.acknowledge, wish.identity, wish.ticket, outcome)

    def _give_answer(self, wish: GiveAnswer) -> None:
        answered = self._commands.get((wish.identity, wish.number))
        if answered is not None:
            answered.callback(wish.answer)


_PERFORM: dict[type[Wish], Callable[[ChargerProtocol, Any], None]] = {
    AskCredentials: ChargerProtocol._ask_credentials,
    AskAdmission: ChargerProtocol._ask_admission,
    Deliver: ChargerProtocol._deliver,
    GiveAnswer: ChargerProtocol._give_answer,
}
