"""Whether a connection is read, and why not."""

from enum import Enum
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: bytes that may come at once, above what comes in the long run: over a thousand records that
#: chargers kept while they had no connection
BURST_BYTES = 64 * 1024

#: bytes that are read from a socket in one go.  Everybody else waits while they are acted on: as
#: much as Twisted would read holds 6,000 heartbeats
READ_BYTES = 4 * 1024

#: a shorter pause costs more than what it keeps away
SHORTEST_PAUSE_S = 0.05


class Pause(Enum):
    """Why a connection is not read."""

    #: it has sent more than its share; the rest waits in the charger, where TCP holds it
    BYTES = "bytes"
    #: its facts wait for their commit
    FACTS = "facts"
    #: it has not read what we wrote
    ANSWERS = "answers"


@define(eq=False)
class Reading:
    """
    Knows all that keeps a connection from being read: it is read when nothing does.

    Bytes are paid for with tokens, which come back at a steady rate.  What has come is
    taken in whole, on credit if need be, and the connection is not read until that is
    paid back: nothing is dropped, and bytes cost a few sums before they are parsed.

    @ivar transport: what the connection is read from.
    @ivar bytes_a_second: how fast tokens come back.
    @ivar since_s: since when it is read without a pause.
    """

    transport: Any
    clock: IReactorTime
    bytes_a_second: int
    since_s: float = field(init=False)
    _burst_s: float = field(init=False)
    #: when all tokens will have come back
    _full_s: float = field(default=0.0, init=False)
    _pauses: frozenset[Pause] = field(default=frozenset(), init=False)
    _paying: IDelayedCall | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.since_s = self.clock.seconds()
        self._burst_s = BURST_BYTES / self.bytes_a_second

    def take(self, size: int, now_s: float) -> bool:
        """So many bytes have come; true if it is not read for a while from here on, for them."""
        full_s = self._full_s
        self._full_s = full_s = (full_s if full_s > now_s else now_s) + size / self.bytes_a_second
        owed_s = full_s - now_s - self._burst_s
        if owed_s <= 0 or self._paying is not None or self._stopped:
            return False
        self.pause(Pause.BYTES)
        self._pay(owed_s)
        return True

    def pause(self, why: Pause) -> None:
        """Do not read on, for this reason too."""
        if not self._pauses and not self._stopped:
            self.transport.pauseProducing()
        self._pauses |= {why}

    def resume(self, why: Pause) -> None:
        """This reason is gone."""
        if why not in self._pauses:
            return
        self._pauses -= {why}
        if not self._pauses and not self._stopped:
            self.since_s = self.clock.seconds()
            self.transport.resumeProducing()

    def is_paused(self, why: Pause) -> bool:
        """Whether this reason keeps it from being read."""
        return why in self._pauses

    def stop(self) -> None:
        """The connection ends: leave its transport alone."""
        self._stopped = True
        if self._paying is not None:
            self._paying.cancel()
            self._paying = None

    def _pay(self, owed_s: float) -> None:
        self._paying = self.clock.callLater(max(owed_s, SHORTEST_PAUSE_S), self._paid)

    def _paid(self) -> None:
        self._paying = None
        # under TLS, what was decrypted already still comes after the pause
        owed_s = self._full_s - self.clock.seconds() - self._burst_s
        if owed_s > 0:
            self._pay(owed_s)
        else:
            self.resume(Pause.BYTES)
