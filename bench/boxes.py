"""Chargers that do as they are told: they answer every command, and tell of charges."""

import multiprocessing
import select
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bench.lines import READ_BYTES, NativeLine
from bench.served import Registered
from chargecloud.dialects.native.received import Ordered
from chargecloud.domain.charger import ChargerTime
from chargecloud.domain.commands import Answer, StartCharge
from chargecloud.domain.events import ChargeEnded, ChargeStarted, StopReason

#: what every bike draws, and the meter of every port when it begins
POWER_W, METER_MWH = 200, 1_000_000


class Box(NativeLine):
    """
    A charger with a card reader.

    @ivar orders: what charges, by port; the order, and the second it began in.
    """

    def __init__(self, port: int, who: Registered, host: str = "127.0.0.1") -> None:
        super().__init__(port, who, host)
        self._since_s = time.monotonic() - 1
        self.orders: dict[int, tuple[int, int]] = {}
        self._told = 0

    @property
    def uptime_s(self) -> int:
        """By its own clock."""
        return int(time.monotonic() - self._since_s)

    def hear(self) -> Sequence[Any]:
        """What was said to it, which it has answered."""
        heard = self.charger.receive(self.socket.recv(READ_BYTES))
        for each in heard:
            if isinstance(each, Ordered):
                self.charger.answer(each.number, Answer(True, "ok"))
                if isinstance(each.command, StartCharge):
                    self.orders[each.command.port] = each.command.order_id, self.uptime_s
        self.flush()
        return heard

    def flush(self) -> None:
        """Say what is to be said."""
        if data := self.charger.data_to_send():
            self.socket.send(data)

    def present(self, port: int, uid: str) -> None:
        """Somebody holds a card to it."""
        self._told += 1
        self.charger.card(self._told, port, uid, self.uptime_s)
        self.flush()

    def begun(self, port: int) -> None:
        """A charge has begun."""
        order_id, at_s = self.orders[port]
        self._told += 1
        at = ChargerTime(self.charger.boot, at_s)
        self.charger.started(self._told, ChargeStarted(order_id, port, METER_MWH, at))
        self.flush()

    def ended(self, port: int) -> None:
        """A charge has ended."""
        order_id, at_s = self.orders.pop(port)
        self._told += 1
        now_s = self.uptime_s
        drawn_mwh = POWER_W * 1000 * (now_s - at_s) // 3600
        end = ChargeEnded(
            order_id,
            port,
            METER_MWH,
            METER_MWH + drawn_mwh,
            now_s - at_s,
            StopReason.UNPLUGGED,
            ChargerTime(self.charger.boot, now_s),
        )
        self.charger.ended(self._told, end)
        self.flush()


@contextmanager
def obedient(port: int, chargers: Sequence[Registered]) -> Iterator[None]:
    """Chargers in a process of their own, all logged in."""
    ready = multiprocessing.Event()
    process = multiprocessing.Process(target=_obey, args=(port, chargers, ready), daemon=True)
    process.start()
    assert ready.wait(120), "not all have logged in"
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _obey(port: int, chargers: Sequence[Registered], ready: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    boxes = {box.socket.fileno(): box for box in (Box(port, each) for each in chargers)}
    poll = select.epoll()
    for number in boxes:
        poll.register(number, select.EPOLLIN)
    ready.set()
    while True:
        for number, _event in poll.poll():
            boxes[number].hear()
