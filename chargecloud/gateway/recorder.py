"""The flight recorder: the last frames of each charger, both ways, as they were on the wire.

A frame is put into words only when somebody looks, so that recording costs a heartbeat
next to nothing.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
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


@define(eq=False)
class FlightRecorder:
    """
    @ivar seconds: the reactor's clock.
    @ivar frames_a_charger: that are kept of each.
    """

    seconds: Callable[[], float]
    frames_a_charger: int
    _rings: "OrderedDict[int, deque[RecordedFrame]]" = field(factory=OrderedDict, init=False)

    def frame(self, is_up: bool, raw: bytes, opened: bytes | None) -> RecordedFrame:
        """A frame of this moment."""
        size = len(raw)
        if size > MOST_BYTES:
            raw, opened = raw[:MOST_BYTES], None
        return RecordedFrame(self.seconds(), is_up, raw, opened, size)

    def fault(self, data: bytes, code: str) -> RecordedFrame:
        """Bytes of this moment that ended a connection."""
        return RecordedFrame(self.seconds(), True, data[:MOST_BYTES], None, len(data), code)

    def ring(self, charger_id: int) -> "deque[RecordedFrame]":
        """Where the frames of a charger are kept from its login on."""
        ring = self._rings.get(charger_id)
        if ring is None:
            ring = self._rings[charger_id] = deque(maxlen=self.frames_a_charger)
            if len(self._rings) > MOST_CHARGERS:
                self._rings.popitem(last=False)
        else:
            self._rings.move_to_end(charger_id)
        return ring

    def of(self, charger_id: int) -> Sequence[RecordedFrame]:
        """The last frames of a charger, the newest first."""
        return tuple(reversed(self._rings.get(charger_id, ())))
