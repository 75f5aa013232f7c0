"""All chargers of a node come back at once, to a process that has just been started: how long until
each is logged in and has reported, and how long commands take meanwhile.

The chargers have many addresses of the loopback; those who are told to come back later do so when
they were told to.

C{python -m bench.storm [--chargers 15000]}
"""

import argparse
import heapq
import os
import select
import socket
import statistics
import time
from threading import Event, Thread
from typing import Any

from bench.asking import HttpLine, request
from bench.lines import READ_BYTES, reports
from bench.results import keep
from bench.served import LOAD_CORE, Platform, Registered, platform
from chargecloud.dialects.native.charger import NativeCharger
from chargecloud.dialects.native.received import HeartbeatAnswered, Ordered, Refused, Welcomed
from chargecloud.domain.charger import Secret
from chargecloud.domain.commands import Answer

#: chargers of one address: below the limit of the sample configuration
AN_ADDRESS = 1_500
PATIENCE_S = 120
COMMANDS_A_SECOND = 20


class Returning:
    """A charger that comes back."""

    def __init__(self, who: Registered, host: str, boot: int) -> None:
        self.who, self._host, self._boot = who, host, boot
        self._connections = 0
        self.is_back = False
        self.socket: Any = None
        self.charger: Any = None

    def connect(self, port: int) -> None:
        """Begin to connect."""
        self._connections += 1
        self.charger = NativeCharger(
            self.who.identity, Secret(self.who.key, 1), self._boot, self._connections
        )
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((self._host, 0))
        self.socket.connect_ex(("127.0.0.1", port))
        self.charger.hello(uptime_s=1)

    def hear(self) -> int | None:
        """Go on; the seconds to stay away, if it is told to."""
        data = self.socket.recv(READ_BYTES)
        if not data:
            raise ConnectionError(f"{self.who.identity} was hung up on")
        for each in self.charger.receive(data):
            if isinstance(each, Refused):
                return each.retry_s
            if isinstance(each, Welcomed):
                message = reports(in_full=True)[0]
                self.charger._sending += self.charger._open_seal().frame(message)
            elif isinstance(each, Ordered):
                self.charger.answer(each.number, Answer(True, "ok"))
            self.is_back = self.is_back or isinstance(each, HeartbeatAnswered)
        self.flush()
        return None

    def flush(self) -> None:
        """Say what is to be said."""
        if data := self.charger.data_to_send():
            self.socket.send(data)


class Storm:
    """
    All of them.

    @ivar back: those who are.
    @ivar refused: how often one was told to come back later.
    """

    def __init__(self, port: int, chargers: list[Returning]) -> None:
        self._port, self._chargers = port, chargers
        self.back: list[Returning] = []
        self.refused = 0
        self._poll = select.epoll()
        self._of: dict[int, Returning] = {}
        self._later: list[tuple[float, int]] = []

    def blow(self) -> float:
        """Have all come back; the seconds that it took."""
        began_s = time.perf_counter()
        for each in self._chargers:
            self._connect(each)
            self._turn(0)
        while len(self.back) < len(self._chargers):
            if time.perf_counter() > began_s + PATIENCE_S:
                raise TimeoutError(f"{len(self.back)} of {len(self._chargers)} are back")
            self._turn(0.05)
        return time.perf_counter() - began_s

    def answer(self, stopping: Event) -> None:
        """Go on to answer commands."""
        while not stopping.is_set():
            self._turn(0.05)

    def _connect(self, charger: Returning) -> None:
        charger.connect(self._port)
        self._of[charger.socket.fileno()] = charger
        self._poll.register(charger.socket.fileno(), select.EPOLLOUT)

    def _turn(self, wait_s: float) -> None:
        while self._later and self._later[0][0] <= time.perf_counter():
            self._connect(self._chargers[heapq.heappop(self._later)[1]])
        for number, event in self._poll.poll(wait_s):
            charger = self._of[number]
            if event & select.EPOLLOUT:
                self._poll.modify(number, select.EPOLLIN)
                charger.flush()
                continue
            was_back = charger.is_back
            try:
                retry_s = charger.hear()
            except ConnectionError:
                retry_s = 5
            if retry_s is not None:
                self.refused += 1
                self._poll.unregister(number)
                charger.socket.close()
                at_s = time.perf_counter() + retry_s
                heapq.heappush(self._later, (at_s, self._chargers.index(charger)))
            elif charger.is_back and not was_back:
                self.back.append(charger)


def command_ms(live: Platform, storm: Storm, stopping: Event, took_ms: list[float]) -> None:
    """How long commands take, one after the other, to those who are back."""
    line, number = HttpLine(live.web), 0
    while not stopping.is_set():
        began_s = time.perf_counter()
        if storm.back:
            to = storm.back[number * 7 % len(storm.back)].who.id
            path = f"/api/v1/chargers/{to}/commands"
            line.answer(request(live, "POST", path, {"name": "locate"}))
            took_ms.append((time.perf_counter() - began_s) * 1000)
            number += 1
        stopping.wait(max(0.001, 1 / COMMANDS_A_SECOND - (time.perf_counter() - began_s)))


def blow(live: Platform, registered: list[Registered], boot: int) -> tuple[float, list[float], int]:
    """A storm: its seconds, the milliseconds of commands, and how many were told to wait."""
    chargers = [
        Returning(each, f"127.0.0.{2 + number // AN_ADDRESS}", boot)
        for number, each in enumerate(registered)
    ]
    storm, stopping = Storm(live.chargers, chargers), Event()
    took_ms: list[float] = []
    asking = Thread(target=command_ms, args=(live, storm, stopping, took_ms))
    asking.start()
    try:
        took_s = storm.blow()
    finally:
        stopping.set()
        ended = Event()
        answering = Thread(target=storm.answer, args=(ended,))
        answering.start()
        asking.join()
        ended.set()
        answering.join()
        for each in chargers:
            each.socket.close()
    return took_s, took_ms, storm.refused


def main() -> None:
    """Measure it, and keep the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--chargers", type=int, default=15_000)
    given = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    with platform() as live:
        names = [f"storm-{number:05}" for number in range(given.chargers)]
        registered = live.register(live.site(), "native", names, 4)
        blow(live, registered, boot=1)
        live.restart()
        took_s, took_ms, refused = blow(live, registered, boot=1)
    figures = {"storm_seconds": round(took_s, 2)}
    figures["storm_command_p99_ms"] = round(statistics.quantiles(took_ms, n=100)[98], 1)
    about = {"chargers": given.chargers, "commands": len(took_ms), "told_to_come_later": refused}
    keep("storm", figures, about)


if __name__ == "__main__":
    main()
