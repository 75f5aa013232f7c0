"""The flight recorder: the last frames of each charger, both ways, as they were on the wire.

A frame is put into words only when somebody looks, so that recording costs a heartbeat
next to nothing; until then each is a piece of bytes.
"""

import struct
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from attrs import define, field

#: bytes of a frame that are kept: whole ones of everything but firmware
MOST_BYTES = 512
#: chargers whose frames are kept; beyond it those go whose last login is longest ago
MOST_CHARGERS = 20_000


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

    @ivar _frames: each packed: its head, the frame, what was sealed in it, and its fault.
    """

    __slots__ = ("_frames",)

    def __init__(self, most: int) -> None:
        self._frames: deque[bytes] = deque(maxlen=most)

    def append(
        self, at_s: float, is_up: bool, raw: bytes, opened: bytes | None, fault: str = ""
    ) -> None:
        """One more frame."""
        size = len(raw)
        if size > MOST_BYTES:
            raw, opened = raw[:MOST_BYTES], None
        if opened is None:
            frame = _pack(at_s, size, len(raw), _NOT_OPENED, len(fault), is_up) + raw
        else:
            frame = _pack(at_s, size, len(raw), len(opened), len(fault), is_up) + raw + opened
        self._frames.append(frame + fault.encode() if fault else frame)

    def __reversed__(self) -> Iterator[RecordedFrame]:
        """The newest first."""
        return map(_read, reversed(self._frames))


def _read(frame: bytes) -> RecordedFrame:
    at_s, size, raw_size, opened_size, fault_size, is_up = _HEAD.unpack_from(frame)
    opened_at = _HEAD.size + raw_size
    raw, fault_at = frame[_HEAD.size : opened_at], len(frame) - fault_size
    opened = None if opened_size == _NOT_OPENED else frame[opened_at:fault_at]
    return RecordedFrame(at_s, bool(is_up), raw, opened, size, frame[fault_at:].decode() or None)


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
        return tuple(reversed(self._logs.get(charger_id, ())))
