"""The flight recorder: the last frames of each charger, both ways, as they were on the wire.

A frame is put into words only when somebody looks, so that recording costs a heartbeat
next to nothing; until then the frames of a charger are one row of bytes.
"""

import struct
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from attrs import define, field

#: bytes of a frame that are kept: whole ones of everything but firmware
MOST_BYTES = 512
#: chargers whose frames are kept; beyond it those go whose last login is longest ago
MOST_CHARGERS = 20_000
#: the oldest are dropped together, when there are so many more than are kept
SPARE = 16


class RecordedFrame(NamedTuple):
    """
    A frame, or what was taken for the beginning of one.

    @ivar at_s: on the reactor's clock.
    @ivar is_up: whether the charger sent it.
    @ivar raw: its first bytes on the wire.
    @ivar opened: what was sealed in it; C{None} if nothing was, or it is not to be seen.
    @ivar size: how many bytes it had.
    @ivar fault: the code of what was wrong with it.
    """

    at_s: float
    is_up: bool
    raw: bytes
    opened: bytes | None
    size: int
    fault: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all of it was kept."""
        return len(self.raw) == self.size


#: before each frame: when, its size, how much of it was kept, opened and fault, and its way
_HEAD = struct.Struct("<dIHhBB")
_pack = _HEAD.pack
_NOT_OPENED = -1


class FrameLog:
    """
    The last frames of a charger.

    @ivar most: of them that are kept.
    """

    __slots__ = ("_count", "_frames", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self._frames = bytearray()
        self._count = 0

    def append(
        self, at_s: float, is_up: bool, raw: bytes, opened: bytes | None, fault: str = ""
    ) -> None:
        """One more frame."""
        size = len(raw)
        if size > MOST_BYTES:
            raw, opened = raw[:MOST_BYTES], None
        if opened is None:
            self._frames += _pack(at_s, size, len(raw), _NOT_OPENED, len(fault), is_up) + raw
        else:
            head = _pack(at_s, size, len(raw), len(opened), len(fault), is_up)
            self._frames += head + raw + opened
        if fault:
            self._frames += fault.encode()
        self._count += 1
        if self._count >= self.most + SPARE:
            self._drop()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[RecordedFrame]:
        """The oldest first."""
        taken = bytes(self._frames)
        frames = [_read(taken, start) for start in self._starts()]
        return iter(frames[-self.most :])

    def _starts(self) -> Iterator[int]:
        at = 0
        while at < len(self._frames):
            yield at
            _, _, raw, opened, fault, _ = _HEAD.unpack_from(self._frames, at)
            at += _HEAD.size + raw + max(opened, 0) + fault

    def _drop(self) -> None:
        starts = list(self._starts())
        del self._frames[: starts[-self.most]]
        self._count = self.most


def _read(frames: bytes, at: int) -> RecordedFrame:
    at_s, size, raw_size, opened_size, fault_size, is_up = _HEAD.unpack_from(frames, at)
    at += _HEAD.size
    raw, at = frames[at : at + raw_size], at + raw_size
    opened = None
    if opened_size != _NOT_OPENED:
        opened, at = frames[at : at + opened_size], at + opened_size
    fault = frames[at : at + fault_size].decode() or None
    return RecordedFrame(at_s, bool(is_up), raw, opened, size, fault)


@define(eq=False)
class FlightRecorder:
    """
    @ivar frames_a_charger: that are kept of each.
    """

    frames_a_charger: int
    _logs: "OrderedDict[int, FrameLog]" = field(factory=OrderedDict, init=False)

    def log(self, charger_id: int) -> FrameLog:
        """Where the frames of a charger are kept from its login on."""
        log = self._logs.get(charger_id)
        if log is None:
            log = self._logs[charger_id] = FrameLog(self.frames_a_charger)
            if len(self._logs) > MOST_CHARGERS:
                self._logs.popitem(last=False)
        else:
            self._logs.move_to_end(charger_id)
        return log

    def of(self, charger_id: int) -> Sequence[RecordedFrame]:
        """The last frames of a charger, the newest first."""
        return tuple(reversed(list(self._logs.get(charger_id, ()))))
