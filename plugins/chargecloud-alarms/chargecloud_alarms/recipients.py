"""One alarm to several people, by a request each."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from attrs import define, field
from twisted.internet.defer import CancelledError

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

    async def reach(self, alarm: Alarm, send: Callable[[str], Awaitable[None]]) -> None:
        """
        Send to everybody who has not got it yet; nobody waits for somebody who cannot be reached.

        @raise Exception: the first that failed, when all were tried.
        """
        key = repr(alarm)
        had = self._had.setdefault(key, set())
        first: Exception | None = None
        for recipient in self.each:
            if recipient in had:
                continue
            try:
                await send(recipient)
            except CancelledError:
                # the core's deadline: there is no time left for anybody
                raise
            except Exception as error:
                first = first or error
            else:
                had.add(recipient)
        if first is not None:
            while len(self._had) > MOST_KEPT:
                self._had.popitem(last=False)
            raise first
        self._had.pop(key, None)
