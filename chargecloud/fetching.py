"""Bodies of what other servers answer: none larger than it may be, none that comes for nobody, and
the large ones read in a thread."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorThreads
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss


class TooLarge(Exception):
    """An answer has more bytes than it may have."""


class _Body(Protocol):
    """Collects the body of an answer, and gives up the connection of one that is too long."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts: list[bytes] = []
        self._size = 0
        self.whole: Deferred[bytes] = Deferred(lambda _whole: self._give_up())

    def dataReceived(self, data: bytes) -> None:
        """A part of it has come."""
        self._size += len(data)
        if self._size <= self._most:
            self._parts.append(data)
        elif not self.whole.called:
            self.whole.errback(TooLarge(f"an answer of more than {self._most} bytes"))
            self._give_up()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """All of it has come, or no more will."""
        if self.whole.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.whole.callback(b"".join(self._parts))
        else:
            self.whole.errback(reason)

    def _give_up(self) -> None:
        # what Twisted hands to those who read a body can do no more than this
        if self.transport is not None:
            self.transport.loseConnection()


def body_of(response: Any, most: int) -> "Deferred[bytes]":
    """
    The body of an answer; who cancels it, closes its connection.

    @param response: treq's, or an agent's, unbuffered.
    @param most: bytes.
    @raise TooLarge: as a failure, if it has more.
    """
    collecting = _Body(most)
    response.deliverBody(collecting)
    return collecting.whole


def in_thread_of(reactor: Any) -> "Callable[..., Deferred[Any]]":
    """What runs a function in a thread of a reactor; in memory, where there is a clock only, at
    once."""
    if not IReactorThreads.providedBy(reactor):
        return maybeDeferred

    def run(work: Callable[..., Any], *given: Any) -> "Deferred[Any]":
        return deferToThreadPool(reactor, reactor.getThreadPool(), work, *given)

    return run
