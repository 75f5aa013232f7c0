"""Followers of the event log: each entry has its effect exactly once in the database,
because the effect and the follower's cursor are written in one transaction."""

from attrs import define, field
from sqlalchemy import Connection
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.interfaces import IFollower
from chargecloud.storage.log import (
    MOST_ENTRIES_AT_ONCE,
    log_end,
    move_cursors,
    read_after,
    read_cursors,
)
from chargecloud.storage.writer import Writer

#: after a failure a follower tries again, but leaves the database alone for a while
RETRY_S = 5.0
#: who has caught up rests so many times as long as that took: with a step at each commit, a dozen
#: followers keep a processor and the database busy with nothing to do
RESTS = 99
LONGEST_REST_S = 0.5


@define(eq=False, slots=False)
class Following(Service):
    """
    Keeps one follower up with the log, as a service.

    It is woken by each commit of this node, and reads until nothing is left. A lone commit is
    followed at once; where they come one after another, it takes what has come together.

    @ivar lag: entries that are still to come to it, as far as this node knows.
    """

    writer: Writer
    follower: IFollower
    clock: IReactorTime
    _log: Logger = field(factory=Logger, init=False)
    _busy: "Deferred[None] | None" = field(default=None, init=False)
    _woken: bool = field(default=False, init=False)
    _next: IDelayedCall | None = field(default=None, init=False)
    _rests_until_s: float = field(default=0.0, init=False)
    _left: int = field(default=0, init=False)
    _left_at_seq: int = field(default=0, init=False)

    def startService(self) -> None:
        """Begin with what came while the service was down."""
        super().startService()
        self.writer.on_commit.append(self.wake)
        self.wake()

    def stopService(self) -> "Deferred[None] | None":
        """Finish the entries that are under way."""
        super().stopService()
        self.writer.on_commit.remove(self.wake)
        if self._next is not None:
            self._next.cancel()
            self._next = None
        return self._busy

    def wake(self) -> None:
        """There is something new in the log."""
        if self._busy is not None:
            self._woken = True
        elif self.running and self._next is None:
            # the clock of the machine may have been put back meanwhile
            rest_s = self._rests_until_s - self.clock.seconds()
            self._follow_in(min(rest_s, LONGEST_REST_S))

    @property
    def lag(self) -> int:
        return self._left + max(self.writer.seq - self._left_at_seq, 0)

    def _follow_in(self, wait_s: float) -> None:
        if wait_s > 0:
            self._next = self.clock.callLater(wait_s, self._follow)
        else:
            self._follow()

    def _follow(self) -> None:
        self._next = None
        self._woken = False
        self._busy = Deferred()
        self.writer.transact(self._step).addCallbacks(self._stepped, self._failed)

    def _step(self, connection: Connection) -> tuple[int, float]:
        """How many entries it has taken, and the seconds of work."""
        began_s, seq = self.clock.seconds(), self.writer.seq
        seen, end = read_cursors(connection, self.follower.name), log_end(connection)
        # known before its work, which may fail
        self._left = sum(max(last - seen.get(node, 0), 0) for node, last in end.items())
        self._left_at_seq = seq
        entries = read_after(connection, seen, end)
        if entries:
            self.follower.apply(connection, [(logged.at, logged.entry) for logged in entries])
            reached = {logged.node: logged.seq for logged in entries}
            move_cursors(connection, self.follower.name, seen, reached)
        return len(entries), self.clock.seconds() - began_s

    def _stepped(self, step: tuple[int, float]) -> None:
        count, took_s = step
        self._left -= count
        rest_s = min(RESTS * took_s, LONGEST_REST_S)
        self._rests_until_s = self.clock.seconds() + rest_s
        self._rest()
        if not self.running:
            return
        if count == MOST_ENTRIES_AT_ONCE:
            self._follow()
        elif self._woken:
            self._follow_in(rest_s)

    def _failed(self, failure: Failure) -> None:
        self._log.failure(
            "follower {name} failed, trying again in {retry} s",
            failure,
            name=self.follower.name,
            retry=RETRY_S,
        )
        self._rest()
        if self.running:
            self._follow_in(RETRY_S)

    def _rest(self) -> None:
        done, self._busy = self._busy, None
        if done is not None:
            done.callback(None)
