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
from chargecloud.storage.log import move_cursors, read_after, read_cursors
from chargecloud.storage.writer import Writer

#: after a failure a follower tries again, but leaves the database alone for a while
RETRY_S = 5.0


@define(eq=False, slots=False)
class Following(Service):
    """
    Keeps one follower up with the log, as a service.

    It is woken by each commit of this node, and reads until nothing is left.

    @ivar seen: where in this node's part of the log it is.
    """

    writer: Writer
    follower: IFollower
    clock: IReactorTime
    seen: int = 0
    _log: Logger = field(factory=Logger, init=False)
    _busy: "Deferred[None] | None" = field(default=None, init=False)
    _woken: bool = field(default=False, init=False)
    _retry: IDelayedCall | None = field(default=None, init=False)

    def startService(self) -> None:
        """Begin with what came while the service was down."""
        super().startService()
        self.writer.on_commit.append(self.wake)
        self.wake()

    def stopService(self) -> "Deferred[None] | None":
        """Finish the entries that are under way."""
        super().stopService()
        self.writer.on_commit.remove(self.wake)
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        return self._busy

    def wake(self) -> None:
        """There is something new in the log."""
        if self._busy is not None:
            self._woken = True
        elif self.running and self._retry is None:
            self._follow()

    @property
    def lag(self) -> int:
        """Entries of this node that are still to come to it."""
        return max(self.writer.seq - self.seen, 0)

    def _follow(self) -> None:
        self._woken = False
        self._busy = Deferred()
        step = self.writer.transact(self._step)
        step.addCallbacks(self._stepped, self._failed)

    def _step(self, connection: Connection) -> tuple[int, int]:
        here = self.writer.seq
        seen = read_cursors(connection, self.follower.name)
        entries = read_after(connection, seen)
        if entries:
            self.follower.apply(connection, [(logged.at, logged.entry) for logged in entries])
            reached = {logged.node: logged.seq for logged in entries}
            move_cursors(connection, self.follower.name, seen, reached)
            # without any, places that were given in vain are behind it as well
            here = reached.get(self.writer.node, self.seen)
        return len(entries), here

    def _stepped(self, step: tuple[int, int]) -> None:
        count, self.seen = step
        self._rest()
        if self.running and (count or self._woken):
            self._follow()

    def _failed(self, failure: Failure) -> None:
        self._log.failure(
            "follower {name} failed, trying again in {retry} s",
            failure,
            name=self.follower.name,
            retry=RETRY_S,
        )
        self._rest()
        if self.running:
            self._retry = self.clock.callLater(RETRY_S, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self.wake()

    def _rest(self) -> None:
        done, self._busy = self._busy, None
        if done is not None:
            done.callback(None)
