"""Node slots: which ten bits a process may put into its ids.

A slot is leased in the database.  It is taken over only after its lease has run out by a
margin, so that two processes never make ids in one slot, even with clocks that differ a
little.
"""

from sqlalchemy import Connection, insert, select, update

from chargecloud.domain.errors import Overloaded
from chargecloud.storage.ids import SLOTS
from chargecloud.storage.schema import node_slots

LEASE_S = 60
#: renewed so often that two renewals may fail before the lease runs out
RENEW_S = 15
#: clocks of two nodes may differ by this much
MARGIN_S = 10


def lease_slot(connection: Connection, holder: str, now_s: float) -> int:
    """
    Lease the lowest free slot.

    @param holder: unique to the process.
    @param now_s: Unix time.
    @raise Overloaded: if all slots are taken.
    """
    now_ms = int(now_s * 1000)
    taken = {
        row.slot: row.leased_until_ms
        for row in connection.execute(select(node_slots).order_by(node_slots.c.slot))
    }
    values = {"holder": holder, "leased_until_ms": now_ms + LEASE_S * 1000}
    for slot in range(SLOTS):
        if slot not in taken:
            connection.execute(insert(node_slots).values(slot=slot, **values))
            return slot
        if taken[slot] + MARGIN_S * 1000 < now_ms:
            # another process may have seen the same, and have been quicker
            as_seen = (node_slots.c.slot == slot, node_slots.c.leased_until_ms == taken[slot])
            taken_over = connection.execute(update(node_slots).where(*as_seen).values(**values))
            if taken_over.rowcount == 1:
                return slot
    raise Overloaded(f"all {SLOTS} node slots are leased")


def renew_slot(connection: Connection, slot: int, holder: str, now_s: float) -> bool:
    """Lease it for longer; false if somebody else holds it by now."""
    renewed = connection.execute(
        update(node_slots)
        .where(node_slots.c.slot == slot, node_slots.c.holder == holder)
        .values(leased_until_ms=int((now_s + LEASE_S) * 1000))
    )
    return renewed.rowcount == 1


def release_slot(connection: Connection, slot: int, holder: str, now_s: float) -> None:
    """Give it back: the next process need not wait for the lease to run out.

    The margin stays, as ids that borrowed from the future are ahead of the clock.
    """
    connection.execute(
        update(node_slots)
        .where(node_slots.c.slot == slot, node_slots.c.holder == holder)
        .values(leased_until_ms=int(now_s * 1000))
    )
