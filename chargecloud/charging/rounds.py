"""What is done again and again: by features once a minute, for payments more often."""

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

ROUND_S = 60.0


@define(eq=False, slots=False)
class Rounds(Service):
    """
    No two rounds are under way.

    @ivar every_s: from the end of one to the next.
    """

    clock: IReactorTime
    work: Callable[[], Any]
    every_s: float = ROUND_S
    _call: IDelayedCall | None = field(default=None, init=False)
    _busy: "Deferred[None] | None" = field(default=None, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def startService(self) -> None:
        """Begin once that has passed."""
        super().startService()
        self._call = self.clock.callLater(self.every_s, self._round)

    def stopService(self) -> "Deferred[None] | None":
        """Finish the round that is under way."""
        super().stopService()
        if self._call is not None and self._call.active():
            self._call.cancel()
        return self._busy

    def _round(self) -> None:
        self._busy = Deferred()
        done = maybeDeferred(self.work)
        done.addErrback(lambda failure: self._log.failure("a round failed", failure))
        done.addCallback(self._done)

    def _done(self, _result: object) -> None:
        busy, self._busy = self._busy, None
        if self.running:
            self._call = self.clock.callLater(self.every_s, self._round)
        if busy is not None:
            busy.callback(None)
