"""Wallets: money that customers have paid in or were given, and what is held of it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, bindparam, literal, or_, select

from chargecloud.domain.decision import Change, Decision, LogEntry, Stale
from chargecloud.domain.errors import Conflict, InsufficientFunds, Invalid
from chargecloud.domain.ledger import Account, Post
from chargecloud.money.debts import Debts, find_debts
from chargecloud.registry.customers import find_customer
from chargecloud.storage.once import Made, RequestKey, known, once
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import accounts, postings
from chargecloud.storage.store import Store

#: money that moves under us this often is left to the next request
MOST_TRIES = 8


@frozen
class Spendable:
    """What a customer can spend, first the money that was paid in."""

    paid_in_fen: int
    gift_fen: int

    @property
    def all_fen(self) -> int:
        """Both."""
        return self.paid_in_fen + self.gift_fen

    def gift_of(self, amount_fen: int) -> int:
        """What of an amount would be gift money."""
        return max(0, amount_fen - self.paid_in_fen)


@frozen
class Wallet:
    """
    @ivar balance_fen: what the customer can spend.
    @ivar held_fen: what is held for running orders.
    @ivar gift_fen: what of the balance is gift money.
    @ivar owed_fen: what the customer owes.
    """

    customer_id: int
    tenant_id: int
    balance_fen: int
    held_fen: int
    gift_fen: int = 0
    owed_fen: int = 0

    @property
    def spendable(self) -> Spendable:
        """The balance by what it came from."""
        return Spendable(self.balance_fen - self.gift_fen, self.gift_fen)


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

    @ivar money: C{"wallet"} for what was paid in, C{"gift"} for gift money.
    @ivar amount_fen: above zero into the wallet, below zero out of it.
    @ivar reference_id: what it belongs to, an order, a top-up, a payment …
    """

    id: int
    at: datetime
    cause: str
    amount_fen: int
    reference_id: int
    money: str = "wallet"


def balance_fen(connection: Connection, account: Account) -> int:
    """The balance of a customer's account, 0 if it was never opened."""
    found = select(accounts.c.balance_fen).where(
        accounts.c.tenant_id == account.tenant_id,
        accounts.c.kind == account.kind,
        accounts.c.owner_id == account.owner_id,
    )
    return connection.execute(found).scalar() or 0


# built once: it is asked at each start
_OF_CUSTOMER = select(accounts.c.kind, accounts.c.balance_fen).where(
    accounts.c.tenant_id == bindparam("tenant_id"),
    accounts.c.kind.in_([literal(kind) for kind in sorted(Account.CUSTOMERS)]),
    accounts.c.owner_id == bindparam("owner_id"),
)


def _balances(connection: Connection, tenant_id: int, customer_id: int) -> dict[str, int]:
    of_customer = {"tenant_id": tenant_id, "owner_id": customer_id}
    kept = {row.kind: row.balance_fen for row in connection.execute(_OF_CUSTOMER, of_customer)}
    return dict.fromkeys(Account.CUSTOMERS, 0) | kept


def spendable(connection: Connection, tenant_id: int, customer_id: int) -> Spendable:
    """What a customer can spend."""
    kept = _balances(connection, tenant_id, customer_id)
    return Spendable(kept["wallet"], kept["gift"])


def find_wallet(connection: Connection, tenant_id: int | None, customer_id: int) -> Wallet:
    """
    The wallet of a customer.

    @raise NotFound: if the tenant has no such customer.
    """
    owner = find_customer(connection, tenant_id, customer_id)
    kept = _balances(connection, owner.tenant_id, owner.id)
    return Wallet(
        owner.id,
        owner.tenant_id,
        kept["wallet"] + kept["gift"],
        kept["held"],
        kept["gift"],
        kept["receivable"],
    )


#: the accounts whose postings are a wallet's movements
_SPENT_FROM = ("wallet", "gift")


def _movements(wallet: Wallet) -> Any:
    sides = [
        postings.c[f"{side}_kind"].in_(_SPENT_FROM)
        & (postings.c[f"{side}_owner_id"] == wallet.customer_id)
        for side in ("debit", "credit")
    ]
    return select(postings).where(postings.c.tenant_id == wallet.tenant_id, or_(*sides))


def _movement(wallet: Wallet, row: Any) -> Movement:
    went_out = row.debit_kind in _SPENT_FROM and row.debit_owner_id == wallet.customer_id
    amount_fen = -row.amount_fen if went_out else row.amount_fen
    money = row.debit_kind if went_out else row.credit_kind
    return Movement(row.id, row.at, row.cause, amount_fen, row.reference_id, money)


@frozen
class Wallets:
    """
    The wallets of all customers.

    @ivar cards_changed: told of a tenant whose cards have changed.
    """

    store: Store
    cards_changed: Callable[[int], None] = lambda _tenant_id: None

    async def get(self, tenant_id: int | None, customer_id: int) -> Wallet:
        """
        @raise NotFound: if the tenant has no such customer.
        """
        return await self.store.read(
            lambda connection: find_wallet(connection, tenant_id, customer_id)
        )

    async def top_up(
        self,
        request: RequestKey | None,
        tenant_id: int | None,
        customer_id: int,
        amount_fen: int,
        gift_fen: int = 0,
    ) -> TopUp:
        """
        Pay money into a wallet that an operator has taken from the customer; what the customer
        owes is collected from it.

        @param gift_fen: what the operator gives on top, which is never paid out.
        @raise NotFound: if the tenant has no such customer.
        @raise Conflict: if others move the customer's money all the time.
        """
        top_up_id = self.store.ids.next()
        body = {"customer_id": customer_id, "amount_fen": amount_fen}
        if gift_fen:
            body["gift_fen"] = gift_fen

        def decide(wallet: Wallet) -> Decision:
            def into(source: str, kind: str, fen: int, cause: str) -> Post:
                of = Account(wallet.tenant_id, kind, customer_id)
                return Post(Account(wallet.tenant_id, source), of, fen, cause, top_up_id)

            given = (into("gifts", "gift", gift_fen, "gift"),) if gift_fen else ()
            return Decision(
                (into("cash", "wallet", amount_fen, "top_up"), *given),
                (LogEntry("wallet.topped_up", wallet.tenant_id, body),),
            )

        made = await self._moved(
            request, tenant_id, customer_id, top_up_id, decide, (customer_id, amount_fen)
        )
        return TopUp(made.resource_id, await self.get(tenant_id, customer_id))

    async def transfer(
        self,
        request: RequestKey | None,
        tenant_id: int | None,
        customer_id: int,
        to_customer_id: int,
        amount_fen: int,
    ) -> TopUp:
        """
        Give money that was paid in to another customer of the same tenant; what that one owes is
        collected from it.

        @return: the wallet that it came from.
        @raise NotFound: if the tenant has no such customers.
        @raise Invalid: if it is the same customer.
        @raise InsufficientFunds: if less was paid in than that.
        """
        if to_customer_id == customer_id:
            what = "is the same customer"
            raise Invalid(what, errors=[{"pointer": "/to_customer_id", "detail": what}])
        whose = (await self.get(tenant_id, customer_id)).tenant_id
        await self.get(whose, to_customer_id)
        transfer_id = self.store.ids.next()
        body = {"customer_id": customer_id, "to": str(to_customer_id), "amount_fen": amount_fen}

        def decide(wallet: Wallet) -> Decision:
            source, target = (
                Account(wallet.tenant_id, "wallet", each) for each in (customer_id, to_customer_id)
            )
            return Decision(
                (Post(source, target, amount_fen, "transfer", transfer_id),),
                (LogEntry("wallet.transferred", wallet.tenant_id, body),),
            )

        made = await self._moved(
            request, whose, customer_id, transfer_id, decide, (to_customer_id, amount_fen)
        )
        return TopUp(made.resource_id, await self.get(whose, customer_id))

    async def _moved(
        self,
        request: RequestKey | None,
        tenant_id: int | None,
        customer_id: int,
        made_id: int,
        decide: Callable[[Wallet], Decision],
        comes: tuple[int, int],
    ) -> Made:
        """
        Commit what moves a customer's money, and collect what is owed.

        @param comes: whose wallet money comes into, and how much.
        """
        if made := await known(self.store, request):
            return made
        receiver, amount_fen = comes
        for _ in range(MOST_TRIES):

            def read(connection: Connection) -> tuple[Wallet, Debts]:
                wallet = find_wallet(connection, tenant_id, customer_id)
                return wallet, find_debts(connection, wallet.tenant_id, receiver)

            wallet, debts = await self.store.read(read)
            collected = debts.collect(amount_fen)
            try:
                made = await once(self.store, request, made_id, decide(wallet) + collected)
            except Stale as stale:
                lacks = receiver != customer_id and wallet.spendable.paid_in_fen < amount_fen
                if stale.table == "accounts" and lacks:
                    raise InsufficientFunds(
                        f"less than {amount_fen} fen were paid in", wanted_fen=amount_fen
                    ) from None
                continue
            if any(isinstance(write, Change) for write in collected.writes):
                self.cards_changed(wallet.tenant_id)
            return made
        raise Conflict("the customer's money moves faster than it can be decided")

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
