"""The charge point's side: ours, and that of the package C{websockets}."""

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
    Basic,
    Closed,
    Handshake,
    Ping,
    Pong,
    Refused,
    ServerSide,
    Text,
)
from chargecloud_ocpp.websocket_client import ClientSide, Opened
from ocpp_wire import HEARTBEAT, PIECES


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
