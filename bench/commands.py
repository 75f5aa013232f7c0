"""How long a command takes from its HTTP request to the response, with the charger's answer in it,
at so many each second, whatever becomes of those before.

C{python -m bench.commands [--a-second 200] [--seconds 10] [--rounds 3]}
"""

import argparse
import os
import select
import statistics
import time

from bench.asking import HttpLine, request, response
from bench.boxes import obedient
from bench.lines import READ_BYTES
from bench.load import middle, spread
from bench.results import keep
from bench.served import LOAD_CORE, MORE_FROM_ONE, Platform, Registered, platform

CHARGERS, CONNECTIONS = 200, 50


def took_ms(
    live: Platform, chargers: list[Registered], a_second: int, seconds: float
) -> list[float]:
    """Milliseconds of each."""
    free = [HttpLine(live.web) for _ in range(CONNECTIONS)]
    wanted = [
        request(live, "POST", f"/api/v1/chargers/{each.id}/commands", {"name": "locate"})
        for each in chargers
    ]
    poll, busy = select.epoll(), {}
    took: list[float] = []
    for line in free:
        poll.register(line.socket.fileno(), select.EPOLLIN)
    began_s, sent, count = time.perf_counter(), 0, int(a_second * seconds)
    while len(took) < count:
        # one that finds no free connection has waited since it was due
        while free and sent < count and time.perf_counter() - began_s >= sent / a_second:
            line = free.pop()
            line.socket.sendall(wanted[sent % len(wanted)])
            busy[line.socket.fileno()] = line, began_s + sent / a_second
            sent += 1
        for number, _event in poll.poll(0.0005):
            line, due_s = busy.pop(number)
            shown = response(line.socket.recv(READ_BYTES), line.socket)
            took.append((time.perf_counter() - due_s) * 1000)
            if shown["state"] != "answered":
                raise ValueError(shown)
            free.append(line)
    for line in free:
        line.socket.close()
    return took


def main() -> None:
    """Measure it some times, and keep the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--a-second", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    parts = []
    with platform(**MORE_FROM_ONE) as live:
        names = [f"box-{number:05}" for number in range(CHARGERS)]
        registered = live.register(live.site(), "native", names, 10)
        with obedient(live.chargers, registered):
            took_ms(live, registered, given.a_second, 2)
            for _ in range(given.rounds):
                took = took_ms(live, registered, given.a_second, given.seconds)
                parts.append(statistics.quantiles(took, n=100))
    p50, p99 = [each[49] for each in parts], [each[98] for each in parts]
    keep(
        "commands",
        {"command_p50_ms": middle(p50, 2), "command_p99_ms": middle(p99, 2)},
        {
            "a_second": given.a_second,
            "chargers": CHARGERS,
            "rounds": given.rounds,
            "command_p50_ms_spread": spread(p50, 2),
            "command_p99_ms_spread": spread(p99, 2),
        },
    )


if __name__ == "__main__":
    main()
