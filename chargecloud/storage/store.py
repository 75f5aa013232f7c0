"""The store: one object behind which the database is, with its threads."""

from collections.abc import Callable, Collection
from typing import Any, TypeVar
from uuid import uuid4

from attrs import define
from sqlalchemy import Connection, Engine
from twisted.application.internet import TimerService
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.storage.breathing import Breathing
from chargecloud.storage.engine import READERS, for_writing
from chargecloud.storage.ids import Ids
from chargecloud.storage.roster import Node, Roster, read_nodes
from chargecloud.storage.slots import RENEW_S, lease_slot, release_slot, renew_slot
from chargecloud.storage.threads import Runner, Threads
from chargecloud.storage.transactions import Transactions, reading
from chargecloud.storage.writer import Writer

T = TypeVar("T")


@define(eq=False)
class Store:
    """
    @ivar ids: makes the ids of new rows.
    @ivar writer: for everything that changes.
    @ivar roster: the nodes that live.
    """

    engine: Engine
    ids: Ids
    writer: Writer
    readers: Runner
    roster: Roster

    @property
    def node(self) -> int:
        """The number of this process among all that share the database."""
        return self.ids.slot

    def read(self, work: Callable[[Connection], T]) -> "Deferred[T]":
        """Run a function that only reads, and fire with its plain result."""

        return self.readers.run(lambda: reading(self.engine, work))

    @classmethod
    def open(
        cls,
        engine: Engine,
        *,
        clock: IReactorTime,
        calendar: Calendar,
        slot: int,
        writing: Runner,
        reading: Runner,
    ) -> "Store":
        """A store over a database that is up to date."""
        ids = Ids(clock.seconds, slot)
        transactions = Transactions(for_writing(engine), slot, ids.next)
        writer = Writer(transactions, writing, calendar, slot)
        with engine.connect() as connection:
            writer.open(connection)
        return cls(engine, ids, writer, reading, Roster(slot))


class StoreService(MultiService):
    """Runs a store with its threads: leases the node's slot, watches those of the others, and
    on the way out writes what still waits.

    @ivar drained: called once, when somebody has told this node to leave.
    @ivar looked: called when the nodes that live have been looked for.
    """

    def __init__(
        self,
        engine: Engine,
        reactor: Any,
        calendar: Calendar,
        *,
        installation: str,
        preferred: int | None = None,
        roles: Collection[str] = (),
    ) -> None:
        """
        @param installation: what no two processes have at the same time: their folder.
        @param preferred: the slot to lease, if it is free.
        """
        super().__init__()
        self.drained: Callable[[], None] = lambda: None
        self.looked: list[Callable[[], None]] = []
        self._was_told = False
        self._reactor: IReactorTime = reactor
        self._holder = f"{installation}:{uuid4().hex[:16]}"
        with for_writing(engine).begin() as connection:
            self._slot = lease_slot(
                connection,
                self._holder,
                reactor.seconds(),
                preferred=preferred,
                roles=" ".join(roles),
            )
        threads: IReactorFromThreads = reactor
        self._writing = Threads(threads, 1, "database writer")
        self._reading = Threads(threads, READERS, "database readers")
        self.store = Store.open(
            engine,
            clock=reactor,
            calendar=calendar,
            slot=self._slot,
            writing=self._writing,
            reading=self._reading,
        )
        with engine.connect() as connection:
            self.store.roster.look(read_nodes(connection), reactor.seconds())
        self._breathing = Breathing(
            reactor, lambda: self._writing.are_at_work or self._reading.are_at_work
        )
        self._breathing.start()
        renewing = TimerService(RENEW_S, self._renew)
        renewing.clock = reactor
        renewing.setServiceParent(self)

    _log = Logger()

    def _renewal(self, connection: Connection) -> list[Node] | None:
        now_s = self._reactor.seconds()
        if not renew_slot(connection, self._slot, self._holder, now_s):
            return None
        return read_nodes(connection)

    @inlineCallbacks
    def _renew(self) -> Any:
        try:
            nodes = yield self.store.writer.transact(self._renewal)
        except Exception:
            # the lease outlasts some failures; the next renewal may succeed
            self._log.failure("the node slot could not be renewed")
            self.store.roster.blind(self._reactor.seconds())
            return
        if nodes is None:
            self._log.critical("node slot {slot} was lost: stopping", slot=self._slot)
            self._reactor.stop()  # type: ignore[attr-defined]
            return
        self.store.roster.look(nodes, self._reactor.seconds())
        for tell in self.looked:
            tell()
        me = self.store.roster.nodes[self._slot]
        if me.is_draining and not self._was_told:
            self._was_told = True
            self.drained()

    @inlineCallbacks
    def stopService(self) -> Any:
        """Write what waits, give the slot back, end the threads."""
        yield super().stopService()
        yield self.store.writer.idle()
        try:
            yield self.store.writer.transact(
                lambda connection: release_slot(
                    connection, self._slot, self._holder, self._reactor.seconds()
                )
            )
        except Exception:
            # its lease will run out; threads that go on would keep the process from ending
            self._log.failure("the node slot could not be given back")
        self.store.writer.closed = True
        self._writing.stop()
        self._reading.stop()
        self._breathing.stop()
        self.store.engine.dispose()
