"""Those who come to a platform beside its fleet, good and bad, each in a thread of its own."""

import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from random import Random

from attrs import define, field

from chargecloud.dialects.native.charger import Facts, NativeCharger
from chargecloud.dialects.native.received import HeartbeatAnswered, Welcomed
from chargecloud.domain.charger import Secret
from tests.live import Live

#: the addresses of the loopback: each kind of peer has one of its own
GOOD, FLOODING, HASTY, STRANGE, IDLE, SLOW, NOISY = (f"127.0.0.{n}" for n in range(2, 9))
PATIENCE_S = 20.0
#: at this pace a good charger is asked how it is
BEAT_EVERY_S = 0.02


@define
class Account:
    """A charger that is registered: its identity and key."""

    identity: str
    key: bytes


def registered(live: Live, count_: int, prefix: str) -> list[Account]:
    """New chargers of the platform's first site."""
    site_id = live.all("/sites")[0]["id"]
    accounts = []
    for number in range(count_):
        body = {
            "site_id": site_id,
            "dialect": "native",
            "identity": f"{prefix}-{number:04}",
            "name": prefix,
            "ports": 2,
            "kind": "ebike",
            "rated_w": 1_600,
        }
        made = live.ask("POST", "/chargers", body)
        accounts.append(Account(made["identity"], bytes.fromhex(made["key"])))
    return accounts


@define(eq=False)
class Peer:
    """One connection of a native charger, which waits for what it wants to hear."""

    port: int
    account: Account
    address: str
    wire: NativeCharger = field(init=False)
    line: socket.socket = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.line = connected(self.port, self.address)
        secret = Secret(self.account.key, 1)
        self.wire = NativeCharger(
            self.account.identity, secret, 1, next(_CONNECTIONS), Facts("1.0", port_count=2)
        )

    def log_in(self) -> "Peer":
        """Log in, and be sure that the platform has seen it."""
        self.wire.hello(uptime_s=1)
        self._until(Welcomed)
        return self.beat()

    def beat(self) -> "Peer":
        """Give a sign of life, and wait for its answer."""
        self.wire.heartbeat()
        return self._until(HeartbeatAnswered)

    def _until(self, kind: type) -> "Peer":
        while True:
            if said := self.wire.data_to_send():
                self.line.sendall(said)
            came = self.line.recv(4096)
            if not came:
                raise ConnectionError("the platform has hung up")
            if any(isinstance(each, kind) for each in self.wire.receive(came)):
                return self

    def close(self) -> None:
        """Go without a word."""
        self.line.close()


_CONNECTIONS = count(1)


def connected(port: int, address: str) -> socket.socket:
    """A connection from one of our addresses."""
    line = socket.create_connection(("127.0.0.1", port), PATIENCE_S, (address, 0))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


@contextmanager
def at_work(*works: Callable[[threading.Event], None]) -> Iterator[None]:
    """While it lasts, each of these works in a thread, until its event is set."""
    over = threading.Event()
    threads = [threading.Thread(target=work, args=(over,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE_S)


def latencies_s(port: int, account: Account, lasting_s: float) -> list[float]:
    """How long a good charger waits for the answers to its signs of life, the shortest first."""
    peer = Peer(port, account, GOOD).log_in()
    took = []
    until_s = time.monotonic() + lasting_s
    while time.monotonic() < until_s:
        began_s = time.monotonic()
        peer.beat()
        took.append(time.monotonic() - began_s)
        time.sleep(BEAT_EVERY_S)
    peer.close()
    return sorted(took)


# ----------------------------------------------------------------------------- those who are bad


def flood(port: int, account: Account) -> Callable[[threading.Event], None]:
    """A charger that says what it can, all the time, and reads what it is told."""

    def work(over: threading.Event) -> None:
        while not over.is_set():
            with suppress(OSError):
                peer = Peer(port, account, FLOODING).log_in()
                peer.line.settimeout(0.2)
                while not over.is_set():
                    for _ in range(1_000):
                        peer.wire.heartbeat()
                    said = memoryview(peer.wire.data_to_send())
                    while said and not over.is_set():
                        with suppress(TimeoutError):
                            said = said[peer.line.send(said) :]
                        with suppress(BlockingIOError):
                            peer.line.recv(1 << 20, socket.MSG_DONTWAIT)

    return work


def hammer(port: int, account: Account, a_second: int = 100) -> Callable[[threading.Event], None]:
    """A charger that logs in so often in a second, and goes."""

    def work(over: threading.Event) -> None:
        while not over.wait(1 / a_second):
            with suppress(OSError):
                Peer(port, account, HASTY).log_in().close()

    return work


def strange(port: int, identity: str, a_second: int = 100) -> Callable[[threading.Event], None]:
    """Somebody with a wrong key, who tries it all the time."""

    def work(over: threading.Event) -> None:
        while not over.wait(1 / a_second):
            with suppress(Exception):
                Peer(port, Account(identity, bytes(16)), STRANGE).log_in()

    return work


def idle(port: int, many: int) -> Callable[[threading.Event], None]:
    """So many connections of one address on which nothing is said; each that ends comes anew."""

    def work(over: threading.Event) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(many * 2, hard), hard))
        lines: list[socket.socket] = []
        while not over.wait(0.01):
            if len(lines) >= many:
                lines.pop(0).close()
            with suppress(OSError):
                lines.append(connected(port, IDLE))
        for line in lines:
            line.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    return work


def slow(port: int, account: Account, many: int) -> Callable[[threading.Event], None]:
    """So many connections of which each says a byte of its hello in a second."""

    def work(over: threading.Event) -> None:
        lines: list[tuple[socket.socket, bytes]] = []
        while not over.wait(1):
            while len(lines) < many:
                with suppress(OSError):
                    peer = Peer(port, account, SLOW)
                    peer.wire.hello(uptime_s=1)
                    lines.append((peer.line, peer.wire.data_to_send()))
            going = []
            for line, left in lines:
                with suppress(OSError):
                    line.send(left[:1])
                    going.append((line, left[1:]))
            lines = [(line, left) for line, left in going if left]

    return work


def noise(port: int, a_second: int = 50) -> Callable[[threading.Event], None]:
    """Connections on which anything may be said, some of it behind a good first byte."""

    def work(over: threading.Event) -> None:
        random = Random(1)
        beginnings = (b"", b"\xc0", b"DNY", b"\x68", b"GET /ocpp/CP1 HTTP/1.1\r\n")
        while not over.wait(1 / a_second):
            with suppress(OSError), connected(port, NOISY) as line:
                line.sendall(random.choice(beginnings) + random.randbytes(random.randrange(2_000)))

    return work
