"""What both sides of a WebSocket connection have: an opening by HTTP, and frames behind it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from attrs import frozen
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.handshake import H11Handshake

from chargecloud_ocpp.frames import NORMAL, Closed, Frames, Ping, Pong, Text
from chargecloud_ocpp.requests import HEAD_END

SUBPROTOCOL = "ocpp1.6"

#: what a side hears before the connection is open
Opening = TypeVar("Opening")


@frozen
class Limits:
    """Bytes that the far side may send: to open, and in one message."""

    handshake_bytes: int = 8 * 1024
    message_bytes: int = 256 * 1024


@frozen
class Refused:
    """There is no connection: it was refused.  What is to be sent says so to the far side."""

    status: int
    reason: str


class Side(ABC, Generic[Opening]):
    """One side of one connection.  Sans-IO."""

    def __init__(self, kind: ConnectionType, limits: Limits | None) -> None:
        self._limits = limits or Limits()
        self._opening = H11Handshake(kind)
        self._frames: Frames | None = None
        self._held = bytearray()
        self._out = bytearray()
        self._has_failed = False

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._frames is not None and self._frames.is_open

    @property
    def is_over(self) -> bool:
        """Whether nothing will be heard any more."""
        return self._has_failed or (self._frames is not None and self._frames.is_over)

    def receive(self, data: bytes) -> "Sequence[Opening | Text | Ping | Pong | Closed]":
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

    def _open(self) -> Frames:
        """It is open from here on."""
        connection: Connection | None = self._opening.connection
        assert connection is not None
        self._frames = Frames(connection, self._limits.message_bytes)
        return self._frames

    def _receive(self, data: bytes) -> "Iterator[Opening | Text | Ping | Pong | Closed]":
        if self.is_over:
            return
        if self._frames is not None:
            yield from self._frames.receive(data)
            return
        self._held += data
        yield from self._hear_opening()

    def _take_head(self) -> bytes | None:
        """
        The head of HTTP, when it is whole; what stands behind it is held.

        @raise OverflowError: if it is too large.
        """
        end = HEAD_END.search(self._held)
        size = end.end() if end else len(self._held)
        if size > self._limits.handshake_bytes:
            raise OverflowError(f"{size} bytes of a head")
        if end is None:
            return None
        head = bytes(self._held[:size])
        del self._held[:size]
        return head

    @abstractmethod
    def _hear_opening(self) -> "Iterator[Opening | Text | Ping | Pong | Closed]":
        """What is in the bytes that are held, before the connection is open."""
