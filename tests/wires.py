"""A vendor's connection in tests: bytes up, and the frames that come down."""

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from tests.world import World


@define(eq=False)
class VendorWire:
    """
    @ivar new_stream: makes what finds frames in bytes.
    @ivar heard: frames that came down, in order.
    """

    world: World
    new_stream: Callable[[], Any]
    heard: list[Any] = field(factory=list)
    transport: Any = None
    _protocol: Any = None
    _stream: Any = None

    def connect(self) -> "VendorWire":
        """A new connection."""
        self.transport, self._stream = StringTransport(), self.new_stream()
        self._protocol = self.world.listener.buildProtocol(None)
        self._protocol.makeConnection(self.transport)
        return self

    def send(self, data: bytes) -> list[Any]:
        """Send bytes; the frames that come back at once."""
        self._protocol.dataReceived(data)
        return self.take()

    def take(self) -> list[Any]:
        """What has come down."""
        data = self.transport.value()
        self.transport.clear()
        frames = [frame for frame, _ in self._stream.receive(data)]
        self.heard += frames
        return frames

    def drop(self) -> None:
        """The network takes it."""
        self._protocol.connectionLost(Failure(ConnectionLost()))
