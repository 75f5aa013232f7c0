"""The gateway on real sockets, as the operating system and Twisted's wrappers make them."""

import socket
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol

from chargecloud.gateway.prompt import PromptReactor
from chargecloud.gateway.reading import BURST_BYTES, READ_BYTES
from tests.gateway.gate import Office, logged_failures
from tests.gateway.line_dialect import PREAMBLE
from tests.gateway.sockets import (
    PATIENCE_S,
    WAYS,
    Way,
    in_time,
    listening,
    make_gateway,
    reactor,
    until,
)

CHARGERS = 200
#: heartbeats that are more than a burst and a read
FLOOD = 20_000
#: what one read brings, and what TLS may have kept of the one before: half a record
MOST_AT_ONCE = READ_BYTES + 16 * 1024


@pytest.fixture(params=["stock", "prompt"])
def transport(request: pytest.FixtureRequest) -> Any:
    """The reactor of each kind of TCP transport."""
    return PromptReactor(reactor) if request.param == "prompt" else reactor


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, tmp_path: Path) -> "Way":
    """Each kind of listener that the configuration may name."""
    return Way(request.param, tmp_path)


# -------------------------------------------------------------------------------------- listeners


@pytest_twisted.ensureDeferred
async def test_a_charger_comes_and_goes(way: Way) -> None:
    """Through every kind of listener; nothing of it is left."""
    gateway = make_gateway()
    with logged_failures() as failures:
        async with way.listening(gateway) as port:
            charger = await way.connect(port)
            await in_time(charger.log_in())
            await in_time(charger.beat())
            assert len(gateway.presence) == 1
            charger.transport.loseConnection()
            await until(lambda: gateway.connections == 0)
    assert len(gateway.presence) == 0
    assert failures == []


@pytest_twisted.ensureDeferred
async def test_a_connection_too_many_is_closed_at_once(way: Way) -> None:
    """Also behind TLS and a proxy's header, where Twisted would leave its socket open."""
    gateway = make_gateway(connections=1)
    with logged_failures() as failures:
        async with way.listening(gateway) as port:
            first = await way.connect(port)
            await in_time(first.log_in())
            second = await way.connect(port, "EB-2")
            await in_time(second.lost)
            await in_time(first.beat())
            assert (gateway.connections, gateway.turned_away) == (1, 1)
    assert failures == []


@pytest_twisted.ensureDeferred
async def test_a_silent_connection_is_closed_at_the_login_deadline(way: Way) -> None:
    """Through every kind of listener."""
    gateway = make_gateway(login_s=1, farewell_s=1)
    with logged_failures() as failures:
        async with way.listening(gateway) as port:
            charger = await way.connect(port)
            await in_time(charger.lost)
            await until(lambda: gateway.connections == 0)
    assert failures == []


# ---------------------------------------------------------------------------------------- sockets


@pytest_twisted.ensureDeferred
async def test_the_kernel_watches_a_tcp_connection_too(transport: Any) -> None:
    """Keepalive, no delay, and an end to bytes that nobody acknowledges."""
    gateway = make_gateway(heartbeat_s=20, missed=3)
    async with listening(gateway, on=transport) as port:
        charger = await Way("tcp", Path()).connect(port)
        await in_time(charger.log_in())
        await in_time(charger.beat())
        found = gateway.presence.find(1)
        assert found is not None
        link: Any = found.link
        handle = link.transport.getHandle()
        assert handle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000


class Deaf(Protocol):
    """Says much, and reads nothing."""

    transport: Any = None

    def __init__(self) -> None:
        self.lost: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """Stop reading before anything comes."""
        self.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.transport.pauseProducing()
        self.transport.write(PREAMBLE + b"login A\n")

    def beat(self) -> None:
        """Ask for some kilobytes of answers."""
        self.transport.write(b"beat A\n" * 2000)

    def end(self) -> None:
        """Tell of a charge."""
        self.transport.write(b"end A 7\n")


@pytest_twisted.ensureDeferred
async def test_who_reads_late_is_heard_meanwhile() -> None:
    """A stalled network keeps answers back, and not what a charger has to tell."""
    gateway = make_gateway(farewell_s=1)
    office = gateway.events
    assert isinstance(office, Office)
    async with listening(gateway, on=PromptReactor(reactor)) as port:
        client = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        deaf = await in_time(connectProtocol(client, Deaf()))
        await until(lambda: len(gateway.presence) == 1)
        found = gateway.presence.find(1)
        assert found is not None
        link: Any = found.link
        link.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        # half of the answers is more than the kernel keeps, and less than what is too much
        for _ in range(5):
            deaf.beat()
        deaf.end()
        await until(lambda: bool(office.facts) or not gateway.connections)
        assert len(office.facts) == 1
        deaf.transport.abortConnection()


@pytest_twisted.ensureDeferred
async def test_a_peer_that_does_not_read_is_torn_down(transport: Any) -> None:
    """It pays for its own buffer, and not we: after the farewell its socket is gone."""
    gateway = make_gateway(farewell_s=1)
    async with listening(gateway, on=transport) as port:
        client = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        deaf = await in_time(connectProtocol(client, Deaf()))
        await until(lambda: len(gateway.presence) == 1)
        found = gateway.presence.find(1)
        assert found is not None
        link: Any = found.link
        link.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

        def is_gone() -> bool:
            if gateway.connections:
                deaf.beat()
            return gateway.connections == 0

        await until(is_gone)
        assert len(gateway.presence) == 0
        deaf.transport.abortConnection()


@pytest_twisted.ensureDeferred
async def test_a_flood_waits_for_its_turn_and_loses_nothing(way: Way) -> None:
    """Through every kind of listener: it is read as fast as its allowance, and a neighbour is
    answered meanwhile."""
    gateway = make_gateway(bytes_a_second=200_000, farewell_s=1)
    async with way.listening(gateway) as port:
        flooding, neighbour = await way.connect(port), await way.connect(port, "EB-2")
        await in_time(flooding.log_in())
        await in_time(neighbour.log_in())
        began_s = reactor.seconds()
        size = flooding.flood(FLOOD)
        while flooding.answered < FLOOD:
            await in_time(neighbour.beat())
            assert reactor.seconds() < began_s + PATIENCE_S
        # a burst is free, and one read is on credit
        least_s = (size - 2 * BURST_BYTES) / 200_000
        assert least_s > 0.3
        assert reactor.seconds() - began_s >= least_s
        # the flood has its turns, and so has the neighbour
        assert neighbour.answered > 1
        assert not gateway.faults


@pytest_twisted.ensureDeferred
async def test_a_socket_is_read_in_small_pieces(way: Way) -> None:
    """Through every kind of listener: who has much to say says it in turns."""
    gateway = make_gateway()
    async with way.listening(gateway) as port:
        charger = await way.connect(port)
        await in_time(charger.log_in())
        await in_time(charger.beat())
        sizes: list[int] = []
        found = gateway.presence.find(1)
        assert found is not None
        link: Any = found.link
        received = link.dataReceived

        def see(data: bytes) -> None:
            sizes.append(len(data))
            received(data)

        link.dataReceived = see
        size = charger.flood(FLOOD // 10)
        await until(lambda: charger.answered > FLOOD // 10)
    assert sum(sizes) == size
    assert max(sizes) <= MOST_AT_ONCE


@pytest_twisted.ensureDeferred
async def test_many_chargers_come_and_go_without_a_leak(transport: Any) -> None:
    """All log in at once, all are counted, and when they have gone nothing is left."""
    gateway = make_gateway()
    office = gateway.events
    assert isinstance(office, Office)
    tcp = Way("tcp", Path())
    async with listening(gateway, on=transport) as port:
        names = [f"EB-{number}" for number in range(CHARGERS)]
        with logged_failures() as failures:
            for _ in range(2):
                chargers = [await tcp.connect(port, name) for name in names]
                await in_time(gatherResults([each.log_in() for each in chargers]))
                await in_time(gatherResults([each.beat() for each in chargers]))
                assert gateway.connections == CHARGERS
                assert gateway._by_address == {"127.0.0.1": CHARGERS}
                assert len(gateway.presence) == CHARGERS
                assert all(gateway.presence.find(office.ids[name]) for name in names)
                for number, each in enumerate(chargers):
                    if number % 2:
                        each.transport.loseConnection()
                    else:
                        each.transport.abortConnection()
                await until(lambda: gateway.connections == 0)
                assert gateway._protocols == {}
                assert gateway._by_address == Counter()
                assert len(gateway.presence) == 0
        assert failures == []
        assert not gateway.faults
