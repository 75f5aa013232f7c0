"""WebSocket connections, from both sides, and with what real chargers get wrong."""

import base64
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from chargecloud_ocpp.websocket import (
    SUBPROTOCOL,
    Allowances,
    Basic,
    Closed,
    Handshake,
    Limits,
    Ping,
    Pong,
    Refused,
    ServerSide,
    Text,
)
from chargecloud_ocpp.websocket_client import ClientSide, Opened

REQUEST = (
    b"GET /ocpp/CP%201 HTTP/1.1\r\n"
    b"Host: 192.168.1.1:8080\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: ocpp1.6\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
#: of the request above, by RFC 6455
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
HEARTBEAT = '[2,"1","Heartbeat",{}]'
MASK = b"abcd"


def frame(opcode: int, payload: bytes = b"", fin: bool = True) -> bytes:
    """A frame as a client sends it."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    else:
        length = (
            b"\xfe" + struct.pack("!H", size) if size < 65536 else b"\xff" + struct.pack("!Q", size)
        )
    masked = bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))
    return bytes([opcode | 0x80 * fin]) + length + MASK + masked


TEXT, MORE, BINARY, CLOSE, PING, PONG = 1, 0, 2, 8, 9, 10


def opened(limits: Limits | None = None) -> ServerSide:
    """A connection that was accepted."""
    server = ServerSide(limits)
    (asked,) = server.receive(REQUEST)
    assert isinstance(asked, Handshake)
    server.accept(asked.subprotocol)
    server.data_to_send()
    return server


def changed(*pairs: tuple[bytes, bytes]) -> bytes:
    """The request with something in it replaced."""
    request = REQUEST
    for old, new in pairs:
        assert old in request
        request = request.replace(old, new)
    return request


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


def test_fragments_are_one_message_with_control_frames_in_between() -> None:
    """Cut within a character, too."""
    server = opened()
    raw = "电".encode()
    assert server.receive(frame(TEXT, raw[:1], fin=False)) == []
    assert server.receive(frame(PING, b"p") + frame(MORE, b"", fin=False)) == [Ping(b"p")]
    assert server.data_to_send() == b"\x8a\x01p"
    assert server.receive(frame(PONG, b"q") + frame(MORE, raw[1:])) == [Pong(b"q"), Text("电")]


BROKEN = [
    (frame(BINARY, b"a"), 1003),
    (frame(TEXT, b"\xff"), 1007),
    (frame(TEXT, "电".encode()[:2]), 1007),
    (frame(TEXT, b"\xed\xa0\x80"), 1007),
    (frame(MORE, b"a"), 1002),
    (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
    (b"\x81\x01a", 1002),
    (b"\xc1" + frame(TEXT, b"a")[1:], 1002),
    (frame(3), 1002),
    (frame(PING, b"x" * 126), 1002),
    (frame(PING, fin=False), 1002),
    (frame(CLOSE, b"a"), 1002),
    (frame(CLOSE, b"\x03\xee"), 1002),
    (frame(CLOSE, b"\x03\xe8\xff"), 1007),
    (frame(TEXT, b"a" * (64 * 1024 + 1)), 1009),
    (frame(TEXT, "电".encode() * (22 * 1024)), 1009),
    (b"\x81\xff" + struct.pack("!Q", 2**62) + MASK * 17_000, 1009),
    (frame(TEXT, b"a" * 40_000, fin=False) + frame(MORE, b"a" * 40_000, fin=False), 1009),
]


@pytest.mark.parametrize(("sent", "code"), BROKEN, ids=lambda value: str(value)[:30])
def test_what_breaks_the_protocol_ends_it_with_its_code(sent: bytes, code: int) -> None:
    """What was before is heard, what is behind is not."""
    server = opened()
    heard = server.receive(frame(TEXT, b"before") + sent + frame(TEXT, b"behind"))
    assert heard[0] == Text("before")
    (closed,) = heard[1:]
    assert isinstance(closed, Closed)
    assert (closed.code, closed.is_fault) == (code, True)
    out = server.data_to_send()
    assert out[0] == 0x88
    assert struct.unpack("!H", out[2:4]) == (code,)
    assert server.is_over
    assert not server.is_open
    assert server.receive(frame(TEXT, b"later")) == []
    with pytest.raises(ValueError, match="not open"):
        server.send_text("a")


def test_a_message_may_be_as_long_as_the_limit() -> None:
    """And no longer."""
    server = opened()
    assert server.receive(frame(TEXT, b"a" * 65536)) == [Text("a" * 65536)]
    assert server.receive(frame(TEXT, b"a" * 65536)) == [Text("a" * 65536)]


def test_the_far_side_closes() -> None:
    """It is answered, with its code; having none is no fault."""
    server = opened()
    assert server.receive(frame(CLOSE, b"\x03\xe9bye")) == [Closed(1001, "bye")]
    assert server.data_to_send() == b"\x88\x05\x03\xe9bye"
    assert server.is_over
    server = opened()
    assert server.receive(frame(CLOSE)) == [Closed(1005, "")]
    assert server.data_to_send() == b"\x88\x00"


def test_we_close_and_hear_until_the_far_side_does() -> None:
    """What it had on its way is not lost; a ping is not answered any more."""
    server = opened()
    server.close(1001, "x" * 200)
    server.close()
    out = server.data_to_send()
    assert out[:4] == b"\x88\x7d\x03\xe9"
    assert len(out) == 127
    assert not server.is_open
    assert server.receive(frame(TEXT, b"a") + frame(PING)) == [Text("a"), Ping(b"")]
    assert server.data_to_send() == b""
    assert server.receive(frame(CLOSE, b"\x03\xe9")) == [Closed(1001, "")]
    assert server.data_to_send() == b""


def test_a_ping_of_ours_has_up_to_125_bytes() -> None:
    """RFC 6455, section 5.5."""
    server = opened()
    server.ping(b"x" * 125)
    assert server.data_to_send() == b"\x89\x7d" + b"x" * 125
    with pytest.raises(ValueError, match="126"):
        server.ping(b"x" * 126)


TALK = (
    REQUEST
    + frame(TEXT, b"a", fin=False)
    + frame(PING, b"p")
    + frame(MORE, b"b")
    + frame(TEXT, b"c" * 300)
    + frame(PONG)
    + frame(CLOSE, b"\x03\xe8")
)


def hear(pieces: list[bytes]) -> list[Any]:
    """What a server hears in pieces, accepting at once."""
    server = ServerSide()
    heard: list[Any] = []
    for piece in pieces:
        for each in server.receive(piece):
            heard.append(each)
            if isinstance(each, Handshake):
                heard += server.accept(each.subprotocol)
    return heard


@given(st.lists(st.integers(0, len(TALK)), max_size=12).map(sorted))
def test_bytes_may_be_split_anywhere(cuts: list[int]) -> None:
    """It is the same talk."""
    whole = hear([TALK])
    assert whole[1:] == [
        Ping(b"p"),
        Text("ab"),
        Text("c" * 300),
        Pong(b""),
        Closed(1000, ""),
    ]
    ends = [*cuts, len(TALK)]
    assert hear([TALK[a:b] for a, b in zip([0, *cuts], ends, strict=True)]) == whole
    assert hear([TALK[at : at + 1] for at in range(len(TALK))]) == whole


PIECES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([REQUEST, b"\r\n\r\n", frame(TEXT, b"a"), frame(PING), frame(CLOSE)]),
    st.builds(frame, st.integers(0, 15), st.binary(max_size=130), st.booleans()),
    st.builds(
        lambda at, put: REQUEST[:at] + put + REQUEST[at + 1 :], st.integers(0, 200), st.binary()
    ),
)


@given(st.lists(PIECES, max_size=8), st.booleans())
def test_any_bytes_are_something_that_is_declared(pieces: list[bytes], is_open: bool) -> None:
    """And raise nothing; after the end nothing is heard."""
    server = opened() if is_open else ServerSide()
    is_over = False
    for piece in pieces:
        heard = list(server.receive(piece))
        for each in heard:
            assert not is_over
            assert isinstance(each, Handshake | Refused | Text | Ping | Pong | Closed)
            is_over = isinstance(each, Refused | Closed)
            if isinstance(each, Handshake):
                heard += server.accept(each.subprotocol)
        assert server.is_over is is_over
        server.data_to_send()


@given(st.lists(PIECES, max_size=8), st.booleans())
def test_any_bytes_are_something_to_a_client_too(pieces: list[bytes], is_open: bool) -> None:
    """A central system may be as broken as a charge point."""
    client, _ = joined() if is_open else (ClientSide(), None)
    if not is_open:
        client.connect("/ocpp", "CP 1")
    for piece in pieces:
        for each in client.receive(piece):
            assert isinstance(each, Opened | Refused | Text | Ping | Pong | Closed)
        client.data_to_send()


def joined(basic: Basic | None = None) -> tuple[ClientSide, ServerSide]:
    """Both sides of ours, open."""
    client, server = ClientSide(), ServerSide()
    client.connect("/ocpp/", "CP/1", basic)
    (asked,) = server.receive(client.data_to_send())
    assert isinstance(asked, Handshake)
    assert (asked.path, asked.identity, asked.basic) == ("/ocpp/CP%2F1", "CP/1", basic)
    server.accept(asked.subprotocol)
    server.send_text("at once")
    assert client.receive(server.data_to_send()) == [Opened(SUBPROTOCOL), Text("at once")]
    return client, server


def test_both_sides_of_ours_speak_with_each_other() -> None:
    """Texts, pings, and the end."""
    client, server = joined(Basic(b"CP/1", b"\x00:key"))
    client.send_text(HEARTBEAT)
    client.ping(b"p")
    assert server.receive(client.data_to_send()) == [Text(HEARTBEAT), Ping(b"p")]
    server.send_text("电")
    assert client.receive(server.data_to_send()) == [Pong(b"p"), Text("电")]
    client.close(1000, "done")
    assert server.receive(client.data_to_send()) == [Closed(1000, "done")]
    assert client.receive(server.data_to_send()) == [Closed(1000, "done")]
    assert client.is_over
    assert server.is_over


def test_a_client_that_is_refused_hears_why() -> None:
    """And nothing else."""
    client, server = ClientSide(), ServerSide()
    client.connect("/ocpp", "CP 1")
    server.receive(client.data_to_send())
    server.refuse(401)
    (refused,) = client.receive(server.data_to_send())
    assert isinstance(refused, Refused)
    assert refused.status == 401
    assert client.is_over


def strange(subprotocols: list[str]) -> ClientProtocol:
    """A charge point that somebody else has written."""
    offered = [Subprotocol(each) for each in subprotocols]
    client = ClientProtocol(
        parse_uri("ws://CP%201:secret@localhost/ocpp/CP%201"), subprotocols=offered
    )
    client.send_request(client.connect())
    return client


def sent(client: ClientProtocol) -> bytes:
    """What it has to send."""
    return b"".join(client.data_to_send())


@pytest.mark.parametrize("subprotocols", [["ocpp1.6"], ["ocpp2.0.1", "ocpp1.6"], []])
def test_it_speaks_with_the_package_websockets(subprotocols: list[str]) -> None:
    """From the first byte to the last."""
    client, server = strange(subprotocols), ServerSide()
    (asked,) = server.receive(sent(client))
    assert isinstance(asked, Handshake)
    server.accept(asked.subprotocol)
    client.receive_data(server.data_to_send())
    (answer,) = client.events_received()
    assert isinstance(answer, Response)
    assert client.handshake_exc is None
    assert client.subprotocol == (SUBPROTOCOL if subprotocols else None)

    client.send_text(b"ab", fin=False)
    client.send_ping(b"p")
    client.send_continuation(b"c" * 70, fin=True)
    assert server.receive(sent(client)) == [Ping(b"p"), Text("ab" + "c" * 70)]
    server.send_text("电" * 500)
    server.ping(b"q")
    client.receive_data(server.data_to_send())
    pong, text, ping = client.events_received()
    assert isinstance(pong, Frame)
    assert isinstance(text, Frame)
    assert isinstance(ping, Frame)
    assert (pong.opcode, pong.data) == (Opcode.PONG, b"p")
    assert text.data == ("电" * 500).encode()
    assert server.receive(sent(client)) == [Pong(b"q")]

    client.send_close(CloseCode.GOING_AWAY, "bye")
    assert server.receive(sent(client)) == [Closed(1001, "bye")]
    client.receive_data(server.data_to_send())
    client.receive_eof()
    assert client.close_code == 1001


def test_the_package_websockets_understands_why_it_is_refused() -> None:
    """And our codes, when it breaks a rule."""
    client, server = strange(["ocpp1.6"]), ServerSide()
    server.receive(sent(client))
    server.refuse(404, body=b"unknown")
    client.receive_data(server.data_to_send())
    client.receive_eof()
    (answer,) = client.events_received()
    assert isinstance(answer, Response)
    assert (answer.status_code, answer.body) == (404, b"unknown")

    client, server = strange(["ocpp1.6"]), ServerSide()
    server.receive(sent(client))
    server.accept(SUBPROTOCOL)
    client.receive_data(server.data_to_send())
    client.send_binary(b"a")
    server.receive(sent(client))
    client.receive_data(server.data_to_send())
    client.receive_eof()
    assert client.close_code == 1003
