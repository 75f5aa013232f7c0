"""What the platform is held against: each listens, says where, and serves until the end.

C{python -m bench.peers echo | ocpp | klein}
"""

import asyncio
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from twisted.internet.protocol import Factory, Protocol


class Echo(Protocol):
    """The least that a Twisted server can do."""

    def dataReceived(self, data: bytes) -> None:
        """Send it back."""
        self.transport.write(data)  # type: ignore[union-attr]


def _say(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def echo() -> None:
    """Bare Twisted: its usual reactor and transport."""
    from twisted.internet import reactor as installed

    reactor: Any = installed
    port = reactor.listenTCP(0, Factory.forProtocol(Echo), interface="127.0.0.1")
    _say(port.getHost().port)
    reactor.run()


def klein() -> None:
    """A Klein route that answers with a few bytes."""
    from klein import Klein
    from twisted.internet import reactor as installed
    from twisted.web.server import Site

    app = Klein()
    reactor: Any = installed

    @app.route("/<word>")
    def hello(_request: Any, word: str) -> bytes:
        return b'{"id":"%b"}' % word.encode()

    port = reactor.listenTCP(0, Site(app.resource()), interface="127.0.0.1")
    _say(port.getHost().port)
    reactor.run()


def ocpp() -> None:
    """The C{ocpp} library, as its own example serves it: with C{websockets}."""
    from ocpp.routing import on  # type: ignore[import-untyped]
    from ocpp.v16 import ChargePoint, call_result  # type: ignore[import-untyped]
    from websockets.asyncio.server import serve

    class CentralSystem(ChargePoint):  # type: ignore[misc]
        @on("BootNotification")
        def boot(self, **_said: Any) -> Any:
            now = datetime.now(UTC).isoformat()
            return call_result.BootNotification(current_time=now, interval=300, status="Accepted")

        @on("Heartbeat")
        def heartbeat(self) -> Any:
            return call_result.Heartbeat(current_time=datetime.now(UTC).isoformat())

    async def connected(connection: Any) -> None:
        await CentralSystem(connection.request.path, connection).start()

    async def listen() -> None:
        # without its pings: nobody here would answer them
        options: Any = {"subprotocols": ["ocpp1.6"], "ping_interval": None}
        async with serve(connected, "127.0.0.1", 0, **options) as server:
            _say(next(iter(server.sockets)).getsockname()[1])
            await server.serve_forever()

    asyncio.run(listen())


PEERS: Mapping[str, Callable[[], None]] = {"echo": echo, "ocpp": ocpp, "klein": klein}

if __name__ == "__main__":
    PEERS[sys.argv[1]]()
