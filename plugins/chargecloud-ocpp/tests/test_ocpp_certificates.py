"""TLS on real sockets: security profiles 2 and 3."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from OpenSSL.crypto import X509, PKey
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
from ocpp_authority import Authority, installed, request, settings
from ocpp_point import ocpp_world, point, register
from tests.harness import clock_at
from tests.world import World

reactor: Any = installed_reactor
PATIENCE_S = 20.0
TLS_FILES = ("private_key", "certificate", "client_ca")
TCP = "tcp:0:interface=127.0.0.1"


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


@pytest.mark.parametrize("is_root", [True, False])
@pytest_twisted.ensureDeferred
async def test_what_was_signed_here_is_a_proof(tmp_path: Path, is_root: bool) -> None:
    """Asked for by password, and used from the next connection on; who is trusted is the root, and
    those between are in the chain."""
    root = Authority(tmp_path)
    (tmp_path / "below").mkdir()
    signing = root if is_root else Authority(tmp_path / "below", root)
    # TLS knows no time but the true one
    world = ocpp_world(tmp_path, settings(signing), clock=clock_at(datetime.now(UTC)))
    there = point(world, identity="CP-1").boot()
    register(world, "CP-2")
    key, csr = request("CP-1")
    assert there.call("SignCertificate", {"csr": csr}) == {"status": "Accepted"}
    chain = installed(there)
    certificate, private = root.issue("localhost")
    served = TlsSettings(
        private_key=str(private),
        certificate=str(certificate),
        client_ca=str(root.folder / "ca.pem"),
    )
    factory: Any = asking_certificates(served, world.listener)
    port = await serverFromString(reactor, TCP).listen(factory)
    first, *behind = map(X509.from_cryptography, chain)
    shown = CertificateOptions(
        privateKey=PKey.from_cryptography_key(key), certificate=first, extraCertChain=behind
    )
    assert await opened(port, shown, Opening("CP-1", None)) == 101
    assert await opened(port, shown, Opening("CP-2", None)) == 401
    await port.stopListening()
    world.killed()
