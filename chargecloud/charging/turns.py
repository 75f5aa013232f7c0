"""One thing at a time for each charger, in the order it came."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock, succeed

from chargecloud.domain.errors import Overloaded

T = TypeVar("T")

#: a charger that comes back after days sends its ring of 200 records; each waits its turn
MOST_WAITING = 256


@define
class Turns:
    """For each charger one uncommitted decision, and a bounded queue behind it."""

    _locks: dict[int, DeferredLock] = field(factory=dict, init=False)
    _idle: "list[Deferred[None]]" = field(factory=list, init=False)

    def take(self, charger_id: int, work: Callable[[], Awaitable[T]]) -> "Deferred[T]":
        """
        Do work when everything before it about the charger is done.

        Fails with L{Overloaded} if too much waits.
        """
        return Deferred.fromCoroutine(self._take(charger_id, work))

    async def _take(self, charger_id: int, work: Callable[[], Awaitable[T]]) -> T:
        lock = self._locks.setdefault(charger_id, DeferredLock())
        if len(lock.waiting) >= MOST_WAITING:
            raise Overloaded("too much waits for this charger")
        await lock.acquire()
        try:
            return await work()
        finally:
            lock.release()
            if not lock.locked:
                del self._locks[charger_id]
                self._tell_idle()

    def idle(self) -> "Deferred[None]":
        """Fires when nothing is under way for any charger."""
        if not self._locks:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._idle.append(done)
        return done

    def _tell_idle(self) -> None:
        if not self._locks:
            idle, self._idle = self._idle, []
            for done in idle:
                done.callback(None)
