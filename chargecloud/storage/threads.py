"""Threads for what blocks: the database's driver."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from chargecloud.domain.errors import Overloaded

T = TypeVar("T")


class Runner(Protocol):
    """Runs blocking work and fires with its result: threads in service, and the calling
    thread itself where a test wants everything in step."""

    def run(self, work: Callable[[], T]) -> "Deferred[T]":
        """Run it and fire with its plain result; a live row or connection never leaves."""


#: work that waits for a thread: some seconds of reading; beyond it, whoever asks is told so
MOST_WAITING = 5_000


@define(eq=False)
class Threads:
    """
    A pool of its own, so that slow work elsewhere cannot keep the database waiting.

    @ivar size: how many threads.
    @ivar name: of them, for those who look at the process.
    """

    reactor: IReactorFromThreads
    size: int
    name: str
    _pool: ThreadPoolExecutor = field(init=False)
    _waiting: int = field(default=0, init=False)
    _is_over: bool = field(default=False, init=False)

    @_pool.default
    def _new_pool(self) -> ThreadPoolExecutor:
        # Twisted's pool has each piece of work go through a coordinator: 66 µs of a processor
        # where this takes 46, and of the reactor's thread 28 and 21
        return ThreadPoolExecutor(self.size, thread_name_prefix=self.name)

    def run(self, work: Callable[[], T]) -> "Deferred[T]":
        """Run it in a thread; fails with L{Overloaded} if too much waits already, or when it is
        over."""
        if self._is_over:
            return fail(Overloaded("the database is closed"))
        if self._waiting >= MOST_WAITING:
            return fail(Overloaded("too much waits for the database"))
        self._waiting += 1
        done: Deferred[T] = Deferred()
        self._pool.submit(self._work, work, done)
        return done.addBoth(self._done)

    def _work(self, work: Callable[[], T], done: "Deferred[T]") -> None:
        try:
            result = work()
        except BaseException:
            self.reactor.callFromThread(done.errback, Failure())
        else:
            self.reactor.callFromThread(done.callback, result)

    @property
    def are_at_work(self) -> bool:
        """Whether one has something to do."""
        return self._waiting > 0

    def _done(self, result: Any) -> Any:
        self._waiting -= 1
        return result

    def stop(self) -> None:
        """Wait for the threads to finish what they do; what waits is still done."""
        self._is_over = True
        self._pool.shutdown()
