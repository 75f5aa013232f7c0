"""Threads for what blocks: the database's driver."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")


class Runner(Protocol):
    """Runs blocking work and fires with its result: threads in service, and the calling
    thread itself where a test wants everything in step."""

    def run(self, work: Callable[[], T]) -> "Deferred[T]":
        """Run it and fire with its plain result; a live row or connection never leaves."""


@define
class Threads:
    """A pool of its own, so that slow work elsewhere cannot keep the database waiting."""

    reactor: IReactorFromThreads
    _pool: ThreadPool

    @classmethod
    def start(cls, reactor: IReactorFromThreads, size: int, name: str) -> "Threads":
        """A pool of that many threads, running."""
        pool = ThreadPool(minthreads=size, maxthreads=size, name=name)
        pool.start()
        return cls(reactor, pool)

    def run(self, work: Callable[[], T]) -> "Deferred[T]":
        """Run it in a thread."""
        return deferToThreadPool(self.reactor, self._pool, work)

    def stop(self) -> None:
        """Wait for the threads to finish what they do; what waits is still done."""
        self._pool.stop()
