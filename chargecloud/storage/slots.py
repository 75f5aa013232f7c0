"""Node slots: the number of a process among all that share the database.

It is in the ids that the process makes, it is the process's place in the event log, and it is
what chargers say where they are.  So a slot that was not given back is taken over late, and
only by its clock's word; that its holder is gone is found out sooner, without comparing
clocks (L{chargecloud.storage.roster}).
"""

from sqlalchemy import Connection, insert, select, update

from chargecloud.domain.errors import Overloaded
from chargecloud.storage.ids import SLOTS
from chargecloud.storage.schema import node_slots

LEASE_S = 30
#: renewed so often that some renewals may fail before the lease runs out
RENEW_S = 5
#: ids that were borrowed from the milliseconds to come are ahead of the clock, and clocks of two
#: nodes may differ, by this much
MARGIN_S = 10
#: a slot that was not given back stays its holder's for longer than a database is away
KEPT_S = 600

#: what parts an installation's name from the process that runs it
_SEP = ":"


def lease_slot(
    connection: Connection,
    holder: str,
    now_s: float,
    *,
    preferred: int | None = None,
    roles: str = "",
) -> int:
    """
    Lease a free slot: the preferred one, or the lowest.

    An installation that was killed has its slot back at once: it is the only one that may use
    its folder, and so its process before is gone.

    @param holder: unique to the process: C{"installation:process"}, or any text without a colon.
    @param now_s: Unix time.
    @raise Overloaded: if all slots are taken.
    """
    now_ms = int(now_s * 1000)
    found = select(node_slots).order_by(node_slots.c.slot)
    taken = {row.slot: row for row in connection.execute(found)}
    values = {
        "holder": holder,
        "leased_until_ms": now_ms + LEASE_S * 1000,
        "roles": roles,
        "draining": False,
    }
    installation, is_one, _process = holder.partition(_SEP)
    mine = [
        slot for slot, row in taken.items() if is_one and row.holder.startswith(installation + _SEP)
    ]
    wanted = [] if preferred is None else [preferred]
    slot: int
    for slot in (*mine, *wanted, *range(SLOTS)):
        row = taken.get(slot)
        if row is None:
            connection.execute(insert(node_slots).values(slot=slot, **values))
            return slot
        if slot in mine or _is_free(row.holder, row.leased_until_ms, now_ms):
            # another process may have seen the same, and have been quicker
            as_seen = (
                node_slots.c.slot == slot,
                node_slots.c.holder == row.holder,
                node_slots.c.leased_until_ms == row.leased_until_ms,
            )
            taken_over = connection.execute(update(node_slots).where(*as_seen).values(**values))
            if taken_over.rowcount == 1:
                return slot
    raise Overloaded(f"all {SLOTS} node slots are leased")


def _is_free(holder: str, leased_until_ms: int, now_ms: int) -> bool:
    kept_s = 0 if is_given_back(holder) else KEPT_S
    return leased_until_ms + (kept_s + MARGIN_S) * 1000 < now_ms


def is_given_back(holder: str) -> bool:
    """Whether nobody has a slot any more: what is left is the installation that had it."""
    return holder == "" or holder.endswith(_SEP)


def renew_slot(connection: Connection, slot: int, holder: str, now_s: float) -> bool:
    """Lease it for longer; false if somebody else holds it by now."""
    renewed = connection.execute(
        update(node_slots)
        .where(node_slots.c.slot == slot, node_slots.c.holder == holder)
        .values(leased_until_ms=int((now_s + LEASE_S) * 1000))
    )
    return renewed.rowcount == 1


def release_slot(connection: Connection, slot: int, holder: str, now_s: float) -> None:
    """Give it back: whoever comes next need not wait until it is sure that nobody has it, and
    the same installation not even for the margin."""
    installation, sep, _process = holder.rpartition(_SEP)
    connection.execute(
        update(node_slots)
        .where(node_slots.c.slot == slot, node_slots.c.holder == holder)
        .values(leased_until_ms=int(now_s * 1000), holder=installation + sep)
    )
