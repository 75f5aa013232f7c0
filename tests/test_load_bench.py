"""The load of the benches: whoever is answered asks on, and what is no good answer ends it."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import repeat
from select import select
from threading import Thread

import pytest

from bench.asking import HttpLine
from bench.load import load

GOOD, BAD = b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 500 Internal Server Error\r\n\r\n"
#: asked for in a round
MOST = 100


@contextmanager
def answering(answer: Callable[[int, int], bytes]) -> Iterator[int]:
    """
    The port of a server of two clients, as long as they are there.

    @param answer: what it says to which of them, to its how manieth request; nothing yet, if it
        says nothing: when the other has been answered it is asked again.
    """
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        clients = [listening.accept()[0] for _ in range(2)]
        heard, waiting = [0, 0], [False, False]
        while clients:
            for client in select(clients, [], [])[0]:
                number = clients.index(client)
                if not client.recv(1000):
                    return
                heard[number] += 1
                waiting[number] = True
                for each, is_waiting in enumerate(waiting):
                    if is_waiting and (said := answer(each, sum(heard))):
                        waiting[each] = False
                        clients[each].sendall(said)

    def serve_until_they_go() -> None:
        with suppress(ConnectionError):
            serve()

    server = Thread(target=serve_until_they_go)
    server.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.join()
        listening.close()


def ask(port: int, count: int = MOST) -> None:
    """A round of two clients."""
    requests = repeat(b"GET / HTTP/1.1\r\n\r\n", count)
    lines = [HttpLine(port, requests) for _ in range(2)]
    try:
        load(os.getpid(), lines, 10.0, count)
    finally:
        for line in lines:
            line.socket.close()


def test_who_is_slow_keeps_nobody_from_asking_on() -> None:
    """One has no more to say only when all have not."""
    told: list[int] = []

    def answer(who: int, heard: int) -> bytes:
        if who == 1 and heard < MOST - 2:
            return b""
        told.append(who)
        return GOOD

    with answering(answer) as port:
        ask(port)
    assert told.count(0) > MOST / 2


def test_a_bad_answer_ends_it() -> None:
    """Whenever it comes: figures of refusals are none."""
    with (
        answering(lambda _who, heard: BAD if heard == MOST / 2 else GOOD) as port,
        pytest.raises(ValueError, match="500"),
    ):
        ask(port)
