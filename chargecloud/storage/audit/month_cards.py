"""Month cards: what is left of their prices, and what of them was posted."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, func, select

from chargecloud.storage.audit.reading import each
from chargecloud.storage.schema import month_cards, postings


def month_card_faults(connection: Connection) -> Iterator[str]:
    """Of a card that is good, all of its price is in its account, and nothing of one that is
    not: it went back, or was earned."""

    def moved(side: str, other: str | None = None) -> Any:
        query = select(func.coalesce(func.sum(postings.c.amount_fen), 0)).where(
            postings.c.tenant_id == month_cards.c.tenant_id,
            postings.c[f"{side}_kind"] == "month_cards",
            postings.c[f"{side}_owner_id"] == month_cards.c.id,
        )
        if other is not None:
            query = query.where(postings.c.credit_kind == other)
        return query.scalar_subquery()

    found = select(
        month_cards.c.id,
        month_cards.c.state,
        month_cards.c.price_fen,
        month_cards.c.returned_fen,
        moved("credit"),
        moved("debit"),
        moved("debit", "wallet"),
    ).order_by(month_cards.c.id)
    for card_id, state, price_fen, returned_fen, paid, spent, back in each(connection, found):
        due_fen = 0 if state == "active" else price_fen
        if (int(paid), int(spent), int(back)) != (price_fen, due_fen, returned_fen):
            yield (
                f"month card {card_id} is {state}: of its {price_fen} fen {paid} were paid, "
                f"{spent} are spent and {back} went back; {due_fen} and {returned_fen} were to be"
            )
