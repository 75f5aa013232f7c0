"""Several processes at one address."""

import socket
import subprocess
import sys
from collections import Counter

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import DeferredList
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol

from chargecloud.gateway.sharing import SharingReactor
from tests.live import free_port, wait_until

CONNECTIONS = 60

#: a process that tells each connection who it is
SERVER = """
import os, sys
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory, Protocol
from chargecloud.gateway.sharing import SharingReactor

class Tells(Protocol):
    def connectionMade(self):
        self.transport.write(str(os.getpid()).encode())
        self.transport.loseConnection()

listening = serverFromString(SharingReactor(reactor), sys.argv[1])
listening.listen(Factory.forProtocol(Tells)).addCallback(lambda _: print("ready", flush=True))
reactor.run()
"""


def ask(port: int) -> str:
    """Who has a new connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        return connection.makefile("rb").read().decode()


@pytest.mark.slow
def test_two_processes_share_the_connections() -> None:
    """Both get some; when one has gone, the other gets all, and none is refused."""
    port = free_port()
    endpoint = f"tcp:{port}:interface=127.0.0.1"
    processes = [
        subprocess.Popen([sys.executable, "-c", SERVER, endpoint], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    try:
        for each in processes:
            assert each.stdout is not None
            assert each.stdout.readline() == b"ready\n"
        got = Counter(ask(port) for _ in range(CONNECTIONS))
        assert got.keys() == {str(each.pid) for each in processes}
        gone, left = processes
        gone.terminate()
        gone.wait(10)
        assert {ask(port) for _ in range(20)} == {str(left.pid)}
    finally:
        for each in processes:
            each.kill()
            each.wait()
            assert each.stdout is not None
            each.stdout.close()
    assert wait_until(lambda: not _is_taken(port), 5, "the port is free")


def _is_taken(port: int) -> bool:
    with socket.socket() as other:
        return other.connect_ex(("127.0.0.1", port)) == 0


@pytest_twisted.ensureDeferred
async def test_who_does_not_share_is_refused() -> None:
    """Only processes that mean to are at one address; with what else endpoints need of a
    reactor, such as names and lines for the time."""
    endpoint = serverFromString(SharingReactor(reactor), "tcp:0:interface=127.0.0.1")
    first = await endpoint.listen(Factory.forProtocol(Protocol))
    port = first.getHost().port
    again = f"tcp:{port}:interface=127.0.0.1"
    second = await serverFromString(SharingReactor(reactor), again).listen(
        Factory.forProtocol(Protocol)
    )
    with pytest.raises(CannotListenError):
        await serverFromString(reactor, again).listen(Factory.forProtocol(Protocol))
    connected = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), Protocol())
    connected.transport.loseConnection()
    await DeferredList([each.stopListening() for each in (first, second)])
