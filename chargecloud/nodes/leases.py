"""Work that one node at a time may do, shared out among those that do such work.

A lease counts its renewals: one that stays the same for a lease's length of our own time has
lost its holder, whatever the clocks say.  Each node takes its share and no more, and gives up
what is beyond it, so that a node that comes gets some and the share of one that goes is taken.
What the work changes must stand two nodes that are at it for a moment.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from twisted.application.internet import TimerService
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, inlineCallbacks, maybeDeferred
from twisted.logger import Logger

from chargecloud.storage.schema import work_leases
from chargecloud.storage.store import Store

LEASE_S = 15.0
RENEW_S = 3.0


@define
class _Seen:
    node: int
    renewals: int
    since_s: float


@define(eq=False)
class Work:
    """
    Something that one node at a time does.

    @ivar start: begin.
    @ivar stop: end; what it returns is waited for before anybody else may begin.
    """

    start: Callable[[], Any]
    stop: Callable[[], Any]


class Leases(MultiService):
    """Takes this node's share of the work.

    @ivar held: what this node does now.
    """

    def __init__(self, store: Store, reactor: Any, works: Mapping[str, Work]) -> None:
        super().__init__()
        self.held: set[str] = set()
        self._store = store
        self._reactor = reactor
        self._works = dict(works)
        self._seen: dict[str, _Seen] = {}
        renewing = TimerService(RENEW_S, self._renew)
        renewing.clock = reactor
        renewing.setServiceParent(self)

    _log = Logger()

    @inlineCallbacks
    def stopService(self) -> Any:
        """End the work, and leave it to others."""
        yield super().stopService()
        yield self._give_up(sorted(self.held))

    @inlineCallbacks
    def _renew(self) -> Any:
        try:
            lost, gained, surplus = yield self._store.writer.transact(self._look)
        except Exception:
            # nobody else could write meanwhile, either
            self._log.failure("leases of work could not be renewed")
            self._seen = {}
            return
        for name in lost:
            self._log.warn("another node does {name} now", name=name)
            yield self._end(name)
        yield self._give_up(surplus)
        if self.running:
            yield self._begin(gained)

    def _look(self, connection: Connection) -> tuple[list[str], list[str], list[str]]:
        """Renew what is held; what was lost, what was gained, and what is too much."""
        now_s, node = self._reactor.seconds(), self._store.node
        rows = {row.name: row for row in connection.execute(select(work_leases))}
        lost = [name for name in self.held if name not in rows or rows[name].node != node]
        mine = [name for name in sorted(self.held) if name not in lost]
        for name in mine:
            renewed = connection.execute(
                update(work_leases)
                .where(work_leases.c.name == name, work_leases.c.node == node)
                .values(renewals=work_leases.c.renewals + 1)
            )
            if renewed.rowcount != 1:
                lost.append(name)
        share = self._share()
        surplus = [name for name in mine if name not in lost][share:]
        room = share - (len(mine) - len(surplus))
        gained: list[str] = []
        for name in self._works:
            is_free = name not in self.held and self._is_free(name, rows.get(name), now_s)
            if is_free and len(gained) < room and self._claim(connection, name, rows.get(name)):
                gained.append(name)
        return lost, gained, surplus

    def _share(self) -> int:
        workers = len(self._store.roster.doing("worker")) or 1
        return -(-len(self._works) // workers)

    def _is_free(self, name: str, row: Any, now_s: float) -> bool:
        if row is None or row.node == self._store.node:
            return True
        seen = self._seen.get(name)
        if seen is None or (seen.node, seen.renewals) != (row.node, row.renewals):
            self._seen[name] = _Seen(row.node, row.renewals, now_s)
            return False
        return now_s - seen.since_s >= LEASE_S

    def _claim(self, connection: Connection, name: str, row: Any) -> bool:
        node = self._store.node
        if row is None:
            try:
                with connection.begin_nested():
                    connection.execute(insert(work_leases).values(name=name, node=node, renewals=0))
            except IntegrityError:
                return False
            return True
        claimed = connection.execute(
            update(work_leases)
            .where(
                work_leases.c.name == name,
                work_leases.c.node == row.node,
                work_leases.c.renewals == row.renewals,
            )
            .values(node=node, renewals=row.renewals + 1)
        )
        return claimed.rowcount == 1

    @inlineCallbacks
    def _begin(self, names: Sequence[str]) -> Any:
        """What cannot be begun here is left to whoever can: what is held is renewed all the
        same."""
        failed: list[str] = []
        for name in names:
            self.held.add(name)
            try:
                self._works[name].start()
            except Exception:
                self._log.failure("{name} could not be begun", name=name)
                failed.append(name)
        yield self._give_up(failed)

    @inlineCallbacks
    def _end(self, name: str) -> Any:
        self.held.discard(name)
        try:
            yield maybeDeferred(self._works[name].stop)
        except Exception:
            self._log.failure("{name} did not end well", name=name)

    @inlineCallbacks
    def _give_up(self, names: Sequence[str]) -> Any:
        for name in names:
            yield self._end(name)
        if not names:
            return

        def forget(connection: Connection) -> None:
            mine = work_leases.c.node == self._store.node
            connection.execute(delete(work_leases).where(work_leases.c.name.in_(names), mine))

        forgotten: Deferred[Any] = self._store.writer.transact(forget)
        try:
            yield forgotten
        except Exception:
            # others find out that nobody renews it
            self._log.failure("leases of work could not be given back")
