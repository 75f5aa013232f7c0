"""TCP for many small messages, each of which is answered at once (ADR 0045).

Twisted's own transport keeps what is written until the reactor comes round, and has the kernel
tell it first that there is room: two calls more for each answer, to a kernel that nearly always
has room.  And its reactor calls each socket in a logging context of its own, which takes longer
than to read the socket.  Here an answer is sent when it is written, and all sockets of a port are
one to the reactor: an epoll of their own.  What does not fit takes Twisted's way.
"""

import select
from typing import Any

from attrs import define, field
from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.internet.tcp import Port, Server
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from chargecloud.gateway.sharing import SharedPort, SharingReactor

#: sockets that are read before the reactor does something else: some milliseconds of work
MOST_AT_ONCE = 128

#: bytes that may wait to be sent before a charger counts as one that does not read: as in Twisted,
#: which has one size for that and for what is read at once, and that is to be less here
MOST_UNSENT_BYTES = FileDescriptor.bufferSize

#: whether there is what it is made of; elsewhere chargers are served in Twisted's way
IS_POSSIBLE = hasattr(select, "epoll")


@implementer(IReadDescriptor)
@define(eq=False)
class Sockets:
    """The sockets of one port that are read: one descriptor to the reactor, while there are any."""

    reactor: IReactorFDSet
    _read: "dict[int, PromptServer]" = field(factory=dict, init=False)
    _poll: Any = field(default=None, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def add(self, transport: "PromptServer") -> None:
        """Read it whenever something has come."""
        number = transport.fileno()
        if number in self._read:
            return
        if not self._read:
            self._poll = select.epoll()
        self._poll.register(number, select.EPOLLIN)
        if not self._read:
            self.reactor.addReader(self)
        self._read[number] = transport

    def remove(self, transport: "PromptServer") -> None:
        """Do not read it on."""
        number = transport.fileno()
        if self._read.pop(number, None) is None:
            return
        self._poll.unregister(number)
        if not self._read:
            self.reactor.removeReader(self)
            self._poll.close()

    def doRead(self) -> None:  # noqa: N802
        """Something has come on some of them."""
        for number, _event in self._poll.poll(0, MOST_AT_ONCE):
            # one may have closed another
            transport = self._read.get(number)
            if transport is None:
                continue
            lost: Exception | None
            try:
                lost = transport.doRead()
            except Exception as error:
                self._log.failure("a protocol failed on what came")
                lost = error
            if lost is not None:
                self._lost(transport, lost)

    def _lost(self, transport: "PromptServer", why: Exception) -> None:
        """End it, or its one direction; if that fails, the others do not suffer."""
        # who was closed one way only is not told again and again that there comes no more
        transport.stopReading()
        is_over = isinstance(why, ConnectionDone)
        end = transport.readConnectionLost if is_over else transport.connectionLost
        try:
            end(Failure(why))
        except Exception:
            self._log.failure("a protocol failed when its connection was lost")

    def fileno(self) -> int:
        """Of the epoll."""
        number: int = self._poll.fileno()
        return number

    def logPrefix(self) -> str:  # noqa: N802
        """For the reactor's logging context."""
        return "chargers"

    def connectionLost(self, reason: Failure) -> None:
        """The reactor ends."""
        for transport in list(self._read.values()):
            self._lost(transport, ConnectionLost("the reactor ends"))


class PromptServer(Server):
    """A connection that was accepted."""

    server: "PromptPort"

    def startReading(self) -> None:  # noqa: N802
        """Read on."""
        self.server.sockets.add(self)

    def stopReading(self) -> None:  # noqa: N802
        """Do not read on."""
        self.server.sockets.remove(self)

    def write(self, data: bytes) -> None:
        """Send it, unless something still waits before it; what does not fit waits as well."""
        if (
            data
            and self.connected
            and not self.TLS
            and not (self.dataBuffer or self._tempDataBuffer)
        ):
            try:
                sent = self.socket.send(data)
            except OSError:
                # there is no room, or nobody: the reactor finds that out, and acts on it
                sent = 0
            if sent == len(data):
                return
            data = data[sent:]
        super().write(data)

    def _isSendBufferFull(self) -> bool:  # noqa: N802
        return len(self.dataBuffer) + self._tempDataLen > MOST_UNSENT_BYTES


class PromptPort(Port):
    """A listening port whose connections are L{PromptServer}."""

    transport = PromptServer

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.sockets = Sockets(self.reactor)


class SharedPromptPort(PromptPort, SharedPort):
    """The same, which other processes may have, too."""


class PromptReactor(SharingReactor):
    """A reactor for endpoints, with them for what listens on TCP."""

    port = PromptPort


class SharingPromptReactor(SharingReactor):
    """The same, and other processes may listen at the same address."""

    port = SharedPromptPort
