"""Which nodes live: found out by watching their leases, without comparing clocks.

A node renews its lease every few seconds.  One whose lease stays the same for a lease's length
of *our* time, in which we could read it, is gone; that nobody could write while the database
was away says nothing of anybody.
"""

from collections.abc import Collection
from typing import Any

from attrs import define, field, frozen
from sqlalchemy import Connection, select

from chargecloud.storage.schema import node_slots
from chargecloud.storage.slots import LEASE_S, is_given_back

#: what passes unseen between two looks that are further apart than this counts for nobody's end
UNSEEN_S = LEASE_S / 2
#: what a process may do
ROLES = ("gateway", "web", "worker")


@frozen
class Node:
    """
    A process that shares the database.

    @ivar roles: what it does: C{"gateway"}, C{"web"}, C{"worker"}.
    @ivar is_draining: whether it has been told to leave.
    """

    slot: int
    holder: str
    leased_until_ms: int
    roles: frozenset[str]
    is_draining: bool


def read_nodes(connection: Connection) -> list[Node]:
    """All that have not given their slot back, living or not."""
    found = select(node_slots).order_by(node_slots.c.slot)
    return [_read(row) for row in connection.execute(found) if not is_given_back(row.holder)]


def _read(row: Any) -> Node:
    roles = frozenset(row.roles.split())
    return Node(row.slot, row.holder, row.leased_until_ms, roles, row.draining)


@define(eq=False)
class Roster:
    """
    @ivar slot: of this node.
    @ivar nodes: those that live, by slot, as of the last look; this one is among them, looked
        for or not.
    """

    slot: int
    nodes: dict[int, Node] = field(factory=dict, init=False)
    #: what was seen of each lease, and since when it has been so
    _seen: dict[int, tuple[str, int, float]] = field(factory=dict, init=False)
    _looked_s: float = field(default=0.0, init=False)

    def look(self, found: Collection[Node], now_s: float) -> None:
        """The leases were read.

        @param now_s: of the reactor's clock.
        """
        if now_s - self._looked_s > UNSEEN_S:
            # we were held up, and others perhaps with us
            self.blind(now_s)
        seen = {}
        for node in found:
            lease = (node.holder, node.leased_until_ms)
            before = self._seen.get(node.slot)
            is_same = before is not None and before[:2] == lease
            seen[node.slot] = (*lease, before[2] if is_same and before else now_s)
        self._seen, self._looked_s = seen, now_s
        self.nodes = {node.slot: node for node in found if now_s - seen[node.slot][2] < LEASE_S}

    def blind(self, now_s: float) -> None:
        """The leases could not be read: what was not seen for so long counts for nobody's end."""
        self._looked_s = now_s
        self._seen = {slot: (*seen[:2], now_s) for slot, seen in self._seen.items()}

    @property
    def live(self) -> frozenset[int]:
        """The slots of those that live."""
        return frozenset({*self.nodes, self.slot})

    def doing(self, role: str) -> list[int]:
        """The slots of those that live and have a role, in order."""
        return sorted(slot for slot, node in self.nodes.items() if role in node.roles)
