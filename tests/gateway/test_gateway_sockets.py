"""The gateway on real sockets, as the operating system and Twisted's wrappers make them."""

import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    UNIXClientEndpoint,
    connectProtocol,
    serverFromString,
    wrapClientTLS,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.dialects.native.charger import Facts, NativeCharger
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.dialects.native.received import HeartbeatAnswered, Welcomed
from chargecloud.domain.charger import Secret
from chargecloud.gateway.gateway import Gateway
from chargecloud.gateway.presence import Presence
from chargecloud.gateway.prompt import PromptReactor
from chargecloud.gateway.reading import BURST_BYTES
from chargecloud.gateway.settings import Limits
from tests.gateway.gate import KEY, Office, logged_failures
from tests.gateway.line_dialect import PREAMBLE, LineDialect

reactor: Any = installed_reactor

TCP = "tcp:0:interface=127.0.0.1"
#: no test waits longer for anything
PATIENCE_S = 20.0
CHARGERS = 200
#: heartbeats that are more than a burst and a read
FLOOD = 20_000


class FarEnd(Protocol):
    """A native charger's end of a real connection.

    @ivar lost: fires when it is lost.
    @ivar answered: how many of its heartbeats were.
    """

    transport: Any = None

    def __init__(self, identity: str, secret: Secret = KEY, proxy_header: bytes = b"") -> None:
        self.wire = NativeCharger(identity, secret, 1, 0, Facts("1.0"))
        self.lost: Deferred[None] = Deferred()
        self.answered = 0
        self._awaited: tuple[type, Deferred[None]] | None = None
        self._proxy_header = proxy_header

    def connectionMade(self) -> None:
        """Pretend to be behind a proxy, where there is one."""
        self._write(self._proxy_header)

    def log_in(self) -> "Deferred[None]":
        """Fires when the cloud has proved itself."""
        self.wire.hello(uptime_s=1)
        return self._wait_for(Welcomed)

    def beat(self) -> "Deferred[None]":
        """Fires when a heartbeat has been answered."""
        self.wire.heartbeat()
        return self._wait_for(HeartbeatAnswered)

    def flood(self, count: int) -> int:
        """Give so many signs of life at once; their size in bytes."""
        for _ in range(count):
            self.wire.heartbeat()
        data = self.wire.data_to_send()
        self._write(data)
        return len(data)

    def _wait_for(self, kind: type) -> "Deferred[None]":
        heard: Deferred[None] = Deferred()
        self._awaited = kind, heard
        self._write(self.wire.data_to_send())
        return heard

    def _write(self, data: bytes) -> None:
        self.transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        """Say at once what is to be said."""
        received = self.wire.receive(data)
        self._write(self.wire.data_to_send())
        self.answered += sum(isinstance(each, HeartbeatAnswered) for each in received)
        for each in received:
            if self._awaited is not None and isinstance(each, self._awaited[0]):
                (_, heard), self._awaited = self._awaited, None
                heard.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell."""
        self.lost.callback(None)


def make_gateway(**limits: Any) -> Gateway:
    """A gateway on the reactor's clock, with an office that knows everybody."""
    return Gateway(Office(), Presence(), reactor, Calendar(reactor.seconds), Limits(**limits))


@asynccontextmanager
async def listening(gateway: Gateway, endpoint: str = TCP, *, on: Any = reactor) -> Any:
    """The port of a gateway, while it listens; what remains is closed."""
    listener = gateway.speaking((NativeDialect(), LineDialect()))
    port = await serverFromString(on, endpoint).listen(listener)
    try:
        yield port
    finally:
        await port.stopListening()
        gateway.close_all()
        await until(lambda: gateway.connections == 0)


async def until(is_so: Callable[[], bool]) -> None:
    """Let the reactor turn until something is so."""
    deadline = reactor.seconds() + PATIENCE_S
    while not is_so():
        assert reactor.seconds() < deadline, "it never came"
        await deferLater(reactor, 0)


def in_time(deferred: "Deferred[Any]") -> "Awaitable[Any]":
    """The same, with an end."""
    return deferred.addTimeout(PATIENCE_S, reactor)


def write_certificate(folder: Path) -> str:
    """A certificate of our own; the endpoint string that serves with it."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    files = f"privateKey={folder}/key.pem:certKey={folder}/certificate.pem"
    return f"ssl:0:interface=127.0.0.1:{files}"


@pytest.fixture(params=["tcp", "prompt", "unix", "ssl", "haproxy", "prompt-haproxy"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> "Way":
    """Each kind of listener that the configuration may name."""
    return Way(request.param, tmp_path)


@pytest.fixture(params=["stock", "prompt"])
def transport(request: pytest.FixtureRequest) -> Any:
    """The reactor of each kind of TCP transport."""
    return PromptReactor(reactor) if request.param == "prompt" else reactor


class Way:
    """How chargers come to a listener of one kind."""

    def __init__(self, kind: str, folder: Path) -> None:
        # the transport is one or the other, and all that is promised holds for both
        self.on = PromptReactor(reactor) if kind.startswith("prompt") else reactor
        self.kind = kind = kind.removeprefix("prompt-")
        self._socket = str(folder / "s")
        match kind:
            case "unix":
                self.endpoint = f"unix:{self._socket}"
            case "ssl":
                self.endpoint = write_certificate(folder)
            case "haproxy":
                self.endpoint = f"haproxy:{TCP}"
            case _:
                self.endpoint = TCP

    def connect(self, port: Any, identity: str = "EB-1") -> "Awaitable[FarEnd]":
        """A new connection."""
        header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 9010\r\n" if self.kind == "haproxy" else b""
        return in_time(connectProtocol(self._client(port), FarEnd(identity, KEY, header)))

    def _client(self, port: Any) -> Any:
        if self.kind == "unix":
            return UNIXClientEndpoint(reactor, self._socket)
        client = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        return wrapClientTLS(CertificateOptions(), client) if self.kind == "ssl" else client


# -------------------------------------------------------------------------------------- listeners


@pytest_twisted.ensureDeferred
async def test_a_charger_comes_and_goes(way: Way) -> None:
    """Through every kind of listener; nothing of it is left."""
    gateway = make_gateway()
    with logged_failures() as failures:
        async with listening(gateway, way.endpoint, on=way.on) as port:
            charger = await way.connect(port)
            await in_time(charger.log_in())
            await in_time(charger.beat())
            assert len(gateway.presence) == 1
            charger.transport.loseConnection()
            await until(lambda: gateway.connections == 0)
    assert len(gateway.presence) == 0
    assert failures == []


@pytest_twisted.ensureDeferred
async def test_a_connection_too_many_is_closed_at_once(way: Way) -> None:
    """Also behind TLS and a proxy's header, where Twisted would leave its socket open."""
    gateway = make_gateway(connections=1)
    with logged_failures() as failures:
        async with listening(gateway, way.endpoint, on=way.on) as port:
            first = await way.connect(port)
            await in_time(first.log_in())
            second = await way.connect(port, "EB-2")
            await in_time(second.lost)
            await in_time(first.beat())
            assert (gateway.connections, gateway.turned_away) == (1, 1)
    assert failures == []


@pytest_twisted.ensureDeferred
async def test_a_silent_connection_is_closed_at_the_login_deadline(way: Way) -> None:
    """Through every kind of listener."""
    gateway = make_gateway(login_s=1, farewell_s=1)
    with logged_failures() as failures:
        async with listening(gateway, way.endpoint, on=way.on) as port:
            charger = await way.connect(port)
            await in_time(charger.lost)
            await until(lambda: gateway.connections == 0)
    assert failures == []


# ---------------------------------------------------------------------------------------- sockets


@pytest_twisted.ensureDeferred
async def test_the_kernel_watches_a_tcp_connection_too(transport: Any) -> None:
    """Keepalive, no delay, and an end to bytes that nobody acknowledges."""
    gateway = make_gateway(heartbeat_s=20, missed=3)
    async with listening(gateway, on=transport) as port:
        charger = await Way("tcp", Path()).connect(port)
        await in_time(charger.log_in())
        await in_time(charger.beat())
        found = gateway.presence.find(1)
        assert found is not None
        link: Any = found.link
        handle = link.transport.getHandle()
        assert handle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000


class Deaf(Protocol):
    """Says much, and reads nothing."""

    transport: Any = None

    def __init__(self) -> None:
        self.lost: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """Stop reading before anything comes."""
        self.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.transport.pauseProducing()
        self.transport.write(PREAMBLE + b"login A\n")

    def beat(self) -> None:
        """Ask for some kilobytes of answers."""
        self.transport.write(b"beat A\n" * 2000)


@pytest_twisted.ensureDeferred
async def test_a_peer_that_does_not_read_is_torn_down(transport: Any) -> None:
    """It pays for its own buffer, and not we: after the farewell its socket is gone."""
    gateway = make_gateway(farewell_s=1)
    async with listening(gateway, on=transport) as port:
        client = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        deaf = await in_time(connectProtocol(client, Deaf()))
        await until(lambda: len(gateway.presence) == 1)
        found = gateway.presence.find(1)
        assert found is not None
        link: Any = found.link
        link.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

        def is_gone() -> bool:
            if gateway.connections:
                deaf.beat()
            return gateway.connections == 0

        await until(is_gone)
        assert len(gateway.presence) == 0
        deaf.transport.abortConnection()


@pytest_twisted.ensureDeferred
async def test_a_flood_waits_for_its_turn_and_loses_nothing(way: Way) -> None:
    """Through every kind of listener: it is read as fast as its allowance, and a neighbour is
    answered meanwhile."""
    gateway = make_gateway(bytes_a_second=200_000, farewell_s=1)
    async with listening(gateway, way.endpoint, on=way.on) as port:
        flooding, neighbour = await way.connect(port), await way.connect(port, "EB-2")
        await in_time(flooding.log_in())
        await in_time(neighbour.log_in())
        began_s = reactor.seconds()
        size = flooding.flood(FLOOD)
        while flooding.answered < FLOOD:
            await in_time(neighbour.beat())
            assert reactor.seconds() < began_s + PATIENCE_S
        # a burst is free, and one read is on credit
        least_s = (size - 2 * BURST_BYTES) / 200_000
        assert least_s > 0.3
        assert reactor.seconds() - began_s >= least_s
        # the flood has its turns, and so has the neighbour
        assert neighbour.answered > 1
        assert not gateway.faults


@pytest_twisted.ensureDeferred
async def test_many_chargers_come_and_go_without_a_leak(transport: Any) -> None:
    """All log in at once, all are counted, and when they have gone nothing is left."""
    gateway = make_gateway()
    office = gateway.events
    assert isinstance(office, Office)
    tcp = Way("tcp", Path())
    async with listening(gateway, on=transport) as port:
        names = [f"EB-{number}" for number in range(CHARGERS)]
        with logged_failures() as failures:
            for _ in range(2):
                chargers = [await tcp.connect(port, name) for name in names]
                await in_time(gatherResults([each.log_in() for each in chargers]))
                await in_time(gatherResults([each.beat() for each in chargers]))
                assert gateway.connections == CHARGERS
                assert gateway._by_address == {"127.0.0.1": CHARGERS}
                assert len(gateway.presence) == CHARGERS
                assert all(gateway.presence.find(office.ids[name]) for name in names)
                for number, each in enumerate(chargers):
                    if number % 2:
                        each.transport.loseConnection()
                    else:
                        each.transport.abortConnection()
                await until(lambda: gateway.connections == 0)
                assert gateway._protocols == {}
                assert gateway._by_address == Counter()
                assert len(gateway.presence) == 0
        assert failures == []
        assert not gateway.faults
