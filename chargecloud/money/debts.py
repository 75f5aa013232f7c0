"""What customers owe: it is collected from the next money that comes into their wallet, and then
the cards that were blocked for it are good again."""

from collections.abc import Sequence

from attrs import frozen
from sqlalchemy import Connection, case, func, select

from chargecloud.domain.decision import Change, Decision, LogEntry
from chargecloud.domain.ledger import Account, Post
from chargecloud.storage.schema import cards, postings


@frozen
class Debts:
    """
    What a customer owes.

    @ivar by_order: fen by the order that was not paid, the oldest first.
    @ivar card_ids: of the cards that are blocked for it.
    """

    tenant_id: int
    customer_id: int
    by_order: Sequence[tuple[int, int]] = ()
    card_ids: Sequence[int] = ()

    def collect(self, amount_fen: int) -> Decision:
        """Pay them with money that comes into the wallet, as far as it goes."""
        wallet = Account(self.tenant_id, "wallet", self.customer_id)
        owed = Account(self.tenant_id, "receivable", self.customer_id)
        left_fen = amount_fen
        posts = []
        for order_id, owed_fen in self.by_order:
            part_fen = min(owed_fen, left_fen)
            left_fen -= part_fen
            if part_fen:
                posts.append(Post(wallet, owed, part_fen, "collect", order_id))
        if not posts:
            return Decision()
        collected_fen = amount_fen - left_fen
        whole_fen = sum(owed_fen for _, owed_fen in self.by_order)
        body = {"customer_id": self.customer_id, "amount_fen": collected_fen}
        body["owed_fen"] = whole_fen - collected_fen
        entry = LogEntry("debt.collected", self.tenant_id, body)
        decision = Decision(tuple(posts), (entry,))
        return decision + self._unblock() if collected_fen == whole_fen else decision

    def _unblock(self) -> Decision:
        row = {"status": "active", "blocked_for": None}
        writes = [Change("cards", {"id": of}, row, {"blocked_for": "debt"}) for of in self.card_ids]
        log = [
            LogEntry(
                "card.changed",
                self.tenant_id,
                {"card_id": of, "customer_id": self.customer_id, "status": "active"},
            )
            for of in self.card_ids
        ]
        return Decision(tuple(writes), tuple(log))


def find_debts(connection: Connection, tenant_id: int, customer_id: int) -> Debts:
    """What a customer owes."""
    is_debit = (postings.c.debit_kind == "receivable") & (postings.c.debit_owner_id == customer_id)
    is_credit = (postings.c.credit_kind == "receivable") & (
        postings.c.credit_owner_id == customer_id
    )
    owed_fen = func.sum(case((is_debit, postings.c.amount_fen), else_=-postings.c.amount_fen))
    found = (
        select(postings.c.reference_id, owed_fen.label("owed_fen"))
        .where(postings.c.tenant_id == tenant_id, is_debit | is_credit)
        .group_by(postings.c.reference_id)
        .having(owed_fen > 0)
        .order_by(postings.c.reference_id)
    )
    by_order = [(row.reference_id, int(row.owed_fen)) for row in connection.execute(found)]
    if not by_order:
        return Debts(tenant_id, customer_id)
    blocked = select(cards.c.id).where(
        cards.c.tenant_id == tenant_id,
        cards.c.customer_id == customer_id,
        cards.c.blocked_for == "debt",
    )
    return Debts(tenant_id, customer_id, by_order, connection.execute(blocked).scalars().all())
