"""One alarm to several people, by a request each."""

from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred

from chargecloud.domain.alarm import Alarm

#: alarms that not everybody has yet; of older ones it is forgotten who has them
MOST_KEPT = 1_000


@define(eq=False)
class Recipients:
    """
    Who is to get each alarm, and who has got it already.

    A delivery fails if one of them is not reached, and the core delivers again: those who had
    it are left out then, or one wrong number would have the others called a hundred times.
    This is kept in memory only.  After a restart, or if an answer was lost, the first may get
    an alarm again: at least once is what is promised.

    @ivar _had: for an alarm on its way, who has it.
    """

    each: tuple[str, ...] = field(repr=False)
    _had: "OrderedDict[str, set[str]]" = field(factory=OrderedDict, init=False, repr=False)

    def reach(self, alarm: Alarm, send: Callable[[str], Awaitable[None]]) -> "Deferred[None]":
        """
        Send to everybody who has not got it yet; nobody waits for somebody who cannot be reached.
        It fails as the first did that failed, when all were tried.
        """
        had = self._had.setdefault(repr(alarm), set())
        left = deque(each for each in self.each if each not in had)
        reaching = Deferred.fromCoroutine(self._reach(repr(alarm), left, send))

        def give_up(_reached: object) -> None:
            # the core's deadline is over for all of them.  A request that is cancelled fails in
            # ways of its own, which say nothing of it
            left.clear()
            reaching.cancel()

        reached: Deferred[None] = Deferred(give_up)
        reaching.chainDeferred(reached)
        return reached

    async def _reach(
        self, key: str, left: deque[str], send: Callable[[str], Awaitable[None]]
    ) -> None:
        had, first = self._had[key], None
        while left:
            recipient = left.popleft()
            try:
                await send(recipient)
            except Exception as error:
                first = first or error
            else:
                had.add(recipient)
        if had.issuperset(self.each):
            self._had.pop(key, None)
            return
        while len(self._had) > MOST_KEPT:
            self._had.popitem(last=False)
        raise first or CancelledError
