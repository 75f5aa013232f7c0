"""The charge point's side of a WebSocket connection, for the simulator.  Sans-IO."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from attrs import frozen
from wsproto import ConnectionType
from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.handshake import H11Handshake
from wsproto.utilities import RemoteProtocolError

from chargecloud_ocpp.frames import NORMAL, PROTOCOL_ERROR, Closed, Frames, Ping, Pong, Text
from chargecloud_ocpp.requests import HEAD_END, Basic
from chargecloud_ocpp.websocket import SUBPROTOCOL, Limits, Refused


@frozen
class Opened:
    """The central system has accepted the connection."""

    subprotocol: str | None


Heard = Opened | Refused | Text | Ping | Pong | Closed


class ClientSide:
    """One connection to a central system; it begins with L{connect}."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._opening = H11Handshake(ConnectionType.CLIENT)
        self._frames: Frames | None = None
        self._held = bytearray()
        self._out = bytearray()
        self._is_failed = False

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._frames is not None and self._frames.is_open

    @property
    def is_over(self) -> bool:
        """Whether nothing will be heard any more."""
        return self._is_failed or (self._frames is not None and self._frames.is_over)

    def connect(
        self,
        path: str,
        identity: str,
        basic: Basic | None = None,
        *,
        host: str = "localhost",
        subprotocols: Sequence[str] = (SUBPROTOCOL,),
    ) -> None:
        """
        Ask to open.  Once.

        @param path: what stands before the identity, beginning with a slash.
        """
        headers = [] if basic is None else [(b"Authorization", basic.written())]
        request = Request(
            host=host,
            target=f"{path.rstrip('/')}/{quote(identity, safe='')}",
            subprotocols=list(subprotocols),
            extra_headers=headers,
        )
        self._out += self._opening.send(request)

    def receive(self, data: bytes) -> Sequence[Heard]:
        """What is in some bytes, in pieces of any size."""
        return list(self._receive(data))

    def send_text(self, text: str) -> None:
        """
        Send a message.

        @raise ValueError: unless L{is_open}.
        """
        self._opened().send_text(text)

    def ping(self, payload: bytes = b"") -> None:
        """
        Ask for a sign of life.

        @raise ValueError: unless L{is_open}, or for over 125 bytes.
        """
        self._opened().ping(payload)

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Begin to close, if it is open."""
        if self._frames is not None:
            self._frames.close(code, reason)

    def data_to_send(self) -> bytes:
        """Take what is to be sent."""
        data = bytes(self._out)
        self._out.clear()
        return data if self._frames is None else data + self._frames.data_to_send()

    def _opened(self) -> Frames:
        if self._frames is None:
            raise ValueError("the connection is not open yet")
        return self._frames

    def _receive(self, data: bytes) -> Iterator[Heard]:
        if self.is_over:
            return
        if self._frames is not None:
            yield from self._frames.receive(data)
            return
        self._held += data
        end = HEAD_END.search(self._held)
        if (end.end() if end else len(self._held)) > self._limits.handshake_bytes:
            yield self._fail("an answer too large")
        elif end:
            # what stands behind the head is for the frames
            behind = bytes(self._held[end.end() :])
            yield from self._answered(bytes(self._held[: end.end()]), behind)

    def _answered(self, head: bytes, behind: bytes) -> Iterator[Heard]:
        try:
            self._opening.receive_data(head)
            answer = next(self._opening.events(), None)
        except (RemoteProtocolError, ValueError) as error:
            yield self._fail(f"no answer of HTTP: {error}")
            return
        if isinstance(answer, AcceptConnection) and self._opening.connection is not None:
            yield Opened(answer.subprotocol)
            self._frames = Frames(self._opening.connection, self._limits.message_bytes)
            yield from self._frames.receive(behind)
        elif isinstance(answer, RejectConnection):
            self._is_failed = True
            yield Refused(answer.status_code, "the central system refuses it")
        else:
            yield self._fail("no answer to the request")

    def _fail(self, reason: str) -> Closed:
        self._is_failed = True
        return Closed(PROTOCOL_ERROR, reason, is_fault=True)
