"""The books, gone through: whether the ledger, the balances, the bills and the holds agree.

Row by row and in constant memory, however many there are; what the database has to sort or to
group, it does in its own.  The connection must see it as it was at one moment
(L{chargecloud.storage.engine.at_one_moment}), so that the service may go on meanwhile.
"""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from chargecloud.domain.chain import Head
from chargecloud.storage.audit.balances import balance_faults
from chargecloud.storage.audit.chains import chain_faults, read_heads
from chargecloud.storage.audit.month_cards import month_card_faults
from chargecloud.storage.audit.orders import order_faults
from chargecloud.storage.audit.payments import payment_faults
from chargecloud.storage.audit.reading import ChainOf
from chargecloud.storage.audit.settlements import settlement_faults

__all__ = ["ChainOf", "ledger_faults", "read_heads"]


def ledger_faults(
    connection: Connection, kept: Mapping[ChainOf, Head] | None = None
) -> Iterator[str]:
    """
    Every way in which the books contradict themselves, in words that name the row, what it was
    to be and what it is; nothing if they are sound.

    @param kept: ends of chains that were kept elsewhere, by tenant and node.
    """
    yield from chain_faults(connection, kept or {})
    yield from balance_faults(connection)
    yield from order_faults(connection)
    yield from payment_faults(connection)
    yield from settlement_faults(connection)
    yield from month_card_faults(connection)
