"""Requests in a second of C{GET /chargers/{id}} and C{POST /orders}, against a bare Klein route in
the same run; chargers answer the starts of the orders.

C{python -m bench.web [--seconds 3] [--rounds 3]}
"""

import argparse
import itertools
import os
from collections.abc import Iterator

from bench.asking import HttpLine, request, riders
from bench.boxes import obedient
from bench.load import Round, load, middle, spread
from bench.results import keep
from bench.served import LOAD_CORE, MORE_FROM_ONE, Platform, Registered, peer, platform

CONNECTIONS, CHARGERS, PORTS, CUSTOMERS = 32, 200, 60, 500
#: each takes a port, and there are so many
MOST_ORDERS = CHARGERS * PORTS


def _gets(live: Platform, chargers: list[Registered]) -> Iterator[bytes]:
    return itertools.cycle(request(live, "GET", f"/api/v1/chargers/{each.id}") for each in chargers)


def _orders(live: Platform, chargers: list[Registered], people: list[str]) -> Iterator[bytes]:
    places = itertools.product(range(1, PORTS + 1), chargers)
    wanted = [
        {"charger_id": each.id, "port": port, "customer_id": payer}
        for (port, each), payer in zip(places, itertools.cycle(people), strict=False)
    ]
    return iter([request(live, "POST", "/api/v1/orders", each) for each in wanted])


def measure(seconds: float, rounds: int) -> dict[str, list[Round]]:
    """Some rounds of each, in turn."""
    found: dict[str, list[Round]] = {
        "klein_bare_per_s": [],
        "http_gets_per_s": [],
        "http_orders_per_s": [],
    }
    with platform(**MORE_FROM_ONE) as live, peer("klein") as klein:
        assert live.pid is not None
        names = [f"web-{number:05}" for number in range(CHARGERS)]
        site = live.site()
        chargers = live.register(site, "native", names, PORTS)
        # what is looked at has as many ports as most boxes
        boxes = live.register(site, "native", [f"box-{each}" for each in range(CHARGERS)], 10)
        people = [each for each, _ in riders(live, CUSTOMERS, 1_000_000)]
        bare = itertools.repeat(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with obedient(live.chargers, chargers):
            gets, orders = _gets(live, boxes), _orders(live, chargers, people)
            kinds = [
                (
                    "klein_bare_per_s",
                    klein.pid,
                    [HttpLine(klein.port, bare) for _ in range(CONNECTIONS)],
                ),
                (
                    "http_gets_per_s",
                    live.pid,
                    [HttpLine(live.web, gets) for _ in range(CONNECTIONS)],
                ),
                (
                    "http_orders_per_s",
                    live.pid,
                    [HttpLine(live.web, orders) for _ in range(CONNECTIONS)],
                ),
            ]
            for number, (name, pid, lines) in itertools.product(range(rounds + 1), kinds):
                # the first warms it up
                took = load(
                    pid, lines, seconds if number else seconds / 3, most=MOST_ORDERS // (rounds + 1)
                )
                if number:
                    found[name].append(took)
    return found


def main() -> None:
    """Measure all in turn, and keep the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    found = measure(given.seconds, given.rounds)
    bare = [each.a_second for each in found["klein_bare_per_s"]]
    figures = {name: middle([each.a_second for each in rounds]) for name, rounds in found.items()}
    about: dict[str, object] = {"under_way": f"one on each of {CONNECTIONS} connections"}
    for short, name in (("gets", "http_gets_per_s"), ("orders", "http_orders_per_s")):
        ratios = [each.a_second / least for each, least in zip(found[name], bare, strict=True)]
        figures[f"{short}_to_klein"] = middle(ratios, 3)
        about[f"{short}_to_klein_spread"] = spread(ratios, 3)
    about["server_cpu_least"] = round(min(e.served for turns in found.values() for e in turns), 2)
    about["load_cpu_most"] = round(max(e.loaded for turns in found.values() for e in turns), 2)
    keep("web", figures, about)


if __name__ == "__main__":
    main()
