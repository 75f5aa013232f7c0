"""Files as answers, over sockets: whole, and to clients that go in the middle."""

from io import BytesIO
from random import Random
from typing import Any, cast

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    connectProtocol,
)
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site
from twisted.web.test.requesthelper import DummyChannel

from chargecloud.routes import Download
from chargecloud.web.downloads import send
from tests.harness import result_of

#: more than sockets and buffers hold
CONTENT = Random(1).randbytes(8_000_000)


class Kept(BytesIO):
    """A file that tells when it is closed."""

    def __init__(self) -> None:
        super().__init__(CONTENT)
        self.over: Deferred[None] = Deferred()

    def close(self) -> None:
        """Close it."""
        super().close()
        if not self.over.called:
            self.over.callback(None)


class OneFile(Resource):
    """Answers with a file."""

    isLeaf = True

    def __init__(self, file: Kept) -> None:
        super().__init__()
        self.file = file

    def render_GET(self, request: Any) -> int:
        """Answer."""
        sent = ensureDeferred(send(Download(self.file, "a.csv"), "text/csv", request))
        sent.addCallback(lambda _none: request.channel and request.finish())
        return NOT_DONE_YET


class Client(Protocol):
    """Reads until it has enough, and goes."""

    def __init__(self, enough: int) -> None:
        self.enough, self.read = enough, b""
        self.gone: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """Ask for the file."""
        assert self.transport is not None
        self.transport.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

    def dataReceived(self, data: bytes) -> None:
        """Read some of it."""
        self.read += data
        if len(self.read) >= self.enough:
            cast(ITCPTransport, self.transport).abortConnection()

    def connectionLost(self, reason: Failure = Failure(Exception())) -> None:  # noqa: B008
        """It is over."""
        self.gone.callback(None)


async def asked(enough: int) -> tuple[Kept, Client]:
    """A file that a client asked for, when that has gone and the file is closed."""
    file = Kept()
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Site(OneFile(file)))
    try:
        here = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        client = await connectProtocol(here, Client(enough))
        await client.gone
        await file.over
    finally:
        await port.stopListening()
    return file, client


@pytest_twisted.ensureDeferred
async def test_a_file_comes_whole() -> None:
    """With its length and its name."""
    _file, client = await asked(10**9)
    head, _, body = client.read.partition(b"\r\n\r\n")
    assert body == CONTENT
    assert b"Content-Length: 8000000" in head
    assert b'filename="a.csv"' in head


@pytest_twisted.ensureDeferred
async def test_who_goes_in_the_middle_leaves_no_file_open() -> None:
    """Nor is it read to its end for nobody."""
    file, client = await asked(100_000)
    assert file.closed
    assert len(client.read) < len(CONTENT)


def test_who_has_gone_before_is_sent_nothing() -> None:
    """Between the question and the answer."""
    request, file = Request(cast(HTTPChannel, DummyChannel()), False), Kept()
    request.connectionLost(Failure(ConnectionLost()))
    result_of(ensureDeferred(send(Download(file, "a.csv"), "text/csv", request)))
    assert file.closed
