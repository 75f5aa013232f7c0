"""Frames, and what else comes on a connection: the SIM's number and signs of life.

A frame is C{DNY}, the length of what follows (2), the device (4), the message's number (2),
the command (1), data, and the low 16 bits of the sum of all bytes before (2), everything
little-endian.  A module says its ICCID once, and C{link} when it has said nothing for 30 s;
all three may be glued together or split anywhere.

What is none of these is skipped byte by byte until something is again: the vendor's devices
are on noisy buses, and one bad frame is no reason to lose fifty boxes.
"""

import re
from collections.abc import Iterator

from attrs import frozen

HEAD = b"DNY"
LINK = b"link"
ICCID_SIZE = 20
_ICCID = re.compile(rb"89[0-9A-Fa-f]{18}")
_AROUND = 9
#: of the length: only firmware is longer than 256
LEAST, MOST = _AROUND, 512
MOST_DATA = MOST - _AROUND
#: what may begin something; at the end, as much of it as there is
_BEGINNINGS = re.compile(rb"DNY|link|89|(?:DN?|l(?:in?)?|8)\Z")


@frozen
class Frame:
    """
    @ivar device: its physical id.
    @ivar number: of the message: a reply has that of what it replies to.
    """

    device: int
    number: int
    command: int
    data: bytes = b""

    def write(self) -> bytes:
        """
        Its bytes.

        @raise ValueError: if it is too long.
        """
        if len(self.data) > MOST_DATA:
            raise ValueError(f"{len(self.data)} bytes of data are too many")
        body = (
            (_AROUND + len(self.data)).to_bytes(2, "little")
            + self.device.to_bytes(4, "little")
            + self.number.to_bytes(2, "little")
            + bytes((self.command,))
            + self.data
        )
        return HEAD + body + _sum(HEAD + body)


@frozen
class Iccid:
    """The module has said which SIM it has."""

    digits: str


@frozen
class Link:
    """The module lives."""


Found = Frame | Iccid | Link


def _sum(data: bytes) -> bytes:
    return (sum(data) & 0xFFFF).to_bytes(2, "little")


class Stream:
    """Bytes as they come, and what is found in them.

    @ivar skipped: bytes that were none of anything, so far.
    """

    def __init__(self) -> None:
        self._waiting = bytearray()
        self.skipped = 0

    @property
    def is_waiting(self) -> bool:
        """Whether something has begun that is not whole yet."""
        return bool(self._waiting)

    def give_up(self) -> None:
        """What has begun will not be whole: look behind its first byte."""
        del self._waiting[:1]
        self.skipped += 1

    def receive(self, data: bytes) -> Iterator[tuple[Found, bytes]]:
        """Take bytes; what is whole, with its own bytes."""
        self._waiting += data
        while self._waiting:
            begins = _BEGINNINGS.search(self._waiting)
            junk = len(self._waiting) if begins is None else begins.start()
            del self._waiting[:junk]
            self.skipped += junk
            size = _size(self._waiting)
            if size is None or size > len(self._waiting):
                return
            found = _read(bytes(self._waiting[:size])) if size else None
            if found is None:
                self.give_up()
                continue
            taken = bytes(self._waiting[:size])
            del self._waiting[:size]
            yield found, taken


def _size(waiting: bytearray) -> int | None:
    """The size of what begins here; C{None} if more must come to tell, 0 if nothing does."""
    for beginning, size in ((LINK, len(LINK)), (b"89", ICCID_SIZE)):
        if beginning.startswith(waiting[: len(beginning)]):
            return size
    if not HEAD.startswith(waiting[: len(HEAD)]):
        return 0
    if len(waiting) < len(HEAD) + 2:
        return None
    length = int.from_bytes(waiting[3:5], "little")
    return len(HEAD) + 2 + length if LEAST <= length <= MOST else 0


def _read(data: bytes) -> Found | None:
    if data == LINK:
        return Link()
    if _ICCID.fullmatch(data):
        return Iccid(data.decode().upper())
    if data.startswith(HEAD) and _sum(data[:-2]) == data[-2:]:
        return Frame(
            device=int.from_bytes(data[5:9], "little"),
            number=int.from_bytes(data[9:11], "little"),
            command=data[11],
            data=data[12:-2],
        )
    return None
