"""Several processes of one service: started, watched, and stopped together.

Each is the same command with its number, so that it has a folder and a node slot of its own;
they listen at the same addresses.  One that ends by itself is started again, later and later.
"""

import sys
from collections.abc import Sequence
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import ProcessTerminated
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

#: seconds to the next start of a process that ended by itself, after so many in a row
BACKOFF_S = (0.5, 2.0, 10.0, 30.0)
#: one that ran for so long has not failed to start
STARTED_S = 60.0


@define(eq=False, slots=False)
class _Child(ProcessProtocol):
    """One process, through all its starts."""

    number: int
    group: "Processes"
    failures: int = 0
    gone: "Deferred[None] | None" = None
    began_s: float = 0.0
    _again: IDelayedCall | None = None

    def start(self) -> None:
        """Start it."""
        self._again = None
        self.began_s = self.group.reactor.seconds()
        self.gone = Deferred()
        self.group.reactor.spawnProcess(
            self,
            sys.executable,
            [sys.executable, *self.group.command, "--process", str(self.number)],
            env=None,
            # they write where we do
            childFDs={0: 0, 1: 1, 2: 2},
        )

    def processEnded(self, reason: Failure) -> None:  # noqa: N802
        """It has ended, well or not."""
        gone, self.gone = self.gone, None
        if self.group.running:
            lived_s = self.group.reactor.seconds() - self.began_s
            self.failures = 0 if lived_s >= STARTED_S else self.failures + 1
            after_s = BACKOFF_S[min(self.failures, len(BACKOFF_S) - 1)]
            self.group.ended(self.number, reason, after_s)
            self._again = self.group.reactor.callLater(after_s, self.start)
        if gone is not None:
            gone.callback(None)

    def stop(self) -> "Deferred[None] | None":
        """Tell it to leave; fires when it is gone."""
        if self._again is not None:
            self._again.cancel()
        if self.gone is not None and self.transport is not None:
            self.transport.signalProcess("TERM")
        return self.gone


@define(eq=False, slots=False)
class Processes(Service):
    """
    The processes of one service.

    @ivar command: of one of them, without its number.
    """

    reactor: Any
    count: int
    command: Sequence[str]
    _children: list[_Child] = field(factory=list, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def startService(self) -> None:
        """Start them."""
        super().startService()
        self._children = [_Child(number, self) for number in range(1, self.count + 1)]
        for child in self._children:
            child.start()

    def stopService(self) -> "Deferred[Any]":
        """Have all of them leave, and wait until they have."""
        super().stopService()
        going = [gone for child in self._children if (gone := child.stop()) is not None]
        return DeferredList(going)

    def ended(self, number: int, reason: Failure, after_s: float) -> None:
        """One has ended by itself."""
        how = "failed" if reason.check(ProcessTerminated) else "ended"
        self._log.error(
            "process {number} {how}: {why}; it is started again in {after_s} s",
            number=number,
            how=how,
            why=reason.getErrorMessage(),
            after_s=after_s,
        )
