"""A WebSocket connection (RFC 6455) once it is open: frames in, whole messages out.

Both sides of it; the frames themselves are C{wsproto}'s.
"""

from collections.abc import Iterator

from attrs import frozen
from wsproto.connection import Connection, ConnectionState
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Event,
    TextMessage,
)
from wsproto.events import Ping as PingFrame
from wsproto.events import Pong as PongFrame

NORMAL = 1000
PROTOCOL_ERROR = 1002
UNSUPPORTED_DATA = 1003
MESSAGE_TOO_BIG = 1009

# bytes of the payload of a control frame
_LONGEST_PING = 125


@frozen
class Text:
    """A whole text message."""

    text: str


@frozen
class Ping:
    """The far side is alive; the answer is among what is to be sent."""

    payload: bytes


@frozen
class Pong:
    """The answer to a ping of ours."""

    payload: bytes


@frozen
class Closed:
    """
    It is over: nothing comes any more, and the TCP connection is to be closed when what is to be
    sent has been.

    @ivar code: of RFC 6455, section 7.4.
    @ivar is_fault: the far side broke the protocol or a limit, and was told this code; else it
        is what the far side said, to our close or of its own.
    """

    code: int
    reason: str
    is_fault: bool = False


Heard = Text | Ping | Pong | Closed


class Frames:
    """
    One side of an open connection.

    @param longest: bytes of a message, in UTF-8, that the far side may send.
    """

    def __init__(self, connection: Connection, longest: int) -> None:
        self._connection = connection
        self._longest = longest
        self._parts: list[str] = []
        self._size = 0
        self._out = bytearray()
        self.is_over = False

    @property
    def is_open(self) -> bool:
        """Whether something can be sent: neither side has said that it closes."""
        return not self.is_over and self._connection.state is ConnectionState.OPEN

    def receive(self, data: bytes) -> Iterator[Heard]:
        """What is in some bytes; of those behind the end nothing is."""
        if self.is_over:
            return
        self._connection.receive_data(data)
        for event in self._connection.events():
            heard = self._hear(event)
            if heard is not None:
                yield heard
            if self.is_over:
                return

    def send_text(self, text: str) -> None:
        """
        Send a message.

        @raise ValueError: if the connection is closing, or over.
        """
        self._require_open()
        self._out += self._connection.send(TextMessage(data=text))

    def ping(self, payload: bytes = b"") -> None:
        """
        Ask for a sign of life.

        @raise ValueError: if the connection is closing or over, or for over 125 bytes.
        """
        self._require_open()
        if len(payload) > _LONGEST_PING:
            raise ValueError(f"a ping of {len(payload)} bytes")
        self._out += self._connection.send(PingFrame(payload=payload))

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Begin to close; messages of the far side may come until L{Closed}.  Once is enough."""
        if self.is_open:
            self._out += self._connection.send(CloseConnection(code=code, reason=reason))

    def data_to_send(self) -> bytes:
        """Take what is to be sent."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def _require_open(self) -> None:
        if not self.is_open:
            raise ValueError("the connection is not open any more")

    def _hear(self, event: Event) -> Heard | None:
        match event:
            case TextMessage():
                return self._collect(event)
            case BytesMessage():
                return self._fail(UNSUPPORTED_DATA, "only text is spoken here")
            case PingFrame():
                if self._connection.state is ConnectionState.OPEN:
                    self._out += self._connection.send(event.response())
                return Ping(bytes(event.payload))
            case PongFrame():
                return Pong(bytes(event.payload))
            case CloseConnection():
                return self._end(event)
        return None

    def _collect(self, event: TextMessage) -> Text | Closed | None:
        self._size += len(event.data.encode())
        if self._size > self._longest:
            return self._fail(MESSAGE_TOO_BIG, f"a message has up to {self._longest} bytes")
        # a far side may send as many empty fragments as it likes
        if event.data:
            self._parts.append(event.data)
        if not event.message_finished:
            return None
        whole = Text("".join(self._parts))
        self._parts.clear()
        self._size = 0
        return whole

    def _end(self, event: CloseConnection) -> Closed:
        code, reason = int(event.code), event.reason or ""
        # wsproto tells of a broken frame as if it were a close that has come: then it is we
        # who close
        if self._connection.state in (ConnectionState.OPEN, ConnectionState.LOCAL_CLOSING):
            return self._fail(code, reason)
        if self._connection.state is ConnectionState.REMOTE_CLOSING:
            self._out += self._connection.send(event.response())
        self.is_over = True
        return Closed(code, reason)

    def _fail(self, code: int, reason: str) -> Closed:
        self.close(code, reason)
        self.is_over = True
        self._parts.clear()
        return Closed(code, reason, is_fault=True)
