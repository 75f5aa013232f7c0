"""The event log, read: by followers from where their cursors stand."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import frozen
from sqlalchemy import Connection, bindparam, func, insert, select, update

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


def read_after(
    connection: Connection, seen: Mapping[int, int], end: Mapping[int, int]
) -> Sequence[Logged]:
    """
    Entries that come after the given places, some at a time, in each node's order.

    @param end: of the log, by node (L{log_end}): where nothing is new, nothing is read.
    """
    found: list[Logged] = []
    for node, last in end.items():
        first, room = seen.get(node, 0), MOST_ENTRIES_AT_ONCE - len(found)
        if last <= first or not room:
            continue
        for row in connection.execute(_LATER, {"of": node, "first": first, "most": room}):
            entry = LogEntry(row.kind, row.tenant_id, row.body, row.charger_id, row.order_id)
            found.append(Logged(node, row.seq, row.at, entry))
    return found


def log_end(connection: Connection) -> dict[int, int]:
    """Where the log ends, by node: each found by a step through the key.  A DISTINCT reads all of
    the log, and so does MariaDB where the steps are one recursive statement (0.7 s in 400,000
    entries)."""
    ends: dict[int, int] = {}
    node = connection.execute(_FIRST_NODE).scalar()
    while node is not None:
        ends[node] = connection.execute(_LAST_OF, {"of": node}).scalar() or 0
        node = connection.execute(_NEXT_NODE, {"of": node}).scalar()
    return ends


_FIRST_NODE = select(func.min(event_log.c.node))
_NEXT_NODE = _FIRST_NODE.where(event_log.c.node > bindparam("of"))
_LAST_OF = select(func.max(event_log.c.seq)).where(event_log.c.node == bindparam("of"))
_LATER = (
    select(event_log)
    .where(event_log.c.node == bindparam("of"), event_log.c.seq > bindparam("first"))
    .order_by(event_log.c.seq)
    .limit(bindparam("most"))
)
