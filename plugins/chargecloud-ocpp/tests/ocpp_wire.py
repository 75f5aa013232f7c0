"""What a charge point puts on the wire, byte by byte."""

import struct

from hypothesis import strategies as st

from chargecloud_ocpp.websocket import Handshake, Limits, ServerSide

REQUEST = (
    b"GET /ocpp/CP%201 HTTP/1.1\r\n"
    b"Host: 192.168.1.1:8080\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: ocpp1.6\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
HEARTBEAT = '[2,"1","Heartbeat",{}]'
MASK = b"abcd"
TEXT, MORE, BINARY, CLOSE, PING, PONG = 1, 0, 2, 8, 9, 10


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


PIECES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([REQUEST, b"\r\n\r\n", frame(TEXT, b"a"), frame(PING), frame(CLOSE)]),
    st.builds(frame, st.integers(0, 15), st.binary(max_size=130), st.booleans()),
    st.builds(
        lambda at, put: REQUEST[:at] + put + REQUEST[at + 1 :], st.integers(0, 200), st.binary()
    ),
)
