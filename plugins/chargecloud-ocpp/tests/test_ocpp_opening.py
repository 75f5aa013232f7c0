"""How a connection is asked for, and with what real chargers get wrong."""

import base64

import pytest

from chargecloud_ocpp.websocket import (
    SUBPROTOCOL,
    Allowances,
    Basic,
    Handshake,
    Limits,
    Refused,
    ServerSide,
    Text,
)
from ocpp_wire import HEARTBEAT, REQUEST, TEXT, changed, frame

#: of the request, by RFC 6455
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_a_charge_point_says_who_it_is() -> None:
    """By the path; and it is accepted with the subprotocol that it offers."""
    server = ServerSide()
    assert server.receive(REQUEST) == [
        Handshake("/ocpp/CP%201", "CP 1", (SUBPROTOCOL,), SUBPROTOCOL, None)
    ]
    assert not server.is_open
    assert server.data_to_send() == b""
    assert server.accept(SUBPROTOCOL) == []
    answer = server.data_to_send()
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert ACCEPT in answer
    assert b"ocpp1.6" in answer.lower()
    assert server.is_open


CREDENTIALS = [
    (b"CP 1:secret", Basic(b"CP 1", b"secret")),
    (b"CP 1:\x00\xff:\x01", Basic(b"CP 1", b"\x00\xff:\x01")),
    (b"other:a:b", Basic(b"other", b"a:b")),
    (b"CP 1:", Basic(b"CP 1", b"")),
    (b"nothing", None),
]


@pytest.mark.parametrize(("decoded", "basic"), CREDENTIALS)
def test_basic_is_bytes(decoded: bytes, basic: Basic | None) -> None:
    """A key may be any bytes, colons too."""
    header = b"Authorization: Basic " + base64.b64encode(decoded) + b"\r\n\r\n"
    (asked,) = ServerSide().receive(REQUEST[:-2] + header)
    assert isinstance(asked, Handshake)
    assert asked.basic == basic
    assert b"secret" not in repr(asked).encode()


def test_colons_of_an_identity_are_its_own() -> None:
    """A MAC address is one that chargers have."""
    decoded = base64.b64encode(b"aa:bb:secret")
    request = changed((b"CP%201", b"aa:bb"))[:-2] + b"authorization: basic " + decoded + b"\r\n\r\n"
    (asked,) = ServerSide().receive(request)
    assert isinstance(asked, Handshake)
    assert asked.basic == Basic(b"aa:bb", b"secret")


@pytest.mark.parametrize("value", [b"Basic !!!", b"Basic", b"Bearer abc", b"", b"Basic \xff"])
def test_what_is_no_basic_is_none(value: bytes) -> None:
    """And does not harm."""
    (asked,) = ServerSide().receive(REQUEST[:-2] + b"Authorization: " + value + b"\r\n\r\n")
    assert isinstance(asked, Handshake | Refused)
    assert isinstance(asked, Refused) or asked.basic is None


LEFT_OUT = [
    (changed((b"Sec-WebSocket-Protocol: ocpp1.6\r\n", b"")), Allowances(no_subprotocol=False)),
    (changed((b"Connection: Upgrade\r\n", b"")), Allowances(no_connection_header=False)),
    (
        changed((b"Connection: Upgrade", b"Connection: keep-alive")),
        Allowances(no_connection_header=False),
    ),
]


@pytest.mark.parametrize(("request_", "strict"), LEFT_OUT)
def test_what_real_chargers_leave_out_is_allowed_or_not(
    request_: bytes, strict: Allowances
) -> None:
    """As data say."""
    server = ServerSide()
    (asked,) = server.receive(request_)
    assert isinstance(asked, Handshake)
    server.accept(asked.subprotocol)
    assert server.data_to_send().startswith(b"HTTP/1.1 101 ")
    (heard,) = server.receive(frame(TEXT, HEARTBEAT.encode()))
    assert heard == Text(HEARTBEAT)
    server = ServerSide(allowances=strict)
    (refused,) = server.receive(request_)
    assert isinstance(refused, Refused)
    assert refused.status == 400
    assert server.is_over


WRITTEN_OTHERWISE = [
    changed((b"\r\n", b"\n")),
    changed((b"Connection: Upgrade", b"connection: keep-alive, upgrade")),
    changed((b"ocpp1.6", b"ocpp2.0.1, OCPP1.6")),
    changed((b"Upgrade: websocket", b"Upgrade: WebSocket")),
    changed((b"Host: ", b"Content-Length: 0\r\nHost: ")),
    changed((b"/ocpp/CP%201 ", b"/CP%201/ ")),
    changed((b"/ocpp/CP%201 ", b"//ws/CP%201?a=/b ")),
    changed((b"Host: 192.168.1.1:8080", b"Host: [::1]:8080")),
    changed((b"Host: ", b"Sec-WebSocket-Extensions: permessage-deflate\r\nHost: ")),
]


@pytest.mark.parametrize("request_", WRITTEN_OTHERWISE)
def test_a_request_may_be_written_otherwise(request_: bytes) -> None:
    """It is the same one."""
    server = ServerSide()
    (asked,) = server.receive(request_)
    assert isinstance(asked, Handshake)
    assert asked.identity == "CP 1"
    assert asked.subprotocol in ("ocpp1.6", "OCPP1.6")
    server.accept(asked.subprotocol)
    answer = server.data_to_send()
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"deflate" not in answer


REFUSED = [
    (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (changed((b"/ocpp/CP%201 ", b"/ ")), 404),
    (changed((b"CP%201", b"%ff")), 404),
    (changed((b"CP%201", b"CP%0d%0a")), 404),
    (changed((b"GET", b"POST")), 400),
    (changed((b"Upgrade: websocket\r\n", b"")), 400),
    (changed((b"Version: 13", b"Version: 8")), 426),
    (changed((b"ocpp1.6", b"ocpp2.0.1")), 400),
    (changed((b"Host: 192.168.1.1:8080\r\n", b"")), 400),
    (changed((b"Host: 192.168.1.1", b"Host: \xff\xfe")), 400),
    (changed((b"Host: ", b"Content-Length: 5\r\nHost: ")), 400),
    (changed((b"Host: ", b"Transfer-Encoding: chunked\r\nHost: ")), 400),
    (changed((b"Host: ", b"a: " + b"x" * 8192 + b"\r\nHost: ")), 431),
    (b"x" * 8193, 431),
    (b"\x16\x03\x01\n\n", 400),
    (b"\r\n\r\n", 400),
]


@pytest.mark.parametrize(("request_", "status"), REFUSED)
def test_what_is_no_request_is_refused(request_: bytes, status: int) -> None:
    """With its status, and an end to it."""
    server = ServerSide()
    (refused,) = server.receive(request_)
    assert isinstance(refused, Refused)
    assert refused.status == status
    assert server.data_to_send().startswith(b"HTTP/1.1 %d " % status)
    assert server.is_over
    assert server.receive(REQUEST) == []
    assert server.data_to_send() == b""


def test_a_charge_point_is_refused_with_what_it_needs_to_know() -> None:
    """Whom it is to prove to be; and it cannot be accepted then."""
    server = ServerSide()
    server.receive(REQUEST)
    server.refuse(401, [("Retry-After", "5")], b"who?")
    assert server.data_to_send() == (
        b"HTTP/1.1 401 Unauthorized\r\nRetry-After: 5\r\n"
        b'WWW-Authenticate: Basic realm="OCPP", charset="UTF-8"\r\n'
        b"Connection: close\r\nContent-Length: 4\r\n\r\nwho?"
    )
    for late in (lambda: server.accept(None), lambda: server.refuse(404)):
        with pytest.raises(ValueError, match="nobody"):
            late()
    with pytest.raises(ValueError, match="not open"):
        server.send_text("")
    server = ServerSide()
    server.receive(REQUEST)
    with pytest.raises(ValueError, match="line end"):
        server.refuse(404, [("A", "b\r\nc")])
    with pytest.raises(ValueError, match="offered"):
        server.accept("ocpp2.0.1")
    server.close()
    assert server.data_to_send().startswith(b"HTTP/1.1 503 ")


def test_who_does_not_wait_for_the_answer_is_heard_after_it() -> None:
    """But not without bounds."""
    server = ServerSide()
    (asked,) = server.receive(REQUEST + frame(TEXT, b"a"))
    assert server.receive(frame(TEXT, b"b")) == []
    assert isinstance(asked, Handshake)
    assert server.accept(asked.subprotocol) == [Text("a"), Text("b")]
    server = ServerSide(Limits(message_bytes=100))
    server.receive(REQUEST)
    (refused,) = server.receive(bytes(101))
    assert isinstance(refused, Refused)
