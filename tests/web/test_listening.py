"""A request takes no more room than it may."""

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Protocol
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource

from chargecloud.web.listening import IDLE_S, REQUEST_S, make_site
from chargecloud.web.operations import BODY_LIMIT


class Measure(Resource):
    """Answers with the length of what it was given."""

    isLeaf = True

    def render_POST(self, request: IRequest) -> bytes:
        """The length of the body that was kept."""
        assert request.content is not None
        return b"%d" % len(request.content.read())


def connection() -> tuple[MemoryReactorClock, StringTransport, Protocol]:
    """A reactor, and a connection to a site."""
    reactor = MemoryReactorClock()
    protocol = make_site(Measure(), reactor).buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
    assert protocol is not None
    transport = StringTransport()
    protocol.makeConnection(transport)
    return reactor, transport, protocol


def post(headers: bytes, *body: bytes) -> bytes:
    """What is answered to a POST that comes in pieces."""
    _, transport, protocol = connection()
    for piece in (b"POST / HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n", *body):
        protocol.dataReceived(piece)
    response: bytes = transport.value()
    return response.rpartition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(0, 0), (1000, 1000), (BODY_LIMIT, BODY_LIMIT), (5 * BODY_LIMIT, BODY_LIMIT + 1)],
)
def test_body_of_a_stated_length(sent: int, kept: int) -> None:
    """One byte more than a body may have is kept, so that it can be told, and no more."""
    pieces = [b"x" * 100_000] * (sent // 100_000) + [b"x" * (sent % 100_000)]
    assert post(b"Content-Length: %d\r\n" % sent, *pieces) == b"%d" % kept


def test_body_in_chunks() -> None:
    """A body that does not state its length is bounded just the same."""
    chunk = b"186a0\r\n" + b"x" * 100_000 + b"\r\n"
    answered = post(b"Transfer-Encoding: chunked\r\n", *[chunk] * 30, b"0\r\n\r\n")
    assert answered == b"%d" % (BODY_LIMIT + 1)


def test_forms_are_not_parsed() -> None:
    """A broken form reaches its resource like any other body."""
    headers = b"Content-Type: multipart/form-data\r\nContent-Length: 3\r\n"
    assert post(headers, b"abc") == b"3"


def test_idle_connections_are_closed() -> None:
    """A connection on which nothing comes does not keep its socket."""
    reactor, transport, _ = connection()
    reactor.advance(IDLE_S - 1)
    assert not transport.disconnecting
    reactor.advance(2)
    assert transport.disconnecting


def test_a_request_has_to_come_in_time() -> None:
    """Who sends a byte now and then is not idle, and is cut off all the same; who has sent all
    is not."""
    reactor, transport, protocol = connection()
    protocol.dataReceived(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(REQUEST_S - 1):
        reactor.advance(1)
        protocol.dataReceived(b"x")
    assert not transport.disconnecting
    reactor.advance(1)
    assert transport.disconnecting

    reactor, transport, protocol = connection()
    protocol.dataReceived(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
    assert transport.value().endswith(b"1")
    reactor.advance(REQUEST_S)
    assert not transport.disconnecting
