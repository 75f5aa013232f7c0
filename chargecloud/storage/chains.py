"""The chains of postings that this node goes on with (L{chargecloud.domain.chain}).

What is known of them here is a copy of what the database has: their ends are moved in the
transaction that appends to them, on the condition that they are still where they were.  So of two
processes that take themselves for the same node, one misses and looks again, and no chain forks.
"""

from collections.abc import Mapping
from typing import Any

from attrs import define, field
from sqlalchemy import Connection, Dialect, insert, select, update
from sqlalchemy.exc import IntegrityError

from chargecloud.domain.chain import Head, chained
from chargecloud.domain.ledger import Post
from chargecloud.storage.many import Given, Many, changing
from chargecloud.storage.schema import ledger_heads


class ChainMoved(Exception):
    """Another process went on with a chain of this node; nothing of the transaction may stay."""


@define
class Chains:
    """
    @ivar known: where the chains end, by tenant, as far as this process has committed it; what is
        not there is read from the database.
    """

    node: int
    dialect: Dialect
    known: dict[int, Head] = field(factory=dict, init=False)
    _moving: Many | None = field(default=None, init=False)

    def move(
        self, connection: Connection, before: Mapping[int, Head], after: Mapping[int, Head]
    ) -> None:
        """
        Write down where chains end that have grown.

        @raise ChainMoved: if one of them does not end any more where it did.
        """
        moved = []
        for tenant_id in sorted(after):
            row: dict[str, Any] = {
                "of_tenant_id": tenant_id,
                "of_node": self.node,
                "old_seq": before[tenant_id].seq,
                "new_seq": after[tenant_id].seq,
                "new_digest": after[tenant_id].digest,
            }
            if before[tenant_id].seq:
                moved.append(row)
            else:
                self._open(connection, row)
        if moved:
            self._moving = self._moving or _moving(self.dialect)
            if self._moving.run(connection, moved) != len(moved):
                raise ChainMoved(f"the ledger of node {self.node} was written by another process")

    def _open(self, connection: Connection, row: Mapping[str, Any]) -> None:
        values = {"tenant_id": row["of_tenant_id"], "node": self.node}
        values |= {"seq": row["new_seq"], "digest": row["new_digest"]}
        try:
            connection.execute(insert(ledger_heads).values(values))
        except IntegrityError as error:
            raise ChainMoved(f"another process began a ledger of node {self.node}") from error


@define
class Growing:
    """
    Chains within a transaction, which may come to nothing.

    @ivar heads: where they end, by tenant.
    @ivar written: where they end as far as that is written down.
    """

    chains: Chains
    heads: dict[int, Head] = field(factory=dict)
    written: dict[int, Head] = field(factory=dict)

    def copy(self) -> "Growing":
        """As they are now, to come back to."""
        return Growing(self.chains, dict(self.heads), dict(self.written))

    def append(
        self, connection: Connection, post: Post, posting_id: int, at_ms: int
    ) -> Mapping[str, Any]:
        """The columns of a posting that say where it is in its chain."""
        tenant_id, node = post.debit.tenant_id, self.chains.node
        before = self.heads.get(tenant_id) or self._found(connection, tenant_id)
        seq = before.seq + 1
        digest = chained(
            before.digest,
            tenant_id,
            node,
            seq,
            posting_id,
            at_ms,
            (post.debit.kind, post.debit.owner_id),
            (post.credit.kind, post.credit.owner_id),
            post.amount_fen,
            post.cause,
            post.reference_id,
        )
        self.heads[tenant_id] = Head(seq, digest)
        return {"node": node, "seq": seq, "digest": digest}

    def _found(self, connection: Connection, tenant_id: int) -> Head:
        head = self.chains.known.get(tenant_id)
        if head is None:
            head = find_head(connection, tenant_id, self.chains.node)
        self.written[tenant_id] = head
        return head

    def write(self, connection: Connection) -> None:
        """
        Write their ends down.

        @raise ChainMoved: if one of them does not end any more where it did.
        """
        grown = {of: head for of, head in self.heads.items() if head is not self.written[of]}
        self.chains.move(connection, self.written, grown)
        self.written |= grown

    def committed(self) -> None:
        """They are as they were made to be."""
        self.chains.known.update(self.heads)


def find_head(connection: Connection, tenant_id: int, node: int) -> Head:
    """Where a chain ends in the database; at its beginning if there is none."""
    found = select(ledger_heads.c.seq, ledger_heads.c.digest).where(
        ledger_heads.c.tenant_id == tenant_id, ledger_heads.c.node == node
    )
    row = connection.execute(found).first()
    return Head() if row is None else Head(row.seq, row.digest)


def _moving(dialect: Dialect) -> Many:
    columns = {
        "of_tenant_id": ledger_heads.c.tenant_id,
        "of_node": ledger_heads.c.node,
        "old_seq": ledger_heads.c.seq,
        "new_seq": ledger_heads.c.seq,
        "new_digest": ledger_heads.c.digest,
    }

    def build(given: Given) -> Any:
        return (
            update(ledger_heads)
            .where(
                ledger_heads.c.tenant_id == given("of_tenant_id"),
                ledger_heads.c.node == given("of_node"),
                ledger_heads.c.seq == given("old_seq"),
            )
            .values(seq=given("new_seq"), digest=given("new_digest"))
        )

    return changing(dialect, columns, ("of_tenant_id",), build)
