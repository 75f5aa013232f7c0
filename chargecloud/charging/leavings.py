"""What nodes leave when they go: another one takes it over, however often that takes."""

from collections.abc import Callable, Coroutine
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure


@define(eq=False)
class Leavings:
    """
    @ivar what: is left, in words for the log.
    @ivar living: the nodes that live and may have such.
    @ivar take_over: takes what all others have left.
    """

    what: str
    living: Callable[[], frozenset[int]]
    take_over: Callable[[], Coroutine[Any, Any, None]]
    #: the nodes that lived at the last look
    _lived: frozenset[int] = field(default=frozenset(), init=False)
    _is_due: bool = field(default=False, init=False)
    _is_busy: bool = field(default=False, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def begin(self) -> None:
        """Who goes from now on is missed."""
        self._lived = self.living()

    def again(self) -> None:
        """Something is still to be taken: at the next look."""
        self._is_due = True

    def look(self) -> None:
        """Take over what nodes left, if any has gone since, or it is still to be taken; soon,
        and not waited for."""
        live = self.living()
        gone, self._lived = self._lived - live, live
        self._is_due = self._is_due or bool(gone)
        if not self._is_due or self._is_busy:
            return
        self._is_due, self._is_busy = False, True
        taken = Deferred.fromCoroutine(self.take_over())
        taken.addErrback(self._not_taken)
        taken.addBoth(self._over)

    def _not_taken(self, failure: Failure) -> None:
        self._log.failure("{what} were not taken over", failure, what=self.what)
        self.again()

    def _over(self, _result: object) -> None:
        self._is_busy = False
