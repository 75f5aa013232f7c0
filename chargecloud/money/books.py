"""The ledger, looked at: its postings, and what its accounts come to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, func, or_, select, union_all

from chargecloud.domain.ledger import Account
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import accounts, postings
from chargecloud.storage.store import Store


@frozen(kw_only=True)
class Posting:
    """
    A posting as it is written down.

    @ivar node: which wrote it, C{seq} its number in the chain of its tenant there, and C{digest}
        what that chain comes to with it; C{None} where it is in no chain.
    """

    id: int
    tenant_id: int
    at: datetime
    debit_kind: str
    debit_owner_id: int
    credit_kind: str
    credit_owner_id: int
    amount_fen: int
    cause: str
    reference_id: int
    node: int | None
    seq: int | None
    digest: bytes | None


@frozen(kw_only=True)
class Which:
    """
    Which postings.

    @ivar tenant_id: C{None} for those of all.
    @ivar kind: of one of the accounts, and C{owner_id} whose that is.
    @ivar since: from this instant on, and C{until} before this one.
    """

    tenant_id: int | None
    kind: str | None = None
    owner_id: int | None = None
    reference_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@frozen
class Balance:
    """What the accounts of a kind, or one of them, come to.

    @ivar accounts: how many of them there are.
    @ivar owner_id: whose it is; C{None} for all of the kind.
    """

    kind: str
    balance_fen: int
    accounts: int = 1
    owner_id: int | None = None

    def __add__(self, other: "Balance") -> "Balance":
        return Balance(
            self.kind, self.balance_fen + other.balance_fen, self.accounts + other.accounts
        )


@frozen
class Books:
    """The ledgers of all tenants."""

    store: Store

    async def postings(
        self, which: Which, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[Posting], str | None]:
        """A page of them, the oldest first, and the cursor of the next."""
        query = _matching(which)
        return await self.store.read(
            lambda connection: read_page(
                connection,
                query,
                postings.c.id,
                lambda row: Posting(**row._mapping),
                limit=limit,
                cursor=cursor,
            )
        )

    async def balances(self, tenant_id: int | None) -> Sequence[Balance]:
        """What the accounts of a tenant (of all for C{None}) come to, by kind: together nothing."""

        def read(connection: Connection) -> list[Balance]:
            return [*_kept(connection, tenant_id), *_summed(connection, tenant_id)]

        by_kind: dict[str, Balance] = {}
        for each in await self.store.read(read):
            known = by_kind.get(each.kind)
            by_kind[each.kind] = each if known is None else known + each
        return [by_kind[kind] for kind in sorted(by_kind)]

    async def accounts(
        self, tenant_id: int | None, kind: str, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[Balance], str | None]:
        """A page of the customers' accounts of a kind, and the cursor of the next."""
        query = select(accounts).where(accounts.c.kind == kind)
        if tenant_id is not None:
            query = query.where(accounts.c.tenant_id == tenant_id)
        sign = Account(0, kind).sign
        return await self.store.read(
            lambda connection: read_page(
                connection,
                query,
                accounts.c.owner_id,
                lambda row: Balance(kind, sign * row.balance_fen, 1, row.owner_id),
                limit=limit,
                cursor=cursor,
            )
        )


def _matching(which: Which) -> Any:
    query = select(postings)
    if which.tenant_id is not None:
        query = query.where(postings.c.tenant_id == which.tenant_id)
    if which.kind is not None:
        sides = []
        for side in ("debit", "credit"):
            mine = postings.c[f"{side}_kind"] == which.kind
            if which.owner_id is not None:
                mine &= postings.c[f"{side}_owner_id"] == which.owner_id
            sides.append(mine)
        query = query.where(or_(*sides))
    if which.reference_id is not None:
        query = query.where(postings.c.reference_id == which.reference_id)
    if which.since is not None:
        query = query.where(postings.c.at >= which.since)
    if which.until is not None:
        query = query.where(postings.c.at < which.until)
    return query


def _kept(connection: Connection, tenant_id: int | None) -> list[Balance]:
    """Those that are kept beside their postings."""
    found = select(
        accounts.c.kind, func.sum(accounts.c.balance_fen), func.count(accounts.c.owner_id)
    ).group_by(accounts.c.kind)
    if tenant_id is not None:
        found = found.where(accounts.c.tenant_id == tenant_id)
    return [
        Balance(kind, Account(0, kind).sign * int(fen), count)
        for kind, fen, count in connection.execute(found)
    ]


def _summed(connection: Connection, tenant_id: int | None) -> list[Balance]:
    """Those that are what their postings come to; what is owed by nobody in particular, too."""
    sides = []
    for side, amount_fen in (
        ("debit", -postings.c.amount_fen),
        ("credit", postings.c.amount_fen),
    ):
        kind, owner_id = postings.c[f"{side}_kind"], postings.c[f"{side}_owner_id"]
        summed = select(
            kind.label("kind"), owner_id.label("owner_id"), func.sum(amount_fen).label("fen")
        ).where(
            kind.not_in(sorted(Account.GUARDED)),
            or_(kind != "receivable", owner_id == 0),
        )
        if tenant_id is not None:
            summed = summed.where(postings.c.tenant_id == tenant_id)
        sides.append(summed.group_by(kind, owner_id))
    both = union_all(*sides).subquery()
    found = select(both.c.kind, func.sum(both.c.fen), func.count(both.c.owner_id.distinct()))
    return [
        Balance(kind, int(fen), count)
        for kind, fen, count in connection.execute(found.group_by(both.c.kind))
    ]
