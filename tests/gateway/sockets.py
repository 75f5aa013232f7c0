"""A gateway on real sockets, and chargers that come to it by any kind of listener."""

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    UNIXClientEndpoint,
    connectProtocol,
    serverFromString,
    wrapClientTLS,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions, PrivateCertificate
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.dialects.native.charger import Facts, NativeCharger
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.dialects.native.received import HeartbeatAnswered, Ordered, Welcomed
from chargecloud.domain.charger import Secret
from chargecloud.domain.commands import Answer
from chargecloud.gateway.certificates import TlsSettings, asking_certificates
from chargecloud.gateway.gateway import Gateway
from chargecloud.gateway.presence import Presence
from chargecloud.gateway.prompt import PromptReactor
from chargecloud.gateway.settings import Limits
from tests.gateway.gate import KEY, Office
from tests.gateway.line_dialect import LineDialect

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
        """Say at once what is to be said, and do as it is told."""
        received = self.wire.receive(data)
        for each in received:
            if isinstance(each, Ordered):
                self.wire.answer(each.number, Answer(True))
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
async def listening(
    gateway: Gateway,
    endpoint: str = TCP,
    *,
    on: Any = reactor,
    behind: Callable[[Any], Any] = lambda factory: factory,
) -> Any:
    """The port of a gateway, while it listens, behind something or not; what remains is closed."""
    listener = behind(gateway.speaking((NativeDialect(), LineDialect())))
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


#: each kind of listener that the configuration may name
WAYS = ("tcp", "prompt", "unix", "ssl", "tls", "prompt-tls", "haproxy", "prompt-haproxy")


class Way:
    """How chargers come to a listener of one kind."""

    def __init__(self, kind: str, folder: Path) -> None:
        # whatever is promised holds for either transport
        self.on = PromptReactor(reactor) if kind.startswith("prompt") else reactor
        self.kind = kind = kind.removeprefix("prompt-")
        self._folder, self._socket = folder, str(folder / "s")
        self._endpoint = TCP
        self._behind: Callable[[Any], Any] = lambda factory: factory
        match kind:
            case "unix":
                self._endpoint = f"unix:{self._socket}"
            case "ssl":
                self._endpoint = write_certificate(folder)
            case "tls":
                write_certificate(folder)
                key, own = f"{folder}/key.pem", f"{folder}/certificate.pem"
                settings = TlsSettings(private_key=key, certificate=own, client_ca=own)
                self._behind = partial(asking_certificates, settings)
            case "haproxy":
                self._endpoint = f"haproxy:{TCP}"

    def listening(self, gateway: Gateway) -> Any:
        """L{listening}, in this way."""
        return listening(gateway, self._endpoint, on=self.on, behind=self._behind)

    def connect(self, port: Any, identity: str = "EB-1") -> "Awaitable[FarEnd]":
        """A new connection."""
        header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 9010\r\n" if self.kind == "haproxy" else b""
        return in_time(connectProtocol(self._client(port), FarEnd(identity, KEY, header)))

    def _client(self, port: Any) -> Any:
        if self.kind == "unix":
            return UNIXClientEndpoint(reactor, self._socket)
        client = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        match self.kind:
            case "ssl":
                return wrapClientTLS(CertificateOptions(), client)
            case "tls":
                # who has signed it is the one who is asked for: itself
                shown = [
                    (self._folder / name).read_bytes() for name in ("certificate.pem", "key.pem")
                ]
                return wrapClientTLS(PrivateCertificate.loadPEM(b"".join(shown)).options(), client)
            case _:
                return client
