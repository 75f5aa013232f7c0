"""Ids: 64 bits, time-ordered, made without asking anybody.

41 bits of milliseconds since 2024, 10 bits of the node's slot, 12 bits of a counter.
The sign bit stays free, so that every database and JSON reader keeps them.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock

from attrs import define, field

SLOT_BITS = 10
COUNTER_BITS = 12
SLOTS = 1 << SLOT_BITS

_EPOCH_MS = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000)
_COUNTER_MASK = (1 << COUNTER_BITS) - 1


def slot_of(made: int) -> int:
    """The slot of the process that made an id."""
    return made >> COUNTER_BITS & (SLOTS - 1)


def milliseconds_of(made: int) -> int:
    """When an id was made, by the clock of its process: since 2024."""
    return made >> COUNTER_BITS + SLOT_BITS


@define
class Ids:
    """
    Makes ids; each greater than the one before, whichever thread asks: the reactor's
    for rows to come, and the writer's for postings.

    @ivar seconds: the reactor's clock (ids never follow the calendar).
    @ivar slot: this node's, leased (L{chargecloud.storage.slots}).
    """

    seconds: Callable[[], float]
    slot: int
    # milliseconds and counter of the last id, as one number
    _last: int = field(default=0, init=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    def age_s(self, made: int) -> float:
        """Seconds since an id was made, by another process perhaps, whose clock may differ."""
        return self.seconds() - (_EPOCH_MS + milliseconds_of(made)) / 1000

    def next(self) -> int:
        """A new id.  A clock that goes back, or more than 4096 ids in a millisecond,
        borrow from the milliseconds to come rather than repeat one."""
        now = (int(self.seconds() * 1000) - _EPOCH_MS) << COUNTER_BITS
        with self._lock:
            last = self._last = max(now, self._last + 1)
        milliseconds, counter = last >> COUNTER_BITS, last & _COUNTER_MASK
        return (milliseconds << SLOT_BITS | self.slot) << COUNTER_BITS | counter
