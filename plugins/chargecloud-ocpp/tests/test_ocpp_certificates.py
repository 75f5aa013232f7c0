"""TLS on real sockets: security profiles 2 and 3."""

from collections.abc import Awaitable, Callable, Iterator
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
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    connectProtocol,
    serverFromString,
    wrapClientTLS,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions, PrivateCertificate
from twisted.python.failure import Failure

from chargecloud.gateway.certificates import NoCertificates, TlsSettings, asking_certificates
from chargecloud_ocpp.requests import Basic
from chargecloud_ocpp.side import Refused
from chargecloud_ocpp.websocket_client import ClientSide, Opened
from ocpp_point import ocpp_world, register
from tests.world import World

reactor: Any = installed_reactor
PATIENCE_S = 20.0
TCP = "tcp:0:interface=127.0.0.1"
PEM = serialization.Encoding.PEM


class Authority:
    """Signs certificates; its own is in C{ca.pem} of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        made = self._sign(self._name, self._key.public_key(), is_ca=True)
        (folder / "ca.pem").write_bytes(made.public_bytes(PEM))

    def _sign(self, name: x509.Name, key: Any, is_ca: bool = False) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(self._name, name, key, x509.random_serial_number())
        return (
            builder.not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate of somebody, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._sign(subject, key.public_key())
        certificate, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(made.public_bytes(PEM))
        private.write_bytes(
            key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        return certificate, private


class Opening(Protocol):
    """A charge point that only opens a connection.

    @ivar outcome: fires with the status by which it was refused, 101 if it was let in, or 0 if the
        connection ended before.
    """

    transport: Any = None

    def __init__(self, identity: str, basic: Basic | None) -> None:
        self.outcome: Deferred[int] = Deferred()
        self._side = ClientSide()
        self._side.connect("/ocpp", identity, basic)

    def connectionMade(self) -> None:
        """Ask."""
        self.transport.write(self._side.data_to_send())

    def dataReceived(self, data: bytes) -> None:
        """See what becomes of it."""
        for each in self._side.receive(data):
            if isinstance(each, Opened | Refused):
                self._tell(each.status if isinstance(each, Refused) else 101)
                self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Nothing becomes of it."""
        self._tell(0)

    def _tell(self, status: int) -> None:
        if not self.outcome.called:
            self.outcome.callback(status)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform, with two charge points."""
    made = ocpp_world(tmp_path)
    for identity in ("CP-1", "CP-2"):
        register(made, identity, key="0a" * 20)
    yield made
    made.killed()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Whom the platform trusts."""
    return Authority(tmp_path)


def in_time(deferred: "Deferred[Any]") -> "Awaitable[Any]":
    """The same, with an end."""
    return deferred.addTimeout(PATIENCE_S, reactor)


async def opened(port: Any, options: CertificateOptions, opening: Opening) -> int:
    """What a charge point's opening comes to."""
    client = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    await in_time(connectProtocol(wrapClientTLS(options, client), opening))
    status: int = await in_time(opening.outcome)
    return status


def showing(issued: tuple[Path, Path]) -> CertificateOptions:
    """A client's side of TLS that shows a certificate."""
    made = PrivateCertificate.loadPEM(issued[0].read_bytes() + issued[1].read_bytes())
    return CertificateOptions(privateKey=made.privateKey.original, certificate=made.original)


@pytest_twisted.ensureDeferred
async def test_a_password_behind_tls(world: World, authority: Authority) -> None:
    """Profile 2: the endpoint has the server's certificate, and the charge point its password."""
    certificate, key = authority.issue("localhost")
    endpoint = f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
    port = await serverFromString(reactor, endpoint).listen(world.listener)
    for password, status in ((b"0a" * 20, 101), (b"0b" * 20, 401)):
        opening = Opening("CP-1", Basic(b"CP-1", password))
        assert await opened(port, CertificateOptions(), opening) == status
    await port.stopListening()


@pytest.mark.parametrize(
    ("prove", "identity", "status"),
    [
        (lambda ours, _others: showing(ours.issue("CP-1")), "CP-1", 101),
        # somebody else's, a stranger's, and none at all
        (lambda ours, _others: showing(ours.issue("CP-2")), "CP-1", 401),
        (lambda _ours, others: showing(others.issue("CP-1")), "CP-1", 0),
        (lambda _ours, _others: CertificateOptions(), "CP-1", 0),
        (lambda ours, _others: showing(ours.issue("CP-9")), "CP-9", 404),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_certificate_is_a_proof(
    world: World,
    authority: Authority,
    tmp_path: Path,
    prove: Callable[[Authority, Authority], CertificateOptions],
    identity: str,
    status: int,
) -> None:
    """Profile 3: whose name is in it, by whom we trust; no password is asked."""
    certificate, key = authority.issue("localhost")
    settings = TlsSettings(
        private_key=str(key), certificate=str(certificate), client_ca=str(tmp_path / "ca.pem")
    )
    factory: Any = asking_certificates(settings, world.listener)
    port = await serverFromString(reactor, TCP).listen(factory)
    (tmp_path / "others").mkdir()
    options = prove(authority, Authority(tmp_path / "others"))
    assert await opened(port, options, Opening(identity, None)) == status
    await port.stopListening()


def test_files_that_are_none_are_told_of(world: World, authority: Authority) -> None:
    """Before anybody can connect."""
    certificate, key = authority.issue("localhost")
    for names in ((key, certificate, "missing.pem"), (certificate, key, key), (key, key, key)):
        settings = TlsSettings(
            private_key=str(names[0]), certificate=str(names[1]), client_ca=str(names[2])
        )
        with pytest.raises(NoCertificates):
            asking_certificates(settings, world.listener)
