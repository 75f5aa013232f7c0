"""The load: one request under way on each connection, from a process and a core of its own."""

import os
import select
import statistics
import time
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from bench.lines import READ_BYTES
from bench.served import cpu_s


@frozen
class Round:
    """
    What one round came to.

    @ivar a_second: frames that were answered.
    @ivar served: the share of its core that the server had.
    @ivar loaded: the same of the load: while it has rest, it is not the limit.
    """

    a_second: float
    served: float
    loaded: float


#: more than anybody answers
MOST_A_SECOND = 60_000


def load(server: int, lines: Sequence[Any], seconds: float, most: int | None = None) -> Round:
    """
    Have as many answers as there are; each has to be a good one.

    @param server: the process whose share of a core is told.
    @param most: end when so many were asked for, if it comes to that.
    """
    most = most or int(seconds * MOST_A_SECOND)
    for line in lines:
        line.make(most // len(lines))
        line.socket.settimeout(0)
    poll = select.epoll()
    of = {}
    for line in lines:
        of[line.socket.fileno()] = line.socket.recv, line.socket.send, line.next_frame, line.GOOD
        poll.register(line.socket.fileno(), select.EPOLLIN)
    wait = poll.poll
    for _recv, send, next_frame, _good in of.values():
        send(next_frame())
    answered, served_s, loaded_s = 0, cpu_s(server), cpu_s(os.getpid())
    began = time.perf_counter()
    until, enough = began + seconds, most - 2 * len(lines)
    while (now := time.perf_counter()) < until and answered < enough:
        for number, _event in wait(1):
            recv, send, next_frame, good = of[number]
            if not ((answer := recv(READ_BYTES)) and answer.startswith(good)):
                _refuse(answer)
            answered += 1
            send(next_frame())
    took = now - began
    served_s, loaded_s = cpu_s(server) - served_s, cpu_s(os.getpid()) - loaded_s
    left = len(of)
    while left and (some := wait(1)):
        for number, _event in some:
            recv, _send, _next_frame, good = of[number]
            if not ((answer := recv(READ_BYTES)) and answer.startswith(good)):
                _refuse(answer)
            left -= 1
    poll.close()
    if left:
        raise TimeoutError(f"{left} of {len(of)} were not answered")
    return Round(answered / took, served_s / took, loaded_s / took)


def _refuse(answer: bytes) -> None:
    if not answer:
        raise ConnectionError("the server has hung up")
    raise ValueError(answer.decode(errors="replace"))


def middle(rounds: Sequence[float], digits: int = 0) -> float:
    """The median of some rounds."""
    found = round(statistics.median(rounds), digits)
    return int(found) if digits == 0 else found


def spread(rounds: Sequence[float], digits: int = 0) -> list[float]:
    """From the least to the most."""
    return [round(min(rounds), digits or None), round(max(rounds), digits or None)]
