"""Several processes of one service: started, watched, and stopped together.

Each is the same command with its number, so that it has a folder and a node slot of its own;
they listen at the same addresses.  One that ends by itself is started again, later and later.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import ProcessTerminated
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.systemd import Supervision

#: seconds to the next start of a process that ended by itself, after so many in a row
BACKOFF_S = (0.5, 2.0, 10.0, 30.0)
#: one that ran for so long has not failed to start
STARTED_S = 60.0
#: what systemd tells the process that it supervises
SUPERVISOR = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


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
            env=self.group.environment,
            # they write where we do, and see by what they could read that we are gone
            childFDs={0: "w", 1: 1, 2: 2},
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


class Together(Protocol):
    """In a process: sees the one that has started it go, and goes as well."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def connectionLost(self, _reason: Failure = connectionDone) -> None:
        """It is gone."""
        if self._reactor.running:
            self._reactor.stop()


@define(eq=False, slots=False)
class Processes(Service):
    """
    The processes of one service.

    @ivar command: of one of them, without its number.
    @ivar environ: of this process; what it has of its supervisor's is not the others'.
    """

    reactor: Any
    count: int
    command: Sequence[str]
    environ: Mapping[str, str]
    _children: list[_Child] = field(factory=list, init=False)
    _supervision: Supervision | None = field(default=None, init=False)
    _log: Logger = field(factory=Logger, init=False)

    @property
    def environment(self) -> Mapping[str, str]:
        """What the others are given."""
        return {name: value for name, value in self.environ.items() if name not in SUPERVISOR}

    def startService(self) -> None:
        """Start them."""
        super().startService()
        self._children = [_Child(number, self) for number in range(1, self.count + 1)]
        for child in self._children:
            child.start()
        self._supervision = Supervision.asked_for(self.reactor, self.environ)
        if self._supervision is not None:
            self._supervision.startService()

    def stopService(self) -> "Deferred[Any]":
        """Have all of them leave, and wait until they have."""
        super().stopService()
        if self._supervision is not None:
            self._supervision.stopService()
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
