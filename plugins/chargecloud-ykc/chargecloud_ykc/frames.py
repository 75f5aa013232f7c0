"""Frames: C{68}, length, sequence (2), encryption, type, body, check (protocol V1.6, 3.1).

The check is CRC-16/MODBUS over sequence to body.  The document's text and its printed function
disagree about which of its bytes comes first, and so do the piles: both orders are taken, and a
pile is answered in its own.  The sequence is counted by some in one byte order and by others in
the other: it is two bytes that a reply repeats.

What is no frame is skipped byte by byte, also behind a wrong check: C{68} occurs in data.
"""

from collections.abc import Iterator

from attrs import frozen
from fastcrc.crc16 import modbus

START = b"\x68"
#: sequence, encryption and type, which the length counts with the body
_AROUND = 4
_BEFORE, _CHECK = 2, 2
MOST_LENGTH = 200
MOST_BODY = MOST_LENGTH - _AROUND
PLAIN, TRIPLE_DES = 0, 1
NO_SEQUENCE = bytes(2)


@frozen
class Frame:
    """
    @ivar kind: its type: odd from piles, even from platforms.
    @ivar sequence: two bytes, which a reply has of what it replies to.
    @ivar encryption: C{PLAIN}, or C{TRIPLE_DES} of the body with a key that only the vendor has.
    @ivar is_high_first: whether the check has its high byte first.
    """

    kind: int
    body: bytes
    sequence: bytes = NO_SEQUENCE
    encryption: int = PLAIN
    is_high_first: bool = False

    def write(self) -> bytes:
        """
        Its bytes.

        @raise ValueError: if it is longer than a pile takes.
        """
        if len(self.body) > MOST_BODY:
            raise ValueError(f"{len(self.body)} bytes are more than the {MOST_BODY} of a body")
        checked = self.sequence + bytes((self.encryption, self.kind)) + self.body
        check = modbus(checked).to_bytes(_CHECK, "big" if self.is_high_first else "little")
        return START + bytes((len(checked),)) + checked + check


class Stream:
    """Bytes as they come, and the frames in them.

    @ivar skipped: bytes that were of no frame, so far.
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
        self._skip(1)

    def receive(self, data: bytes) -> Iterator[tuple[Frame, bytes]]:
        """Take bytes; each whole frame, with its own bytes."""
        self._waiting += data
        while self._waiting:
            begins = self._waiting.find(START)
            self._skip(len(self._waiting) if begins < 0 else begins)
            if not may_begin(self._waiting):
                self.give_up()
                continue
            if len(self._waiting) < _BEFORE:
                return
            size = _BEFORE + self._waiting[1] + _CHECK
            if len(self._waiting) < size:
                return
            taken = bytes(self._waiting[:size])
            frame = _read(taken)
            if frame is None:
                self.give_up()
                continue
            del self._waiting[:size]
            yield frame, taken

    def _skip(self, size: int) -> None:
        del self._waiting[:size]
        self.skipped += size


def has_order(taken: bytes) -> bool:
    """Whether the check of a frame tells in which order its bytes come."""
    return taken[-1] != taken[-2]


def may_begin(data: bytes | bytearray) -> bool:
    """Whether a frame may begin with these bytes (perhaps none), as far as they tell."""
    return (
        data[:1] in (b"", START)
        and (len(data) < 2 or data[1] >= _AROUND)
        and (len(data) < 5 or data[4] in (PLAIN, TRIPLE_DES))
    )


def _read(data: bytes) -> Frame | None:
    checked, check = data[_BEFORE:-_CHECK], data[-_CHECK:]
    found = modbus(checked)
    for order in ("little", "big"):
        if check == found.to_bytes(_CHECK, order):
            return Frame(
                kind=checked[3],
                body=checked[_AROUND:],
                sequence=checked[:2],
                encryption=checked[2],
                is_high_first=order == "big",
            )
    return None
