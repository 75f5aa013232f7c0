"""The only file with a charger's transport: hands bytes over, writes replies, watches for
silence, and carries out the connection's wishes."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from chargecloud.domain.charger import Admission
from chargecloud.domain.commands import Answer, Command
from chargecloud.domain.errors import (
    ChargerOffline,
    CommandTimedOut,
    NotAdmitted,
    Overloaded,
    Refusal,
    RemoteError,
)
from chargecloud.domain.events import Outcome, Reply, TimeAsked
from chargecloud.gateway.awaited import Awaited
from chargecloud.gateway.certificates import peer_name
from chargecloud.gateway.connection import (
    AskAdmission,
    AskCredentials,
    Connection,
    Deliver,
    GiveAnswer,
    LetGo,
    Session,
    Wish,
)
from chargecloud.gateway.presence import Present
from chargecloud.gateway.reading import READ_BYTES, Pause, Reading
from chargecloud.interfaces import Credentials, IDialect

if TYPE_CHECKING:
    from chargecloud.gateway.gateway import Gateway

#: facts of one connection that wait for their commit; beyond it we stop reading, and the
#: charger's own queue holds what is left
MOST_IN_FLIGHT = 64
#: commands of one charger that wait for an answer: who shares a connection with a hundred others
#: is stopped as surely as one that is alone
MOST_COMMANDS = 32


@implementer(IPushProducer)
class ChargerProtocol(Protocol):
    """One connection of one or more chargers.

    @ivar heard_s: when something was heard on it last.
    """

    #: a TCP transport in service, which ITransport does not say all of
    transport: Any = None
    _reading: Reading
    _deadline: IDelayedCall
    _log = Logger()

    def __init__(self, gateway: Gateway, dialects: Sequence[IDialect]) -> None:
        self._gateway = gateway
        self._seconds = gateway.clock.seconds
        self._connection = Connection(
            dialects,
            gateway.greeting,
            gateway.recorder,
            self._seconds,
            gateway.events.took,
            tally=gateway.heard,
        )
        self._awaited = Awaited(gateway.clock)
        self._in_flight = 0
        self._let_in = False
        self._live = False
        self._ended = False
        self._unread: IDelayedCall | None = None
        self._farewell: IDelayedCall | None = None
        self._due: IDelayedCall | None = None
        self._due_s: float | None = None
        self.heard_s = self._seconds()

    # ------------------------------------------------------------------------- transport

    def connectionMade(self) -> None:
        """Watch the connection: for a login at first, and for silence later."""
        clock, limits = self._gateway.clock, self._gateway.limits
        self._reading = Reading(self.transport, clock, limits.bytes_a_second)
        self._deadline = clock.callLater(limits.login_s, self._close, "no login in time")
        self.transport.registerProducer(self, True)
        below: Any = self.transport
        # TLS and a proxy's header have the socket's transport below them
        while (wrapped := getattr(below, "transport", None)) is not None:
            below = wrapped
        below.bufferSize = READ_BYTES
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
        now_s = self._seconds()
        if self._reading.take(len(data), now_s):
            self._gateway.throttled += 1
        if self._connection.dialect is None:
            self._connection.peer_name = peer_name(self.transport)
        heard = self._connection.heard
        self._act(self._connection.receive, data)
        if self._connection.heard > heard:
            self.heard_s = now_s

    def _watch_silence(self) -> None:
        """Three heartbeats missed; or facts that have waited as long as that for their
        commit, while we have not read on.  It is looked at now and then, not at each frame."""
        now_s = self._seconds()
        heard_s = max(self.heard_s, self._reading.since_s)
        if self._reading.is_paused(Pause.BYTES):
            # it is not silent: we do not listen
            heard_s = now_s
        silence_s = self._connection.silence_s or self._gateway.limits.silence_s
        left_s = heard_s + silence_s - now_s
        if left_s > 0:
            # a charger that begins to charge promises to be heard from sooner than it did
            look_s = min(left_s, self._gateway.limits.heartbeat_s)
            self._deadline = self._gateway.clock.callLater(look_s, self._watch_silence)
        else:
            self._close("silent for too long")

    def pauseProducing(self) -> None:
        """The charger does not read what we write: we do not read on either, as there would
        only be more answers, and after a while it has to come back."""
        self._reading.pause(Pause.ANSWERS)
        if self._unread is None and not self._ended:
            farewell_s = self._gateway.limits.farewell_s
            self._unread = self._gateway.clock.callLater(farewell_s, self._close, "does not read")

    def resumeProducing(self) -> None:
        """It has read all."""
        self._reading.resume(Pause.ANSWERS)
        if self._unread is not None and self._unread.active():
            self._unread.cancel()
        self._unread = None

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
        if self._awaited.count(identity) >= MOST_COMMANDS:
            return fail(Overloaded("too many commands wait for this charger"))
        try:
            number = self._connection.command(identity, command)
        except Refusal:
            return fail(Failure())
        except Exception:
            # what a dialect could not put into a frame
            self._gateway.events.failed(self._dialect)
            return fail(Failure())
        answered = self._awaited.wait(identity, number, deadline_s)
        answered.addBoth(self._count, command, self._seconds())
        self._write()
        return answered

    def _count(self, result: Any, command: Command, sent_s: float) -> Any:
        outcome = _outcome(result)
        self._gateway.answered(self._dialect, command, outcome, self._seconds() - sent_s)
        return result

    def displace(self, identity: str) -> None:
        """A newer connection has this charger.  One of several goes alone, where its dialect
        can say so; else all of this connection goes, and the others come back by themselves."""
        if not self._ended and self._connection.dismiss(identity):
            self._awaited.lose(identity)
            self._write()
        else:
            self._close(f"{identity} has logged in anew")

    def close(self) -> None:
        """The service stops."""
        self._close("the service stops", tell=False)

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
            # a dialect's fault, or our own: this connection suffers, the others do not
            spoken = self._connection.dialect
            name = "none yet" if spoken is None else spoken.name
            self._log.failure("a connection that speaks {dialect} failed", dialect=name)
            self._gateway.events.failed(name)
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
        if self._ended:
            return
        if data := self._connection.data_to_send():
            self.transport.write(data)
        due_s = self._connection.due_s
        if due_s != self._due_s:
            self._await(due_s)

    def _await(self, due_s: float | None) -> None:
        """Call the dialect again when something of its own becomes due."""
        if self._due is not None and self._due.active():
            self._due.cancel()
        self._due_s = due_s
        if due_s is not None:
            delay_s = max(0.0, due_s - self._seconds())
            self._due = self._gateway.clock.callLater(delay_s, self._become_due)

    def _become_due(self) -> None:
        self._due_s = None
        self._act(self._connection.receive, b"")

    def _close(self, why: str, *, tell: bool = True) -> None:
        if self._ended:
            return
        self._log.debug("closing {peer}: {why}", peer=self.transport.getPeer(), why=why)
        self._end(tell=tell)
        # a peer that does not read would keep a polite farewell waiting for ever
        self._farewell = self._gateway.clock.callLater(self._gateway.limits.farewell_s, self._abort)
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def _abort(self) -> None:
        self._farewell = None
        self.transport.abortConnection()

    def _end(self, *, tell: bool = True) -> None:
        """From here on nobody finds this connection, and nobody waits for it."""
        if self._ended:
            return
        self._ended = True
        self._reading.stop()
        for call in (self._deadline, self._unread, self._due):
            if call is not None and call.active():
                call.cancel()
        now_s = self._seconds()
        admissions = [each.admission for each in self._connection.sessions.values()]
        left = [
            each
            for each in admissions
            if each is not None and self._gateway.presence.leave(each, self, now_s)
        ]
        self._awaited.lose()
        for admission in left if tell else ():
            self._gateway.gone(admission)

    @property
    def _dialect(self) -> str:
        assert self._connection.dialect is not None
        return self._connection.dialect.name

    def _lets_in(self, identity: str) -> bool:
        """Whether a login may go on.  It is decided at a connection's first: a host comes
        back with all of its boxes, so that they get in together or not at all."""
        if not self._let_in and not self._ended:
            retry_s = self._gateway.logins.postpone()
            if retry_s is None:
                self._let_in = True
            else:
                self._act(self._connection.postpone, identity, retry_s)
                self._close("too many log in at once")
        return not self._ended

    def _is_put_off(self, identity: str) -> bool:
        """Whether a charger has logged in too often of late.  One of several is sent away alone,
        where its dialect can say so: the others have done nothing."""
        retry_s = self._gateway.login_budget.retry_s(self._dialect, identity)
        if retry_s is None or self._ended:
            return self._ended
        if len(self._connection.sessions) > 1 and self._connection.dismiss(identity):
            self._write()
            return True
        self._act(self._connection.postpone, identity, retry_s)
        self._close("logs in too often")
        return True

    def _ask_credentials(self, wish: AskCredentials) -> None:
        if self._is_put_off(wish.identity) or not self._lets_in(wish.identity):
            return
        session = self._connection.sessions[wish.identity]
        found = self._gateway.events.credentials(self._dialect, wish.identity)
        self._gateway.logins.count(found).addCallbacks(
            lambda credentials: self._found(session, credentials), self._cannot_log_in
        )

    def _found(self, session: Session, credentials: Credentials | None) -> None:
        if self._has(session):
            self._act(self._connection.credentials, session.identity, credentials)

    def _has(self, session: Session) -> bool:
        """Whether it is there still: one of several may go alone, and come again."""
        return self._connection.sessions.get(session.identity) is session

    def _ask_admission(self, wish: AskAdmission) -> None:
        if self._is_put_off(wish.identity) or not self._lets_in(wish.identity):
            return
        self._gateway.login_budget.spend(self._dialect, wish.identity)
        session = self._connection.sessions[wish.identity]
        admitted = self._gateway.events.logged_in(
            self._dialect, wish.identity, wish.login, wish.login_digest
        )
        self._gateway.logins.count(admitted).addCallbacks(
            lambda admission: self._admitted(session, admission),
            lambda failure: self._not_admitted(session, failure),
        )

    def _admitted(self, session: Session, admission: Admission) -> None:
        if self._ended or not self._has(session):
            self._gateway.presence.miss(admission)
            return
        now_s = self._seconds()
        if not self._live:
            # silence counts from here
            self._live, self.heard_s = True, now_s
            self._deadline.cancel()
            self._watch_silence()
        self._gateway.arrive(Present(admission, session.identity, self, now_s))
        self._act(self._connection.admitted, session.identity, admission)
        if not self._ended:
            self._gateway.open(admission)

    def _not_admitted(self, session: Session, failure: Failure) -> None:
        if not failure.check(NotAdmitted):
            self._cannot_log_in(failure)
        elif self._has(session):
            self._act(self._connection.refused, session.identity)

    def _cannot_log_in(self, failure: Failure) -> None:
        # our own trouble is never told to a charger: it comes back and tries again
        self._log.failure("a login could not be looked up or committed", failure)
        self._close("cannot log in now")

    def _deliver(self, wish: Deliver) -> None:
        if isinstance(wish.event, TimeAsked):
            self._gateway.tell_time(self, wish.identity)
            return
        received_at = self._gateway.calendar.now()
        reply = self._gateway.events.receive(wish.admission, wish.event, received_at)
        if reply is None:
            return
        self._in_flight += 1
        if self._in_flight == MOST_IN_FLIGHT:
            self._reading.pause(Pause.FACTS)
        reply.addErrback(self._undecided)
        reply.addCallback(self._acknowledge, wish)

    def _undecided(self, failure: Failure) -> Reply:
        self._log.failure("a fact could not be kept; the charger sends it again", failure)
        return Reply(Outcome.LATER)

    def _acknowledge(self, reply: Reply, wish: Deliver) -> None:
        self._in_flight -= 1
        if self._in_flight == MOST_IN_FLIGHT - 1:
            self._reading.resume(Pause.FACTS)
        if wish.ticket is not None:
            self._act(self._connection.acknowledge, wish.identity, wish.ticket, reply)

    def _let_go(self, wish: LetGo) -> None:
        self._awaited.lose(wish.identity)
        admission = wish.admission
        if admission and self._gateway.presence.leave(admission, self, self._seconds()):
            self._gateway.gone(admission)

    def _give_answer(self, wish: GiveAnswer) -> None:
        self._awaited.answer(wish.identity, wish.number, wish.answer)


def _outcome(result: Any) -> str:
    """What a command came to, in a word."""
    if isinstance(result, Answer):
        return "done" if result.accepted else "refused"
    return "timed_out" if result.check(CommandTimedOut) else "lost"


_PERFORM: dict[type[Wish], Callable[[ChargerProtocol, Any], None]] = {
    AskCredentials: ChargerProtocol._ask_credentials,
    AskAdmission: ChargerProtocol._ask_admission,
    Deliver: ChargerProtocol._deliver,
    GiveAnswer: ChargerProtocol._give_answer,
    LetGo: ChargerProtocol._let_go,
}
