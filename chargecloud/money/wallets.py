"""Wallets: money that customers have paid in, and what is held of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, select

from chargecloud.domain.decision import Decision, LogEntry
from chargecloud.domain.ledger import Account, Post
from chargecloud.registry.customers import find_customer
from chargecloud.storage.once import RequestKey, once
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import accounts, postings
from chargecloud.storage.store import Store


@frozen
class Wallet:
    """
    @ivar balance_fen: what the customer can spend.
    @ivar held_fen: what is held for running orders.
    """

    customer_id: int
    tenant_id: int
    balance_fen: int
    held_fen: int


@frozen
class TopUp:
    """
    Money that was paid in.

    @ivar id: what the movement of it refers to.
    @ivar wallet: as it is afterwards.
    """

    id: int
    wallet: Wallet


@frozen
class Movement:
    """
    One posting that touched a wallet.

    @ivar amount_fen: above zero into the wallet, below zero out of it.
    @ivar reference_id: the order, the top-up, the payment or the refund.
    """

    id: int
    at: datetime
    cause: str
    amount_fen: int
    reference_id: int


def balance_fen(connection: Connection, account: Account) -> int:
    """The balance of a customer's account, 0 if it was never opened."""
    found = select(accounts.c.balance_fen).where(
        accounts.c.tenant_id == account.tenant_id,
        accounts.c.kind == account.kind,
        accounts.c.owner_id == account.owner_id,
    )
    return connection.execute(found).scalar() or 0


def find_wallet(connection: Connection, tenant_id: int | None, customer_id: int) -> Wallet:
    """
    The wallet of a customer.

    @raise NotFound: if the tenant has no such customer.
    """
    owner = find_customer(connection, tenant_id, customer_id)
    wallet, held = (
        balance_fen(connection, Account(owner.tenant_id, kind, owner.id))
        for kind in ("wallet", "held")
    )
    return Wallet(owner.id, owner.tenant_id, wallet, held)


def _movements(wallet: Wallet) -> Any:
    mine = (postings.c.debit_kind == "wallet") & (postings.c.debit_owner_id == wallet.customer_id)
    mine |= (postings.c.credit_kind == "wallet") & (
        postings.c.credit_owner_id == wallet.customer_id
    )
    return select(postings).where(postings.c.tenant_id == wallet.tenant_id, mine)


def _movement(wallet: Wallet, row: Any) -> Movement:
    went_out = row.debit_kind == "wallet" and row.debit_owner_id == wallet.customer_id
    amount_fen = -row.amount_fen if went_out else row.amount_fen
    return Movement(row.id, row.at, row.cause, amount_fen, row.reference_id)


@frozen
class Wallets:
    """The wallets of all customers."""

    store: Store

    async def get(self, tenant_id: int | None, customer_id: int) -> Wallet:
        """
        @raise NotFound: if the tenant has no such customer.
        """
        return await self.store.read(
            lambda connection: find_wallet(connection, tenant_id, customer_id)
        )

    async def top_up(
        self, request: RequestKey | None, tenant_id: int | None, customer_id: int, amount_fen: int
    ) -> TopUp:
        """
        Pay money into a wallet that an operator has taken from the customer.

        @raise NotFound: if the tenant has no such customer.
        """
        before = await self.get(tenant_id, customer_id)
        top_up_id = self.store.ids.next()
        cash = Account(before.tenant_id, "cash")
        wallet = Account(before.tenant_id, "wallet", customer_id)
        body = {"customer_id": customer_id, "amount_fen": amount_fen}
        decision = Decision(
            (Post(cash, wallet, amount_fen, "top_up", top_up_id),),
            (LogEntry("wallet.topped_up", before.tenant_id, body),),
        )
        made = await once(self.store, request, top_up_id, decision)
        return TopUp(made.resource_id, await self.get(tenant_id, customer_id))

    async def movements(
        self, tenant_id: int | None, customer_id: int, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[Movement], str | None]:
        """A page of what came and went, the oldest first, and the cursor of the next."""

        def read(connection: Connection) -> tuple[Sequence[Movement], str | None]:
            wallet = find_wallet(connection, tenant_id, customer_id)
            return read_page(
                connection,
                _movements(wallet),
                postings.c.id,
                lambda row: _movement(wallet, row),
                limit=limit,
                cursor=cursor,
            )

        return await self.store.read(read)
