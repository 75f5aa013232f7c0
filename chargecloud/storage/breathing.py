"""The interpreter's lock, shared by a busy reactor with the threads of the database.

CPython gives a thread that waits for the lock no turn of its own: it is woken when the lock is
free, and asks for it after 5 ms without one such waking (its C{ceval_gil.c}).  A reactor with
much to do lets go of the lock at every call of the system, for some microseconds, takes it back
before a thread is awake, and has so begun the 5 ms anew.  Beside a reactor that was never idle a
commit took five seconds; with this it takes some milliseconds more than without (ADR 0046).  A
reactor that has been idle meanwhile waited without the lock, and needs no pause.
"""

import time
from collections.abc import Callable
from typing import Any

from attrs import define, field

#: seconds; the system makes at least 50 µs of it, in which a thread wakes
A_BREATH_S = 0.000_01
#: how often it is looked whether the reactor is busy
LOOK_EVERY_S = 0.002
#: the share of time in which a reactor works that is busy: less than what it has beside a thread
#: that works as well
BUSY = 0.25


@define(eq=False)
class Breathing:
    """
    Has a busy reactor pause before each of its turns for as long as threads are at work.

    @ivar reactor: one of Twisted's with turns; others (asyncio's, or one in memory) are left
        as they are.
    @ivar are_at_work: whether there is a thread that may wait for the lock.
    @ivar seconds: a clock that only goes on.
    @ivar worked_s: for how long the reactor's thread has worked.
    """

    reactor: Any
    are_at_work: Callable[[], bool]
    seconds: Callable[[], float] = time.perf_counter
    worked_s: Callable[[], float] = time.thread_time
    sleep: Callable[[float], None] = time.sleep
    _looked_s: float = field(default=0.0, init=False)
    _had_worked_s: float = field(default=0.0, init=False)
    _was_busy: bool = field(default=False, init=False)
    _before: Callable[[float | None], None] | None = field(default=None, init=False)

    def start(self) -> None:
        """From now on."""
        turn = self._before = getattr(self.reactor, "doIteration", None)
        if turn is None:
            return

        def with_a_breath(delay_s: float | None) -> None:
            if self.are_at_work() and self._is_busy():
                self.sleep(A_BREATH_S)
            turn(delay_s)

        self.reactor.doIteration = with_a_breath

    def _is_busy(self) -> bool:
        now_s = self.seconds()
        since_s = now_s - self._looked_s
        if since_s >= LOOK_EVERY_S:
            worked_s = self.worked_s()
            self._was_busy = worked_s - self._had_worked_s > since_s * BUSY
            self._looked_s, self._had_worked_s = now_s, worked_s
        return self._was_busy

    def stop(self) -> None:
        """No more; the reactor is as it was."""
        if self._before is not None:
            self.reactor.doIteration, self._before = self._before, None
