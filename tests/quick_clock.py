"""A clock for tests at which much is to come."""

from bisect import insort
from collections.abc import Callable

from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock


class _Later(DelayedCall):
    """A call that tells its clock whenever it is put off, and not only when it is put forward."""

    def reset(self, secondsFromNow: float) -> None:  # noqa: N803 - Twisted's name
        """Another time from now on."""
        super().reset(secondsFromNow)
        self.resetter(self)

    def delay(self, secondsLater: float) -> None:  # noqa: N803 - Twisted's name
        """So much later."""
        super().delay(secondsLater)
        self.resetter(self)


class QuickClock(Clock):
    """
    Twisted's clock, in the same order, which sorts only what is out of order.

    Twisted's sorts all that is to come with every new call, and after every call: among thousands
    of connections, each with its deadlines, hardly anything else would be done.
    """

    _is_sorted = True

    def callLater(
        self,
        delay: float,
        callable: Callable[..., object],  # noqa: A002 - Twisted's name
        *args: object,
        **kw: object,
    ) -> IDelayedCall:
        """Call something later."""
        at = self.seconds() + delay
        call = _Later(at, callable, args, kw, self.calls.remove, self._moved, self.seconds)
        self._sortCalls()
        # behind all of the same time, as a stable sort has it
        insort(self.calls, call, key=DelayedCall.getTime)
        return call

    def _moved(self, _call: DelayedCall) -> None:
        self._is_sorted = False

    def _sortCalls(self) -> None:  # noqa: N802 - Twisted's name
        if not self._is_sorted:
            self._is_sorted = True
            super()._sortCalls()
