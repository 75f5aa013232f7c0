"""A gateway in memory, in step with a clock, and those who come to it."""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from random import Random
from typing import Any

from attrs import define, field
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent, LogLevel, capturedLogs
from twisted.python.failure import Failure
from zope.interface import implementer

from chargecloud.calendar import Calendar
from chargecloud.dialects.native.charger import Facts, NativeCharger
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.dialects.native.received import Received, Welcomed
from chargecloud.domain.charger import Admission, Secret
from chargecloud.domain.errors import NotAdmitted
from chargecloud.domain.events import ChargerEvent, LoggedIn, Outcome, PortsReported, Reply
from chargecloud.gateway.gateway import Gateway
from chargecloud.gateway.presence import Presence
from chargecloud.gateway.routing import Routing
from chargecloud.gateway.settings import Limits
from chargecloud.interfaces import Credentials, IChargerEvents, IDialect
from tests.gateway.line_dialect import PREAMBLE, LineDialect
from tests.harness import clock_at

KEY = Secret(bytes(range(16)), 1)


@implementer(IChargerEvents)
class Office:
    """The rooms above the gateway: it knows everybody but strangers, and keeps all facts.

    @ivar strangers: identities that are not registered.
    @ivar barred: identities that are, and may not connect.
    @ivar late: names of its methods whose results wait for L{answer}.
    @ivar broken: fails all that it is asked, while it is set.
    @ivar asked: what it was asked besides facts, in order.
    @ivar facts: by whom, and what.
    @ivar opened: whose sessions were said to be open.
    @ivar lost: who was said to be gone, and when.
    @ivar contests: who was said to be contested, how often, and when.
    @ivar flaps: who was said to be flapping, how often, and when.
    """

    def __init__(self) -> None:
        self.strangers: set[str] = set()
        self.barred: set[str] = set()
        self.late: set[str] = set()
        self.broken: Exception | None = None
        self.asked: list[tuple[str, str]] = []
        self.facts: list[tuple[Admission, ChargerEvent]] = []
        self.opened: list[Admission] = []
        self.lost: list[tuple[Admission, datetime]] = []
        self.contests: list[tuple[Admission, int, datetime]] = []
        self.flaps: list[tuple[Admission, int, datetime]] = []
        self.ids: dict[str, int] = {}
        self._epochs: Counter[str] = Counter()
        self._waiting: list[tuple[Deferred[Any], Any]] = []

    def credentials(self, dialect: str, identity: str) -> "Deferred[Credentials | None]":
        """What to check a charger's claim with."""
        self.asked.append(("credentials", identity))
        known = None if identity in self.strangers else Credentials(KEY)
        return self._give("credentials", known)

    def arrived(self, admission: Admission) -> None:
        """A charger's session is open."""
        self.opened.append(admission)

    def logged_in(
        self, dialect: str, identity: str, login: LoggedIn, login_digest: bytes | None
    ) -> "Deferred[Admission]":
        """A charger has proved itself."""
        self.asked.append(("logged_in", identity))
        if identity in self.barred:
            return self._give("logged_in", Failure(NotAdmitted("barred")))
        self._epochs[identity] += 1
        charger_id = self.ids.setdefault(identity, len(self.ids) + 1)
        booted_at = datetime.fromisoformat("2026-11-23T00:00:00+00:00")
        return self._give(
            "logged_in", Admission(charger_id, 1, self._epochs[identity], login.boot, booted_at)
        )

    def receive(
        self, admission: Admission, event: ChargerEvent, received_at: datetime
    ) -> "Deferred[Reply] | None":
        """A fact."""
        self.facts.append((admission, event))
        kept = Reply(Outcome.KEPT)
        return None if isinstance(event, PortsReported) else self._give("receive", kept)

    def gone(self, admission: Admission, at: datetime) -> None:
        """A charger has no connection any more."""
        self.lost.append((admission, at))

    def contested(self, admission: Admission, times: int, at: datetime) -> None:
        """A charger's connections displace each other."""
        self.contests.append((admission, times, at))

    def flapping(self, admission: Admission, times: int, at: datetime) -> None:
        """A charger logs in again and again."""
        self.flaps.append((admission, times, at))

    def failed(self, dialect: str) -> None:
        """Not looked at here."""

    def took(self, dialect: str, seconds: float) -> None:
        """A dialect has read what came."""

    def answer(self, *, last: bool = False) -> None:
        """Give the result that has waited longest, or the newest."""
        waiting, result = self._waiting.pop(-1 if last else 0)
        waiting.callback(result)

    def answer_with(self, error: Exception) -> None:
        """Let what has waited longest fail."""
        self._waiting.pop(0)[0].errback(error)

    def answer_all(self) -> None:
        """Give all results, in their order, also those that are asked for meanwhile."""
        while self._waiting:
            self.answer()

    def _give(self, name: str, result: Any) -> "Deferred[Any]":
        if self.broken is not None:
            return fail(self.broken)
        if name not in self.late:
            return fail(result) if isinstance(result, Failure) else succeed(result)
        waiting: Deferred[Any] = Deferred()
        self._waiting.append((waiting, result))
        return waiting


@define(eq=False)
class Line:
    """A connection, and the far end of it."""

    protocol: Any
    transport: StringTransport = field(factory=StringTransport)

    def __attrs_post_init__(self) -> None:
        self.protocol.makeConnection(self.transport)

    def say(self, data: bytes) -> bytes:
        """Send bytes; what comes back at once."""
        self.protocol.dataReceived(data)
        return self.take()

    def take(self) -> bytes:
        """What has come back since."""
        data: bytes = self.transport.value()
        self.transport.clear()
        return data

    @property
    def is_closing(self) -> bool:
        """Whether the cloud has closed it."""
        return self.transport.disconnecting

    @property
    def is_aborted(self) -> bool:
        """Whether the cloud has torn it down."""
        return self.transport.disconnected

    def drop(self) -> None:
        """The network takes it."""
        self.protocol.connectionLost(Failure(ConnectionLost()))


class Charger:
    """A native charger at the far end of a connection.

    @ivar said: all bytes that it has sent.
    """

    def __init__(self, line: Line, identity: str, secret: Secret, connection: int) -> None:
        self.line = line
        self.wire = NativeCharger(identity, secret, 1, connection, Facts("1.0"))
        self.heard: list[Received] = []
        self.said = b""

    def hello(self) -> "Charger":
        """Say who it is, and take what comes back."""
        self.wire.hello(uptime_s=100)
        return self.pump()

    def log_in(self) -> "Charger":
        """Log in, and see that the cloud has proved itself."""
        self.hello()
        assert any(isinstance(each, Welcomed) for each in self.heard)
        return self

    def beat(self) -> "Charger":
        """Give a sign of life."""
        self.wire.heartbeat()
        return self.pump()

    def pump(self) -> "Charger":
        """Carry bytes both ways until nothing moves."""
        while True:
            up = self.wire.data_to_send()
            self.said += up
            down = self.line.say(up) if up else self.line.take()
            if not up and not down:
                return self
            self.heard += self.wire.receive(down)


class Gate:
    """A gateway with an L{Office} above it."""

    def __init__(self, *dialects: IDialect, **limits: Any) -> None:
        self.clock = clock_at()
        self.office = Office()
        self.presence = Presence()
        self.gateway = Gateway(
            self.office,
            self.presence,
            self.clock,
            Calendar(self.clock.seconds),
            Limits(**limits),
            Random(1).random,
        )
        self.routing = Routing(self.presence)
        self.listener = self.gateway.speaking(dialects or (NativeDialect(), LineDialect()))
        self._connections = 0

    def open(self, host: str = "10.0.0.1") -> Line:
        """A new connection."""
        return Line(self.listener.buildProtocol(IPv4Address("TCP", host, 40_000)))

    def charger(self, identity: str = "EB-1", secret: Secret = KEY) -> Charger:
        """A native charger on a new connection."""
        self._connections += 1
        return Charger(self.open(), identity, secret, self._connections)

    def host(self, *boxes: str) -> Line:
        """A host on a new connection, with its boxes logged in."""
        line = self.open()
        line.say(PREAMBLE + b"".join(f"login {box}\n".encode() for box in boxes))
        return line

    def is_online(self, identity: str) -> bool:
        """Whether a charger is present."""
        return self.presence.find(self.office.ids.get(identity, 0)) is not None


@contextmanager
def logged_failures(*, forgotten: bool = True) -> Iterator[list[LogEvent]]:
    """Collects what is logged as a failure, handled or not, by its end.

    @param forgotten: also the failures of Deferreds that nobody holds any more; it takes
        a while to find them.
    """
    failures: list[LogEvent] = []
    with capturedLogs() as events:
        yield failures
        if forgotten:
            gc.collect()
    failures += [each for each in events if each["log_level"] is LogLevel.critical]
