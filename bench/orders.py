"""Orders by card at the whole platform, over sockets: from the card to the start that comes back,
committed with its hold; and from the end record to its acknowledgement, settled and billed.

Each of some hundred boxes has one question under way.  Then cards are presented so many a second,
whatever becomes of those before, while other chargers give as many heartbeats as are answered.

C{python -m bench.orders [--boxes 400] [--ports 10] [--a-second 5000]}
"""

import argparse
import multiprocessing
import os
import select
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bench.asking import riders
from bench.boxes import Box
from bench.lines import NativeLine
from bench.load import load
from bench.results import keep
from bench.served import LOAD_CORE, MORE_FROM_ONE, Platform, Registered, platform
from chargecloud.dialects.native.received import Kept, Ordered
from chargecloud.domain.commands import StartCharge

#: nothing takes longer that comes to an end at all
PATIENCE_S = 60
#: those who give heartbeats beside it
BEATING = 50


class Street:
    """Boxes, and what is heard from the platform at each."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        self.boxes = boxes
        self._of = {box.socket.fileno(): box for box in boxes}
        self._poll = select.epoll()
        for number in self._of:
            self._poll.register(number, select.EPOLLIN)

    def hear(self, kind: Callable[[Any], bool], wait_s: float = 1.0) -> list[Box]:
        """The boxes that have heard something of a kind, as often as they have."""
        found = []
        for number, _event in self._poll.poll(wait_s):
            box = self._of[number]
            found += [box for each in box.hear() if kind(each)]
        return found

    def each(
        self, ports: int, say: Callable[[Box, int], None], heard: Callable[[Any], bool]
    ) -> float:
        """Say something at every port of every box, at one port of each at a time; the seconds
        until the last has heard."""
        began_s = time.perf_counter()
        left = {box: iter(range(2, ports + 1)) for box in self.boxes}
        for box in self.boxes:
            say(box, 1)
        waiting = len(self.boxes)
        while waiting:
            if time.perf_counter() > began_s + PATIENCE_S:
                raise TimeoutError(f"{waiting} boxes still wait")
            for box in self.hear(heard):
                port = next(left[box], None)
                if port is None:
                    waiting -= 1
                else:
                    say(box, port)
        return time.perf_counter() - began_s

    def open(self, cards: Sequence[tuple[Box, int, str]], a_second: int) -> list[float]:
        """Present cards at so many a second; the milliseconds of each until its start came."""
        began_s, given = time.perf_counter(), 0
        took_ms: list[float] = []
        asked_s: dict[Box, float] = {}
        while len(took_ms) < len(cards):
            if time.perf_counter() > began_s + PATIENCE_S:
                raise TimeoutError(f"{len(cards) - len(took_ms)} starts never came")
            while given < len(cards) and time.perf_counter() - began_s >= given / a_second:
                box, port, uid = cards[given]
                asked_s[box] = began_s + given / a_second
                box.present(port, uid)
                given += 1
            for box in self.hear(_is_start, 0.001):
                took_ms.append((time.perf_counter() - asked_s[box]) * 1000)
        return took_ms


def _is_start(heard: Any) -> bool:
    return isinstance(heard, Ordered) and isinstance(heard.command, StartCharge)


def _is_kept(heard: Any) -> bool:
    return isinstance(heard, Kept)


@contextmanager
def beating(live: Platform, registered: Sequence[Registered]) -> Iterator[None]:
    """Chargers in a process of their own that give as many heartbeats as are answered."""
    process = multiprocessing.Process(target=_beat, args=(live.chargers, live.pid, registered))
    process.start()
    time.sleep(2)
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _beat(port: int, server: int, registered: Sequence[Registered]) -> None:
    lines = [NativeLine(port, each) for each in registered]
    while True:
        load(server, lines, 1.0)


def measure(boxes: int, ports: int, a_second: int) -> tuple[dict[str, float], dict[str, object]]:
    """All figures."""
    with platform(**MORE_FROM_ONE) as live:
        site = live.site()
        names = [f"card-{number:05}" for number in range(boxes)]
        registered = live.register(site, "native", names, ports)
        others = live.register(site, "native", [f"beat-{n}" for n in range(BEATING)], 1)
        uids = [uid for _, uid in riders(live, boxes * ports)]
        made = [Box(live.chargers, each) for each in registered]
        card = {
            (box, port): uids[at * ports + port - 1]
            for at, box in enumerate(made)
            for port in range(1, ports + 1)
        }
        street = Street(made)
        starts_s = street.each(ports, lambda b, p: b.present(p, card[b, p]), _is_start)
        street.each(ports, Box.begun, _is_kept)
        time.sleep(1)
        ends_s = street.each(ports, Box.ended, _is_kept)
        settled = len(live.all("/orders?state=settled"))
        cards = [(box, port, card[box, port]) for port in range(1, ports + 1) for box in made]
        with beating(live, others):
            # each box has one question under way
            beside = _parts(street.open(cards[:boxes], a_second))
            street.each(1, Box.begun, _is_kept)
            calm = _parts(street.open(cards[boxes : 2 * boxes], boxes // 4))
    count = boxes * ports
    figures = {
        "order_starts_per_s": round(count / starts_s),
        "order_start_p99_ms": beside[98],
        "order_ends_per_s": round(count / ends_s),
    }
    about: dict[str, object] = {
        "orders": count,
        "boxes": boxes,
        "settled": settled,
        "asked_a_second_beside_heartbeats": a_second,
        "order_start_p50_ms": beside[49],
        f"order_start_p99_ms_at_{boxes // 4}_a_second": calm[98],
    }
    return figures, about


def _parts(took_ms: Sequence[float]) -> list[float]:
    return [round(each, 1) for each in statistics.quantiles(took_ms, n=100)]


def main() -> None:
    """Measure all, and keep the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--boxes", type=int, default=400)
    parser.add_argument("--ports", type=int, default=10)
    parser.add_argument("--a-second", type=int, default=5_000)
    given = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    keep("orders", *measure(given.boxes, given.ports, given.a_second))


if __name__ == "__main__":
    main()
