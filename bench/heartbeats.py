"""Authenticated heartbeats in a second, against a bare Twisted echo in the same run.

The server has a core of its own, and so has the load, which has sealed its frames before
the clock starts.  Each connection has one frame under way.  The gateway is the whole of
C{chargecloud.gateway} with the native dialect, over sockets; the registry behind it answers
from memory, as a heartbeat never asks it.  Both are measured in turn, several times; what
counts is the ratio, and the median of it.

C{python -m bench.heartbeats [--connections 200] [--seconds 4] [--rounds 3]}
"""

import argparse
import itertools
import os
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Factory, Protocol
from zope.interface import implementer

from bench.results import keep
from chargecloud.calendar import Calendar
from chargecloud.dialects.native.charger import NativeCharger
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.domain.charger import Admission, Secret
from chargecloud.domain.events import ChargerEvent, LoggedIn, Reply
from chargecloud.gateway.gateway import Gateway
from chargecloud.gateway.presence import Presence
from chargecloud.gateway.settings import Limits
from chargecloud.interfaces import Credentials, IChargerEvents

SECRET = Secret(bytes(range(16)), 1)
SERVER_CORE, LOAD_CORE = 0, 1


# ------------------------------------------------------------------------------ the servers


@implementer(IChargerEvents)
class Office:
    """Knows every charger."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)

    def credentials(self, dialect: str, identity: str) -> "Deferred[Credentials | None]":
        """The one secret of all."""
        return succeed(Credentials(SECRET))

    def logged_in(
        self, dialect: str, identity: str, login: LoggedIn, login_digest: bytes | None
    ) -> "Deferred[Admission]":
        """Everybody is welcome."""
        return succeed(Admission(next(self._ids), 1, 1, login.boot, datetime.now(UTC)))

    def arrived(self, admission: Admission) -> None:
        """They come by themselves."""

    def receive(
        self, admission: Admission, event: ChargerEvent, received_at: datetime
    ) -> "Deferred[Reply] | None":
        """Nothing is told here."""
        return None

    def gone(self, admission: Admission, at: datetime) -> None:
        """They go when the measurement does."""

    def contested(self, admission: Admission, times: int, at: datetime) -> None:
        """There is one of each."""

    def flapping(self, admission: Admission, times: int, at: datetime) -> None:
        """They come once."""

    def failed(self, dialect: str) -> None:
        """Not looked at here."""

    def took(self, dialect: str, seconds: float) -> None:
        """A dialect has read what came."""


class Echo(Protocol):
    """The least that a Twisted server can do."""

    def dataReceived(self, data: bytes) -> None:
        """Send it back."""
        self.transport.write(data)  # type: ignore[union-attr]


def serve(kind: str) -> None:
    """Listen, say where, and serve until the end."""
    from twisted.internet import reactor as installed

    reactor: Any = installed
    os.sched_setaffinity(0, {SERVER_CORE})
    factory: Factory = Factory.forProtocol(Echo)
    if kind == "native":
        calendar = Calendar(reactor.seconds)
        # one connection here stands for the chargers of a whole city: its bytes are counted
        # as everybody's, and are never too many
        limits = Limits(bytes_a_second=10_000_000)
        gateway = Gateway(Office(), Presence(), reactor, calendar, limits)
        factory = gateway.speaking([NativeDialect()])
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    sys.stdout.write(f"{port.getHost().port}\n")
    sys.stdout.flush()
    reactor.run()


# --------------------------------------------------------------------------------- the load


def _frames(kind: str, line: socket.socket, number: int, count: int) -> Iterator[bytes]:
    """The frames that one connection will send, after its login."""
    if kind == "echo":
        return itertools.repeat(bytes(11))
    charger = NativeCharger(f"EB-{number:04}", SECRET, boot=1, connection=0)
    charger.hello(uptime_s=1)
    line.sendall(charger.data_to_send())
    while not (login := charger.data_to_send()):
        # the LOGIN goes out by itself when the WELCOME has come
        charger.receive(line.recv(4096))
    line.sendall(login)
    frames = []
    for _ in range(count):
        charger.heartbeat()
        frames.append(charger.data_to_send())
    return iter(frames)


def measure(kind: str, connections: int, seconds: float) -> tuple[float, float]:
    """
    One round against a server of its own.

    @return: frames a second, and the server's share of its core.
    """
    command = [sys.executable, "-m", "bench.heartbeats", "--serve", kind]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline())
        return _load(kind, port, server.pid, connections, seconds)
    finally:
        server.terminate()
        server.wait()


def _load(
    kind: str, port: int, server: int, connections: int, seconds: float
) -> tuple[float, float]:
    lines: dict[int, tuple[socket.socket, Iterator[bytes]]] = {}
    most = int(seconds * 120_000 / connections)
    poll = select.epoll()
    for number in range(connections):
        line = socket.create_connection(("127.0.0.1", port))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines[line.fileno()] = (line, _frames(kind, line, number, most))
        poll.register(line.fileno(), select.EPOLLIN)
    for line, frames in lines.values():
        line.send(next(frames))
    answered, busy_s = 0, cpu_s(server)
    began = time.perf_counter()
    while (now := time.perf_counter()) < began + seconds:
        for number, _event in poll.poll(1):
            line, frames = lines[number]
            line.recv(4096)
            answered += 1
            line.send(next(frames))
    took = now - began
    for line, _frames_left in lines.values():
        line.close()
    return answered / took, (cpu_s(server) - busy_s) / took


def cpu_s(process: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure both in turn, print a table, and keep the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", choices=("echo", "native"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return
    os.sched_setaffinity(0, {LOAD_CORE})
    rounds = [
        (
            measure("echo", given.connections, given.seconds),
            measure("native", given.connections, given.seconds),
        )
        for _ in range(given.rounds)
    ]
    ratios = [native[0] / echo[0] for echo, native in rounds]
    figures = {
        "connections": given.connections,
        "twisted_echo_per_s": round(statistics.median(echo[0] for echo, _ in rounds)),
        "heartbeats_per_s": round(statistics.median(native[0] for _, native in rounds)),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_spread": [round(min(ratios), 3), round(max(ratios), 3)],
        # below 1, the load or the machine was the limit, and not the server
        "least_server_cpu": round(min(share for pair in rounds for _, share in pair), 2),
    }
    keep("heartbeats", figures)


if __name__ == "__main__":
    main()
