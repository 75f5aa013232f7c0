"""The ledger: double entry.  Money moves as postings and in no other way.

A posting takes an amount from one account (debit) and gives it to another (credit).  The
balance of an account is what it was credited less what it was debited, so the balances of
all accounts of a tenant sum to zero, always.

==================== ================ =====================================================
account              owner            holds
==================== ================ =====================================================
wallet               customer         what the customer can spend
held                 customer         what is held for running orders
receivable           customer, or 0   below zero: what is owed to us
cash                 0                below zero: what was paid in
channel_…            0                below zero: what a payment channel has taken for us
refunding            0                what goes back to payers and has not arrived
electricity_fees     0                what was earned for electricity
service_fees         0                what was earned for service
==================== ================ =====================================================
"""

from collections.abc import Mapping

from attrs import frozen


@frozen
class Account:
    """An account of the ledger by its owner: C{("wallet", customer_id)}.

    Customers' accounts (C{wallet}, C{held}) have a floor of zero which the database
    guards; the platform's own accounts have none.
    """

    tenant_id: int
    kind: str
    owner_id: int = 0

    #: kinds whose balance may not fall below zero
    GUARDED = frozenset({"wallet", "held"})

    @property
    def guarded(self) -> bool:
        """Whether the database keeps this account from falling below zero."""
        return self.kind in self.GUARDED


@frozen
class Post:
    """Money moves from one account (debited) to another (credited) of the same tenant;
    never negative.

    @ivar cause: what moved it: C{"top_up"}, C{"hold"}, C{"capture"}, C{"release"} …
    @ivar reference_id: the order (or the request) that it belongs to.
    """

    debit: Account
    credit: Account
    amount_fen: int
    cause: str
    reference_id: int

    def __attrs_post_init__(self) -> None:
        if self.amount_fen <= 0:
            raise ValueError(f"a posting of {self.amount_fen} fen moves no money")
        if self.debit == self.credit or self.debit.tenant_id != self.credit.tenant_id:
            raise ValueError(f"no money moves from {self.debit} to {self.credit}")


def pay(
    dues: Mapping[Account, int],
    sources: Mapping[Account, int | None],
    reference_id: int,
) -> tuple[Post, ...]:
    """
    Pay what is due to some accounts from others, in the order that both are given.

    @param dues: fen for each account that is owed.
    @param sources: fen that each account can give; C{None} gives whatever is still due,
        and must come last.
    @raise ValueError: if the sources do not suffice.
    """
    left = dict(sources)
    posts = []
    for account, due_fen in dues.items():
        for source, can_give in left.items():
            part = due_fen if can_give is None else min(due_fen, can_give)
            if part:
                posts.append(Post(source, account, part, "capture", reference_id))
                due_fen -= part
                left[source] = None if can_give is None else can_give - part
        if due_fen:
            raise ValueError(f"{due_fen} fen of {account} are not covered")
    return tuple(posts)
