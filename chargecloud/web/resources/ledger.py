"""C{/ledger}: the postings, and what the accounts come to."""

from datetime import datetime
from enum import Enum
from typing import Any

from attrs import frozen

from chargecloud.domain.fields import choice, text, whole
from chargecloud.money.books import Balance, Books, Posting, Which
from chargecloud.routes import Call, Id, Method, Page, Paging, Route
from chargecloud.web.resources.shared import page

_MOST = 2**53 - 1


class CustomersAccount(Enum):
    """The accounts that each customer has."""

    WALLET = "wallet"
    GIFT = "gift"
    HELD = "held"
    RECEIVABLE = "receivable"


@frozen(kw_only=True)
class PostingQuery(Paging):
    """Which postings."""

    account: str | None = text("from or to accounts of this kind", default=None, longest=24)
    owner_id: Id | None = choice("whose account it is, with account", default=None)
    reference_id: Id | None = choice("of this order, top-up, payment …", default=None)
    from_: datetime | None = choice("from this instant on", default=None)
    to: datetime | None = choice("before this instant", default=None)


@frozen(kw_only=True)
class AccountQuery(Paging):
    """Which accounts."""

    kind: CustomersAccount | None = choice("each customer's of this kind", default=None)


@frozen(kw_only=True)
class PostingShown:
    """Money that moved from one account to another."""

    id: Id = choice("its id")
    tenant_id: Id = choice("of whom")
    at: datetime = choice("when")
    debit_account: str = text("the kind of account that it came from")
    debit_owner_id: Id = choice("whose that is, 0 for the operator's own")
    credit_account: str = text("the kind of account that it went to")
    credit_owner_id: Id = choice("whose that is, 0 for the operator's own")
    amount_fen: int = whole("how much")
    cause: str = text("what moved it")
    reference_id: Id = choice("the order, top-up, payment, refund, withdrawal or transfer")
    node: int | None = whole("the node whose chain it is in", default=None)
    seq: int | None = whole("its number in that chain", default=None)
    digest: str | None = text("what that chain comes to with it, in hexadecimal digits")


@frozen(kw_only=True)
class BalanceShown:
    """What the accounts of a kind come to, or one of them."""

    account: str = text("the kind")
    owner_id: Id | None = choice("whose it is, null for all of the kind together")
    accounts: int = whole("how many accounts they are")
    balance_fen: int = whole("above zero held, below zero owed or paid in", least=-_MOST)


def show(posting: Posting) -> PostingShown:
    """A posting as it is answered."""
    return PostingShown(
        id=posting.id,
        tenant_id=posting.tenant_id,
        at=posting.at,
        debit_account=posting.debit_kind,
        debit_owner_id=posting.debit_owner_id,
        credit_account=posting.credit_kind,
        credit_owner_id=posting.credit_owner_id,
        amount_fen=posting.amount_fen,
        cause=posting.cause,
        reference_id=posting.reference_id,
        node=posting.node,
        seq=posting.seq,
        digest=None if posting.digest is None else posting.digest.hex(),
    )


def show_balance(balance: Balance) -> BalanceShown:
    """What accounts come to, as it is answered."""
    return BalanceShown(
        account=balance.kind,
        owner_id=balance.owner_id,
        accounts=balance.accounts,
        balance_fen=balance.balance_fen,
    )


def routes(books: Books) -> list[Route]:
    """The routes of the ledger."""

    async def listed(call: Call) -> Page[PostingShown]:
        query: PostingQuery = call.query
        which = Which(
            tenant_id=call.caller.tenant_id,
            kind=query.account,
            owner_id=query.owner_id,
            reference_id=query.reference_id,
            since=query.from_,
            until=query.to,
        )
        return page(await books.postings(which, limit=query.limit, cursor=query.cursor), show)

    async def accounts(call: Call) -> Page[BalanceShown]:
        query: AccountQuery = call.query
        tenant_id = call.caller.tenant_id
        if query.kind is None:
            return page((await books.balances(tenant_id), None), show_balance)
        found = await books.accounts(
            tenant_id, query.kind.value, limit=query.limit, cursor=query.cursor
        )
        return page(found, show_balance)

    common: dict[str, Any] = {"tag": "ledger", "permission": "ledger:read", "method": Method.GET}
    return [
        Route(
            path="/ledger",
            summary="List the postings, by account and time",
            query=PostingQuery,
            answer=Page[PostingShown],
            run=listed,
            **common,
        ),
        Route(
            path="/ledger/accounts",
            summary="What the accounts come to: by kind, or each customer's of one kind",
            query=AccountQuery,
            answer=Page[BalanceShown],
            run=accounts,
            **common,
        ),
    ]
