"""The event log, read: by followers from where their cursors stand."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import frozen
from sqlalchemy import Connection, Select, bindparam, func, insert, select, update

from chargecloud.domain.decision import LogEntry, Stale
from chargecloud.storage.schema import cursors, event_log

#: entries in one transaction of a follower: some milliseconds of the writer's time
MOST_ENTRIES_AT_ONCE = 500


@frozen
class Logged:
    """An entry with its place in the log."""

    node: int
    seq: int
    at: datetime
    entry: LogEntry


def read_cursors(connection: Connection, follower: str) -> dict[int, int]:
    """How far a follower has come, by node."""
    found = select(cursors.c.node, cursors.c.seq).where(cursors.c.follower == follower)
    return {row.node: row.seq for row in connection.execute(found)}


def move_cursors(
    connection: Connection, follower: str, seen: Mapping[int, int], moved: Mapping[int, int]
) -> None:
    """
    Write down how far a follower has come.

    @param seen: from where, by node.
    @raise Stale: if the same follower of another process has moved them meanwhile; so it does
        if that has made the first of one, but as a breach of the table's key.
    """
    for node, seq in moved.items():
        if node not in seen:
            connection.execute(insert(cursors).values(follower=follower, node=node, seq=seq))
            continue
        mine = (cursors.c.follower == follower, cursors.c.node == node)
        at = cursors.c.seq == seen[node]
        if connection.execute(update(cursors).where(*mine, at).values(seq=seq)).rowcount != 1:
            raise Stale(cursors.name)


def read_after(connection: Connection, seen: Mapping[int, int]) -> Sequence[Logged]:
    """Entries that come after the given places, some at a time, in each node's order."""
    found: list[Logged] = []
    for end in connection.execute(_ENDS).all():
        first, room = seen.get(end.node, 0), MOST_ENTRIES_AT_ONCE - len(found)
        if end.seq <= first or not room:
            continue
        for row in connection.execute(_LATER, {"of": end.node, "first": first, "most": room}):
            entry = LogEntry(row.kind, row.tenant_id, row.body, row.charger_id, row.order_id)
            found.append(Logged(end.node, row.seq, row.at, entry))
    return found


def log_end(connection: Connection) -> dict[int, int]:
    """Where the log ends, by node."""
    return {end.node: end.seq for end in connection.execute(_ENDS)}


def _ends() -> Select[tuple[int, int]]:
    """The nodes in the log, each found by a step through the key, with its last entry: a
    DISTINCT reads all of the log (25 ms in a million entries, for each follower)."""
    nodes = select(func.min(event_log.c.node).label("node")).cte("nodes", recursive=True)
    later = select(func.min(event_log.c.node)).where(event_log.c.node > nodes.c.node)
    nodes = nodes.union_all(select(later.scalar_subquery()).where(nodes.c.node.is_not(None)))
    ends = select(func.max(event_log.c.seq)).where(event_log.c.node == nodes.c.node)
    last = ends.scalar_subquery().label("seq")
    return select(nodes.c.node, last).where(nodes.c.node.is_not(None))


_ENDS = _ends()
_LATER = (
    select(event_log)
    .where(event_log.c.node == bindparam("of"), event_log.c.seq > bindparam("first"))
    .order_by(event_log.c.seq)
    .limit(bindparam("most"))
)
