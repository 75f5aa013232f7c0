"""One thing at a time for each charger, in the order it came."""

from collections import deque
from collections.abc import Awaitable, Callable, Container
from typing import TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, succeed

from chargecloud.domain.errors import Overloaded

T = TypeVar("T")

#: a charger that comes back after days sends its ring of 200 records; each waits its turn
MOST_WAITING = 256


@define(eq=False)
class Turns:
    """For each charger one uncommitted decision, and a bounded queue behind it.

    @ivar shut: chargers of which what they told last is not written down yet: until then nothing
        else is decided about them.
    @ivar _waiting: by charger, who waits behind the one that has the turn.
    @ivar _over: chargers whose turn is over and not yet passed on.
    """

    shut: Container[int] = ()
    _waiting: "dict[int, deque[Deferred[None]]]" = field(factory=dict, init=False)
    _over: deque[int] = field(factory=deque, init=False)
    _passing_on: bool = field(default=False, init=False)
    _idle: "list[Deferred[None]]" = field(factory=list, init=False)

    def take(
        self, charger_id: int, work: Callable[[], Awaitable[T]], *, though_shut: bool = False
    ) -> "Deferred[T]":
        """
        Do work when everything before it about the charger is done.

        Fails with L{Overloaded} if too much waits, or what the charger told last waits for the
        database.

        @param though_shut: for that alone: it is the work by which it is written down.
        """
        return Deferred.fromCoroutine(self._take(charger_id, work, though_shut))

    async def _take(
        self, charger_id: int, work: Callable[[], Awaitable[T]], though_shut: bool
    ) -> T:
        waiting = self._waiting.get(charger_id)
        if waiting is None:
            self._waiting[charger_id] = deque()
        elif len(waiting) >= MOST_WAITING:
            raise Overloaded("too much waits for this charger")
        else:
            turn: Deferred[None] = Deferred()
            waiting.append(turn)
            await turn
        try:
            if charger_id in self.shut and not though_shut:
                raise Overloaded("what this charger told last waits for the database")
            return await work()
        finally:
            self._over.append(charger_id)
            self._pass_on()

    def _pass_on(self) -> None:
        # work that ends at once ends within this loop: the next turn is given by the loop
        # and not from within, or else a long queue would be as deep a recursion
        if self._passing_on:
            return
        self._passing_on = True
        while self._over:
            charger_id = self._over.popleft()
            waiting = self._waiting[charger_id]
            if waiting:
                waiting.popleft().callback(None)
            else:
                del self._waiting[charger_id]
        self._passing_on = False
        if not self._waiting:
            idle, self._idle = self._idle, []
            for done in idle:
                done.callback(None)

    def __len__(self) -> int:
        """Chargers of which something is under way."""
        return len(self._waiting)

    def idle(self) -> "Deferred[None]":
        """Fires when nothing is under way for any charger."""
        if not self._waiting:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._idle.append(done)
        return done
