"""Each account against its postings, one account after the other.

Its postings come in the order of their ids, which is that in which one node has made them.  The
clocks of two nodes differ, so that what one has paid out may have an id before what another has
paid in: an account may look overdrawn for as long as clocks may differ, if another node's posting
makes it good.
"""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from attrs import define, field
from sqlalchemy import Connection, literal_column, select, union_all

from chargecloud.domain.ledger import KINDS, Account, is_kind
from chargecloud.storage.audit.reading import each
from chargecloud.storage.ids import milliseconds_of, slot_of
from chargecloud.storage.schema import accounts, postings
from chargecloud.storage.slots import MARGIN_S

#: in the place of a posting's id, where a row is the balance itself
_BALANCE = -1


def _sides() -> Any:
    amounts = {"debit": -postings.c.amount_fen, "credit": postings.c.amount_fen}
    sides = [
        select(
            postings.c.tenant_id,
            postings.c[f"{side}_kind"].label("kind"),
            postings.c[f"{side}_owner_id"].label("owner_id"),
            postings.c.id.label("posting_id"),
            amount_fen.label("amount_fen"),
        )
        for side, amount_fen in amounts.items()
    ]
    kept = select(
        accounts.c.tenant_id,
        accounts.c.kind,
        accounts.c.owner_id,
        literal_column(str(_BALANCE)),
        accounts.c.balance_fen,
    )
    whole = union_all(*sides, kept).subquery()
    return select(whole).order_by(
        whole.c.tenant_id, whole.c.kind, whole.c.owner_id, whole.c.posting_id
    )


@define
class _Running:
    """
    The balance of an account as it went, as it is guarded.

    @ivar since: the posting that took it below zero, while it is there.
    @ivar lowest_fen: where that posting took it.
    @ivar nodes: that have posted since.
    @ivar fault: how it was overdrawn, if it ever was.
    """

    balance_fen: int = 0
    since: int | None = None
    lowest_fen: int = 0
    nodes: set[int] = field(factory=set)
    fault: str | None = None

    def post(self, posting_id: int, amount_fen: int) -> None:
        """One more posting."""
        self.balance_fen += amount_fen
        if self.since is None:
            if self.balance_fen < 0:
                self.since, self.lowest_fen = posting_id, self.balance_fen
                self.nodes = {slot_of(posting_id)}
            return
        self.nodes.add(slot_of(posting_id))
        late_ms = milliseconds_of(posting_id) - milliseconds_of(self.since)
        if late_ms > MARGIN_S * 1000 or (self.balance_fen >= 0 and len(self.nodes) == 1):
            self.end()
        if self.balance_fen >= 0:
            self.since = None

    def end(self) -> None:
        """Nothing makes it good any more, or not in time."""
        if self.since is not None and self.fault is None:
            self.fault = f"below zero: {self.lowest_fen} fen after posting {self.since}"


def balance_faults(connection: Connection) -> Iterator[str]:
    """Accounts that are not what their postings come to, or that were ever overdrawn; tenants
    whose accounts do not sum to zero."""
    rows = each(connection, _sides())
    for tenant_id, of_tenant in groupby(rows, itemgetter(0)):
        whole_fen = 0
        for (kind, owner_id), found in groupby(of_tenant, itemgetter(1, 2)):
            account = Account(tenant_id, kind, owner_id)
            faults, balance_fen = _gone_through(account, found)
            whole_fen += balance_fen
            for fault in faults:
                yield f"{kind} of {owner_id} in tenant {tenant_id}: {fault}"
        if whole_fen:
            yield f"tenant {tenant_id}: its accounts sum to {whole_fen} fen, not to 0"


def _gone_through(account: Account, found: Iterator[Any]) -> tuple[list[str], int]:
    """What is wrong with an account, and its balance."""
    kept_fen = None
    running = _Running()
    faults = []
    sign, post = account.sign, running.post
    for *_, posting_id, amount_fen in found:
        if posting_id == _BALANCE:
            kept_fen = amount_fen
        else:
            post(posting_id, sign * amount_fen)
    running.end()
    if not is_kind(account.kind):
        faults.append(f"there is no such account: {account.kind} is none of {', '.join(KINDS)}")
    posted_fen = running.balance_fen
    if account.guarded:
        if kept_fen != posted_fen:
            faults.append(f"the balance is {kept_fen} fen, its postings sum to {posted_fen}")
        if running.fault is not None:
            faults.append(running.fault)
    elif kept_fen is not None:
        faults.append(f"a balance of {kept_fen} fen is kept, and none was to be")
    balance_fen = posted_fen if kept_fen is None else kept_fen
    return faults, account.sign * balance_fen
