"""Counting what goes over a wire: payload, and what TCP and IP put around it."""

from collections.abc import Iterable
from itertools import groupby

from attrs import define, field

#: IPv4 and TCP, without options: what the small stacks of boards send
HEADER = 40


@define
class Traffic:
    """
    Bytes of one connection.

    A message is a segment.  Its receiver acknowledges with the answer, if it has one to give
    at once; every second segment of a row that is not answered, and the last of it, is
    acknowledged by a segment of its own (RFC 1122, 4.2.3.2).

    @ivar payload: of both directions, as TCP carries it.
    @ivar on_wire: the same with headers and acknowledgements.
    """

    payload: int = 0
    on_wire: int = 0
    _connections: int = field(default=0, init=False)

    def connect(self) -> None:
        """SYN, SYN and ACK, ACK; and at the end FIN and ACK from each side."""
        self.on_wire += 7 * HEADER

    def exchange(self, *messages: tuple[str, bytes]) -> None:
        """What is said in one go, in its order: C{("up", …)} or C{("down", …)}."""
        rows = [(way, [data for _, data in row]) for way, row in groupby(messages, lambda m: m[0])]
        for number, (_way, row) in enumerate(rows, start=1):
            self.payload += sum(map(len, row))
            self.on_wire += sum(map(len, row)) + HEADER * len(row)
            is_answered = number < len(rows)
            acknowledgements = len(row) // 2 if is_answered else (len(row) + 1) // 2
            self.on_wire += HEADER * acknowledgements


def ups(*frames: bytes) -> Iterable[tuple[str, bytes]]:
    """Frames of the charger."""
    return [("up", frame) for frame in frames]
