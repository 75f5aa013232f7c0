"""Logins under way on this node: so many at a time, and the others come back later."""

from collections.abc import Callable
from typing import TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred

T = TypeVar("T")

#: a charger that is postponed does not come back sooner
SOONEST_RETRY_S = 5
#: nor is it asked to stay away for longer, however many there are
LATEST_RETRY_S = 300
#: a charger that was postponed so long ago counts half: it has come back, or soon will
HALF_LIFE_S = 30.0
#: how much the last login counts beside all before
OF_LATE = 1 / 16


@define(eq=False)
class Logins:
    """
    Counts the questions about logins that wait for an answer.

    Those who come while there are too many are spread at random over the time in which
    they can be taken: between L{SOONEST_RETRY_S} and that and, for each C{at_a_time} of those
    who were postponed of late, as long as a login has taken of late; a second, before any has
    come to its end.  Nobody is remembered, and nobody is shut out: who comes back when there is
    room gets in.

    @ivar seconds: the reactor's.
    @ivar random: gives a number from 0 to 1.
    @ivar under_way: how many wait for an answer.
    @ivar postponed: how many were told to come back later, ever.
    """

    at_a_time: int
    seconds: Callable[[], float]
    random: Callable[[], float]
    under_way: int = 0
    postponed: int = 0
    _crowd: float = field(default=0.0, init=False)
    _counted_s: float = field(default=0.0, init=False)
    _takes_s: float = field(default=1.0, init=False)

    def count(self, answer: "Deferred[T]") -> "Deferred[T]":
        """A question was asked about a login: it counts until this is its answer, also if
        the connection that it was asked for has gone."""
        self.under_way += 1
        return answer.addBoth(self._over, self.seconds())

    def _over(self, result: T, began_s: float) -> T:
        self.under_way -= 1
        self._takes_s += (max(self.seconds() - began_s, 0.0) - self._takes_s) * OF_LATE
        return result

    def postpone(self) -> int | None:
        """For one more charger: the seconds after which it is to come back; C{None} if it
        may log in."""
        if self.under_way < self.at_a_time:
            return None
        self.postponed += 1
        now_s = self.seconds()
        past_s = max(now_s - self._counted_s, 0.0)
        self._crowd = self._crowd * 0.5 ** (past_s / HALF_LIFE_S) + 1
        self._counted_s = now_s
        taken_in_s = self._crowd / self.at_a_time * self._takes_s
        spread_s = min(taken_in_s, LATEST_RETRY_S - SOONEST_RETRY_S)
        return SOONEST_RETRY_S + round(self.random() * spread_s)
