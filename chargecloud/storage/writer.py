"""The writer: many decisions in one transaction, and each applied whole or not at all.

It commits whatever has come together while the last commit was under way, without a
waiting window.  If a guard misses (or a decision cannot be written at all), the
transaction is rolled back and its decisions are tried again in halves, and halves of these,
so that one that fails never takes its neighbours down.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, TypeVar

from attrs import define, field
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Decision
from chargecloud.domain.errors import Overloaded
from chargecloud.storage.chains import ChainMoved, Chains, Growing
from chargecloud.storage.schema import event_log
from chargecloud.storage.threads import Runner
from chargecloud.storage.transactions import Transactions
from chargecloud.storage.writes import Stamp, Writes

T = TypeVar("T")

#: a transaction holds its lock for as long as it takes to write these: about 50 ms
MOST_DECISIONS_A_COMMIT = 2_000
#: about a second of work; beyond it a request is refused rather than kept waiting
MOST_WAITING = 20_000

#: a commit that takes longer is in trouble, whatever comes of it: what need not wait, does not
LONGEST_COMMIT_S = 5.0
#: how often a transaction is tried while another process goes on with this node's chains: one that
#: was taken for dead has a commit left at the most
MOST_MOVED = 8

#: the database's own troubles, if they did not pass.  They may have ended the transaction, or
#: come after its commit, so that nothing may be tried again: all of the batch fails with them,
#: and the places in the log that it was given stay empty
TROUBLES = (OperationalError, InternalError, InterfaceError)


@define
class _Waiting:
    """A decision, or a function of the connection, and who waits for it."""

    work: Decision | Callable[[Connection], Any]
    done: "Deferred[Any]"


def _trouble_after(results: Sequence[Any], before: str | None) -> str | None:
    """What keeps the database from being written, by what became of a batch; one of which
    nothing was committed for its own faults tells nothing of the database."""
    for result in results:
        if not isinstance(result, Failure):
            return None
        if isinstance(result.value, TROUBLES):
            return f"the database cannot be written: {result.value.orig}"
    return before


@define(eq=False)
class Writer:
    """
    The one who writes; on SQLite there is exactly one in the world.

    @ivar on_commit: called (in the reactor's thread) after a commit that appended to the
        event log.
    @ivar on_batch: called after each try to commit, with the number of its decisions and
        the seconds that it took.
    @ivar closed: set when the service stops: whoever comes then is told so at once.
    """

    transactions: Transactions
    runner: Runner
    calendar: Calendar
    node: int
    on_commit: list[Callable[[], None]] = field(factory=list)
    on_batch: list[Callable[[int, float], None]] = field(factory=list)
    closed: bool = False
    _trouble: str | None = field(default=None, init=False)
    _began_s: float = field(default=0.0, init=False)
    _waiting: deque[_Waiting] = field(factory=deque, init=False)
    _committing: bool = field(default=False, init=False)
    _idle: "list[Deferred[None]]" = field(factory=list, init=False)
    _writes: Writes = field(init=False)
    _chains: Chains = field(init=False)
    _seq: int = field(default=0, init=False)

    @_writes.default
    def _new_writes(self) -> Writes:
        return Writes(self.transactions.engine.dialect)

    @_chains.default
    def _new_chains(self) -> Chains:
        return Chains(self.node, self.transactions.engine.dialect)

    def open(self, connection: Connection) -> None:
        """Learn where the log ends; called before the first decision."""
        last = select(func.max(event_log.c.seq)).where(event_log.c.node == self.node)
        self._seq = connection.execute(last).scalar() or 0

    def decide(self, decision: Decision) -> "Deferred[None]":
        """
        Commit a decision; fires when it is on the disk.

        Fails with L{Stale} if a guard of it missed, and with L{Overloaded} if too much
        waits already; in both cases nothing of it was written.
        """
        return self._submit(decision)

    def transact(self, work: Callable[[Connection], T]) -> "Deferred[T]":
        """Run a function in a transaction of its own and fire with its result."""
        return self._submit(work)

    def idle(self) -> "Deferred[None]":
        """Fires when nothing waits any more."""
        if not self._committing and not self._waiting:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._idle.append(done)
        return done

    @property
    def trouble(self) -> str | None:
        """What keeps the database from being written: as of the last try that tells, or of the
        present one if that takes too long."""
        if self._trouble is None and self._committing:
            since_s = monotonic() - self._began_s
            if since_s > LONGEST_COMMIT_S:
                return f"the database has not answered for {since_s:.0f} s"
        return self._trouble

    @property
    def seq(self) -> int:
        """The last place in the event log that this node has written."""
        return self._seq

    @property
    def waiting(self) -> int:
        """How many decisions wait."""
        return len(self._waiting)

    def _submit(self, work: Any) -> "Deferred[Any]":
        done: Deferred[Any] = Deferred()
        if self.closed:
            done.errback(Overloaded("the database is closed"))
            return done
        if len(self._waiting) >= MOST_WAITING:
            done.errback(Overloaded("too many changes wait for the database"))
            return done
        self._waiting.append(_Waiting(work, done))
        if not self._committing:
            self._commit_next()
        return done

    def _commit_next(self) -> None:
        batch = self._take()
        if not batch:
            return
        self._committing = True
        stamp = Stamp(
            self.node,
            self._seq,
            self.calendar.now(),
            self.transactions.new_id,
            Growing(self._chains),
        )
        began_s = self._began_s = monotonic()
        committed = self.runner.run(lambda: self._commit(batch, stamp))
        committed.addErrback(lambda failure: [failure] * len(batch))
        committed.addCallback(self._committed, batch, stamp, began_s)

    def _take(self) -> list[_Waiting]:
        """The decisions that wait, up to the first function, or one function alone."""
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < MOST_DECISIONS_A_COMMIT:
            if not isinstance(self._waiting[0].work, Decision):
                return batch or [self._waiting.popleft()]
            batch.append(self._waiting.popleft())
        return batch

    def _committed(
        self, results: list[Any], batch: list[_Waiting], stamp: Stamp, began_s: float
    ) -> None:
        for told in self.on_batch:
            told(len(batch), monotonic() - began_s)
        self._trouble = _trouble_after(results, self._trouble)
        # places in the log that were given in vain are news to nobody: a follower that found
        # nothing there to write down would take the trouble for gone
        logged = stamp.seq > self._seq and self._trouble is None
        self._seq = stamp.seq
        self._committing = False
        # start on what came meanwhile before anybody hears, as they may bring more
        self._commit_next()
        for waiting, result in zip(batch, results, strict=True):
            if isinstance(result, Failure):
                waiting.done.errback(result)
            else:
                waiting.done.callback(result)
        if logged:
            for listener in self.on_commit:
                listener()
        # those who heard may have decided more: idle it is when they have not
        if not self._committing and not self._waiting:
            idle, self._idle = self._idle, []
            for done in idle:
                done.callback(None)

    # ------------------------------------------------------------- in the writer's thread

    def _commit(self, batch: Sequence[_Waiting], stamp: Stamp) -> list[Any]:
        work = batch[0].work
        if not isinstance(work, Decision):
            return [self.transactions.run(work)]
        decisions = [waiting.work for waiting in batch if isinstance(waiting.work, Decision)]
        before = stamp.mark()
        for _ in range(MOST_MOVED - 1):
            with suppress(ChainMoved):
                return self._known_after(decisions, stamp)
            stamp.rewind(before)
        return self._known_after(decisions, stamp)

    def _known_after(self, decisions: Sequence[Decision], stamp: Stamp) -> list[Any]:
        """Commit them, and know where the chains end then."""
        try:
            results = self._tried(decisions, stamp)
        except (*TROUBLES, ChainMoved):
            # nobody knows what is committed: the database is asked again
            self._chains.known.clear()
            raise
        stamp.chains.committed()
        return results

    def _tried(self, decisions: Sequence[Decision], stamp: Stamp) -> list[Any]:
        before = stamp.mark()

        def together(connection: Connection) -> list[Any]:
            stamp.rewind(before)
            self._writes.apply(connection, decisions, stamp)
            return [None] * len(decisions)

        def apart(connection: Connection) -> list[Any]:
            stamp.rewind(before)
            return self._halved(connection, decisions, stamp)

        try:
            return self.transactions.run(together)
        except (*TROUBLES, ChainMoved):
            raise
        except Exception:
            if len(decisions) == 1:
                stamp.rewind(before)
                return [Failure()]
            return self.transactions.run(apart)

    def _apart(
        self, connection: Connection, decisions: Sequence[Decision], stamp: Stamp
    ) -> list[Any]:
        before = stamp.mark()
        savepoint = connection.begin_nested()
        try:
            self._writes.apply(connection, decisions, stamp)
        except (*TROUBLES, ChainMoved):
            # they may have ended the transaction, and the savepoint with it
            raise
        except Exception:
            savepoint.rollback()
            stamp.rewind(before)
            if len(decisions) == 1:
                return [Failure()]
            return self._halved(connection, decisions, stamp)
        savepoint.commit()
        return [None] * len(decisions)

    def _halved(
        self, connection: Connection, decisions: Sequence[Decision], stamp: Stamp
    ) -> list[Any]:
        middle = len(decisions) // 2
        return [
            *self._apart(connection, decisions[:middle], stamp),
            *self._apart(connection, decisions[middle:], stamp),
        ]
