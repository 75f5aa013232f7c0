"""Connections that are one descriptor to the reactor: what becomes of one touches no other."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions, DefaultOpenSSLContextFactory
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from zope.interface import implementer

from chargecloud.gateway.prompt import PromptReactor
from tests.gateway.gate import logged_failures
from tests.gateway.sockets import in_time, reactor, until, write_certificate

#: turns of the reactor in which something would have happened again
TURNS = 20


class Echo(Protocol):
    """Says what it hears; told to, it fails at once or when the connection has gone."""

    transport: Any = None
    _fails_when_lost = False

    def dataReceived(self, data: bytes) -> None:
        """Answer."""
        if data == b"fail now":
            raise RuntimeError("on what came")
        self._fails_when_lost |= b"fail" in data
        self.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end of it."""
        if self._fails_when_lost:
            raise RuntimeError("when it was lost")


class Client(Protocol):
    """The other end."""

    transport: Any = None

    def __init__(self) -> None:
        self.heard = b""
        self.is_lost = False

    def say(self, data: bytes) -> None:
        """Say something."""
        self.transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end of it."""
        self.is_lost = True


@asynccontextmanager
async def served(kind: type[Protocol]) -> AsyncIterator[Callable[[], "Deferred[Client]"]]:
    """A port of this protocol; to call for a connection to it."""
    factory: Any = Factory.forProtocol(kind)
    port: Any = PromptReactor(reactor).listenTCP(0, factory, interface="127.0.0.1")
    clients: list[Client] = []

    def connect() -> "Deferred[Client]":
        clients.append(Client())
        there = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        made: Deferred[Client] = connectProtocol(there, clients[-1])
        return made

    try:
        yield connect
    finally:
        await port.stopListening()
        for each in clients:
            each.transport.abortConnection()
        await until(lambda: all(each.is_lost for each in clients))


async def is_answered(client: Client) -> None:
    """It is served."""
    client.heard = b""
    client.say(b"hello")
    await until(lambda: client.heard == b"hello")


async def turns() -> None:
    """Let the reactor turn."""
    for _ in range(TURNS):
        await deferLater(reactor, 0)


@pytest_twisted.ensureDeferred
async def test_protocols_that_fail_end_their_own_connection_only() -> None:
    """Whether on what has come, when the connection has gone, or at both."""
    with logged_failures() as failures:
        async with served(Echo) as connect:
            clients = [await in_time(connect()) for _ in range(5)]
            for each in clients:
                await is_answered(each)
            for each in clients[:2]:
                each.say(b"fail later")
            await until(lambda: all(each.heard.endswith(b"later") for each in clients[:2]))
            # both in one turn: one of them fails twice
            clients[0].transport.loseConnection()
            clients[1].say(b"fail now")
            await until(lambda: clients[0].is_lost and clients[1].is_lost)
            await turns()
            for each in clients[2:]:
                await is_answered(each)
            await is_answered(await in_time(connect()))
    assert len(failures) == 3


@implementer(IHalfCloseableProtocol)
class SaysGoodbye(Protocol):
    """Answers only when it has heard all."""

    transport: Any = None
    #: how often each was told that it has
    told: ClassVar[list[int]] = []

    def connectionMade(self) -> None:
        """Nothing yet."""
        self._number = len(self.told)
        self.told.append(0)

    def readConnectionLost(self) -> None:  # noqa: N802
        """There comes no more."""
        self.told[self._number] += 1

    def writeConnectionLost(self) -> None:  # noqa: N802
        """Nothing."""

    def dataReceived(self, data: bytes) -> None:
        """Keep the connection, to answer later."""
        reactor.callLater(0.05, self.transport.write, b"goodbye")


@pytest_twisted.ensureDeferred
async def test_a_connection_that_is_closed_one_way_is_told_once() -> None:
    """And is not read on: there would always be nothing to read."""
    SaysGoodbye.told.clear()
    async with served(SaysGoodbye) as connect:
        client = await in_time(connect())
        client.say(b"all")
        client.transport.loseWriteConnection()
        await until(lambda: client.heard == b"goodbye")
        await turns()
        assert SaysGoodbye.told == [1]


class Upgrading(Protocol):
    """Goes over to TLS when it is told to, and says something there."""

    transport: Any = None
    options: Any = None

    def dataReceived(self, data: bytes) -> None:
        """Upgrade."""
        self.transport.write(b"now")
        self.transport.startTLS(self.options)
        self.transport.write(b"a secret")


@pytest_twisted.ensureDeferred
async def test_nothing_is_sent_in_the_clear_after_an_upgrade(tmp_path: Path) -> None:
    """What is written goes through TLS from then on."""
    write_certificate(tmp_path)
    Upgrading.options = DefaultOpenSSLContextFactory(
        f"{tmp_path}/key.pem", f"{tmp_path}/certificate.pem"
    )
    async with served(Upgrading) as connect:
        client = await in_time(connect())
        client.say(b"upgrade")
        await until(lambda: client.heard == b"now")
        client.transport.startTLS(CertificateOptions())
        await until(lambda: client.heard == b"nowa secret")
