"""Requests over HTTP, on connections that stay."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from bench.lines import READ_BYTES, Line
from bench.served import Platform


def request(live: Any, method: str, path: str, body: Any = None) -> bytes:
    """A whole request, as a client with a token sends it."""
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{live.web}\r\n"
        f"Authorization: Bearer {live.token}\r\nAccept: application/json\r\n"
    )
    if content:
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return head.encode() + b"\r\n" + content


class HttpLine(Line):
    """
    A client's connection.

    @param requests: written before the clock starts; several share them, and whoever is free takes
        the next.
    """

    GOOD = b"HTTP/1.1 2"

    def __init__(self, port: int, requests: Iterable[bytes] = ()) -> None:
        super().__init__(port)
        self.next_frame = iter(requests).__next__

    def make(self, count: int) -> None:
        """They are there."""

    def answer(self, data: bytes) -> Any:
        """The JSON of a response."""
        self.socket.sendall(data)
        return response(self.socket.recv(READ_BYTES), self.socket)


def response(data: bytes, more: Any) -> Any:
    """The JSON of a response that has begun to come; it has to be a good one."""
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(HttpLine.GOOD):
        raise ValueError(data[:1000].decode())
    (length,) = (
        int(each.split(b":")[1])
        for each in head.split(b"\r\n")
        if each.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += more.recv(READ_BYTES)
    return json.loads(body)


def all_of(live: Platform, requests: Sequence[bytes]) -> list[Any]:
    """The answers to some requests, a few at a time."""
    lines = [HttpLine(live.web) for _ in range(16)]
    answers = []
    for first in range(0, len(requests), len(lines)):
        some = list(zip(lines, requests[first : first + len(lines)], strict=False))
        for line, each in some:
            line.socket.sendall(each)
        answers += [response(line.socket.recv(READ_BYTES), line.socket) for line, _ in some]
    for line in lines:
        line.socket.close()
    return answers


def riders(live: Platform, count: int, amount_fen: int = 100_000) -> list[tuple[str, str]]:
    """Customers with a card and money; their ids, and what is written on the cards."""
    path = "/api/v1/customers"
    people = [
        request(live, "POST", path, {"name": f"Rider {each}", "phone": f"139{each:08}"})
        for each in range(count)
    ]
    ids = [each["id"] for each in all_of(live, people)]
    uids = [f"{int(each):016X}" for each in ids]
    paid = {"amount_fen": amount_fen}
    all_of(live, [request(live, "POST", f"/api/v1/wallets/{each}/top-ups", paid) for each in ids])
    cards = [
        {"uid": uid, "customer_id": each, "status": "active"}
        for each, uid in zip(ids, uids, strict=True)
    ]
    all_of(live, [request(live, "POST", "/api/v1/cards", each) for each in cards])
    return list(zip(ids, uids, strict=True))
