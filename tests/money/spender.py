"""A process that spends one wallet, as a node does: with holds of one fen, until nothing is left.

C{python -m tests.money.spender URL SLOT CUSTOMER} prints how many it got.
"""

import sys
import time

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Decision, Stale
from chargecloud.domain.ledger import Account, Post
from chargecloud.storage.engine import open_engine
from chargecloud.storage.store import Store
from tests.harness import InStep, failure_or_result


class _Time:
    """The true time, and nothing to wait for."""

    seconds = staticmethod(time.time)


def main(url: str, slot: int, customer_id: int) -> int:
    """Hold a fen again and again; how often it was there."""
    engine = open_engine(url)
    store = Store.open(
        engine,
        clock=_Time(),  # type: ignore[arg-type]
        calendar=Calendar(time.time),
        slot=slot,
        writing=InStep(),
        reading=InStep(),
    )
    wallet, held = Account(1, "wallet", customer_id), Account(1, "held", customer_id)
    spent = 0
    while True:
        number = store.ids.next()
        came = failure_or_result(
            store.writer.decide(Decision((Post(wallet, held, 1, "hold", number),)))
        )
        if isinstance(came, Stale):
            return spent
        if isinstance(came, Exception):
            raise came
        spent += 1


if __name__ == "__main__":
    sys.stdout.write(str(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
