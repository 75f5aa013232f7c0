"""Several processes at one address: the kernel gives each connection to one of them."""

import socket
from typing import Any

from twisted.internet.interfaces import IListeningPort, IReactorTCP
from twisted.internet.protocol import ServerFactory
from twisted.internet.tcp import Port
from twisted.python.components import proxyForInterface


class SharedPort(Port):
    """A listening port that other processes may have, too (C{SO_REUSEPORT})."""

    def createInternetSocket(self) -> socket.socket:  # noqa: N802
        """The socket, before it is bound."""
        made: socket.socket = super().createInternetSocket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return made


class SharingReactor(proxyForInterface(IReactorTCP)):  # type: ignore[misc]
    """A reactor for endpoints: what listens on TCP shares its port with other processes.

    @cvar port: the class of what listens on TCP.
    """

    port: type[Port] = SharedPort

    def listenTCP(  # noqa: N802
        self, port: int, factory: ServerFactory, backlog: int = 50, interface: str = ""
    ) -> IListeningPort:
        """Listen with our own class of ports."""
        listening: Any = self.port(port, factory, backlog, interface, self.original)
        listening.startListening()
        return listening  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)
