"""WebSocket connections that are open, and what ends them."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud_ocpp.side import Limits
from chargecloud_ocpp.websocket import Closed, Handshake, Ping, Pong, Refused, ServerSide, Text
from ocpp_wire import BINARY, CLOSE, MASK, MORE, PIECES, PING, PONG, REQUEST, TEXT, frame, opened

MOST = Limits().message_bytes


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
    (frame(TEXT, b"a" * (MOST + 1)), 1009),
    (frame(TEXT, "电".encode() * (MOST // 3 + 1)), 1009),
    (frame(TEXT, b"a" * (MOST - 9), fin=False) + frame(MORE, b"a" * 10, fin=False), 1009),
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
    assert server.receive(frame(TEXT, b"a" * MOST)) == [Text("a" * MOST)]
    assert server.receive(frame(TEXT, b"a" * MOST)) == [Text("a" * MOST)]
    # nor is the rest of one waited for
    assert server.receive(b"\x81\xff" + struct.pack("!Q", 2**62) + MASK) == []
    (closed,) = server.receive(MASK * (MOST // 4 + 1_000))
    assert isinstance(closed, Closed)
    assert closed.code == 1009


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
