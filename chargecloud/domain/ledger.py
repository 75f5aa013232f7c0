"""The ledger: double entry.  Money moves as postings and in no other way.

A posting takes an amount from one account (debit) and gives it to another (credit).  The
balance of an account is what it was credited less what it was debited, so the balances of
all accounts of a tenant sum to zero, always.

==================== ================ =====================================================
account              owner            holds
==================== ================ =====================================================
wallet               customer         what the customer has paid in and can spend or take back
gift                 customer         what the operator gave on top: to be spent, never paid out
held                 customer         what is held for running orders
receivable           customer, or 0   below zero: what is owed to us
cash                 0                below zero: what was paid in
channel_…            0                below zero: what a payment channel has taken for us
refunding            0                what goes back to payers and has not arrived
gifts                0                below zero: what was given to customers
electricity_fees     0                what was earned for electricity, before it is split
service_fees         0                what was earned for service, before it is split
month_cards          month card       what was paid for it, until it has ended
card_fees            site, or 0       what was earned by month cards that were used there, and is
                                      not split yet; for 0, by those that nobody used
channel_fees         0                what payment channels took of what they brought
…_share              party            what a party got of the fees by revenue split, and has
                                      not been given: below zero where it is to give back
==================== ================ =====================================================

An account belongs to one tenant, the operator to whom the money was paid, and no money goes from
one tenant to another.

What is spent is first the money that was paid in, and then gift money; what a bill does not use of
what was held goes back as it came.
"""

from collections.abc import Mapping

from attrs import frozen

#: of what each account is; those of payment channels have names of their own
KINDS = (
    *("wallet", "gift", "held", "receivable", "cash", "refunding", "gifts"),
    *("electricity_fees", "service_fees", "month_cards", "card_fees", "channel_fees"),
    *("platform_share", "operator_share", "owner_share", "agent_share", "partner_share"),
)


def is_kind(kind: str) -> bool:
    """Whether there are accounts of a kind."""
    return kind in KINDS or kind.startswith("channel_") or kind.endswith("_fees")


@frozen
class Account:
    """An account of the ledger by its owner: C{("wallet", customer_id)}.

    Customers' accounts are guarded by the database: C{wallet}, C{gift} and C{held} never fall
    below zero, and C{receivable} never rises above it, so that nobody pays a debt twice.  The
    platform's own accounts have no such limit.
    """

    tenant_id: int
    kind: str
    owner_id: int = 0

    #: kinds whose balance may not fall below zero
    GUARDED = frozenset({"wallet", "gift", "held"})
    #: kinds of accounts that each customer has
    CUSTOMERS = frozenset({*GUARDED, "receivable"})

    @property
    def guarded(self) -> bool:
        """Whether the database guards this account."""
        return self.kind in self.GUARDED or (self.kind == "receivable" and self.owner_id != 0)

    @property
    def sign(self) -> int:
        """Of the balance as it is guarded: what a customer owes is kept above zero."""
        return -1 if self.kind == "receivable" else 1


@frozen
class Post:
    """Money moves from one account (debited) to another (credited) of the same tenant;
    never negative.

    @ivar cause: what moved it, one of L{CAUSES}.
    @ivar reference_id: what it belongs to.
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


#: what moves money, and what the postings of it refer to
CAUSES = {
    **dict.fromkeys(("hold", "capture", "release", "credit", "collect"), "order"),
    **dict.fromkeys(("top_up", "gift"), "top-up"),
    "payment": "payment",
    "refund": "refund",
    "withdrawal": "withdrawal",
    "transfer": "transfer",
    **dict.fromkeys(("sell", "return", "earn"), "month card"),
    **dict.fromkeys(("split", "claw_back", "split_cards", "reimburse"), "settlement"),
    "channel_split": "channel split",
}


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
