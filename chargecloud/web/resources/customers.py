"""C{/customers} and C{/wallets}"""

from datetime import datetime
from typing import Any

from attrs import asdict, frozen

from chargecloud.domain.errors import Conflict, InsufficientFunds, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.ledger import CAUSES
from chargecloud.money.wallets import Movement, Wallet, Wallets
from chargecloud.registry.customers import Customer, Customers
from chargecloud.registry.tenants import Tenants
from chargecloud.routes import Call, Id, Method, Page, Paging, Route
from chargecloud.web.resources.shared import page, request_key

#: 10,000 yuan: more than anybody charges for, and little enough to notice a slip
MOST_TOP_UP_FEN = 1_000_000


@frozen(kw_only=True)
class NewCustomer:
    """A customer to be made."""

    name: str = text("what to call them", example="Li Wei")
    phone: str | None = text("how to reach them", default=None, longest=32)
    tenant_id: Id | None = choice("whose they are; only the platform names another", default=None)


@frozen(kw_only=True)
class CustomerShown:
    """A customer."""

    id: Id = choice("their id")
    tenant_id: Id = choice("whose they are")
    name: str = text("what to call them")
    phone: str | None = text("how to reach them")
    created_at: datetime = choice("when they were made")


@frozen(kw_only=True)
class WalletShown:
    """A customer's money."""

    customer_id: Id = choice("whose it is")
    balance_fen: int = whole("what can be spent, in fen")
    held_fen: int = whole("what is held for running orders, in fen")
    gift_fen: int = whole("what of the balance is gift money, which is spent last and not paid out")
    owed_fen: int = whole("what they owe; the next money that is paid in pays it first")


@frozen(kw_only=True)
class NewTopUp:
    """Money that an operator has taken from a customer."""

    amount_fen: int = whole("how much, in fen", least=1, most=MOST_TOP_UP_FEN, example=5000)
    gift_fen: int = whole(
        "what the operator gives on top, in fen", least=0, most=MOST_TOP_UP_FEN, default=0
    )


@frozen(kw_only=True)
class NewTransfer:
    """Money that a customer gives to another."""

    to_customer_id: Id = choice("to whom")
    amount_fen: int = whole("how much, in fen", least=1, most=MOST_TOP_UP_FEN, example=500)


@frozen(kw_only=True)
class MovementShown:
    """Money that came into a wallet or went out of it."""

    id: Id = choice("its id")
    at: datetime = choice("when")
    cause: str = text(f"one of {', '.join(sorted(CAUSES))}")
    money: str = text("wallet for what was paid in, gift for gift money")
    amount_fen: int = whole("above zero in, below zero out", least=-(2**53 - 1))
    reference_id: Id = choice("the order, top-up, payment, refund, withdrawal or transfer")


@frozen(kw_only=True)
class TopUpShown(WalletShown):
    """Money that was paid in, and the wallet afterwards."""

    id: Id = choice("its id, which the movement of it refers to")


@frozen(kw_only=True)
class TransferShown(WalletShown):
    """Money that was given to another customer, and the wallet that it came from."""

    id: Id = choice("its id, which the movements of it refer to")


def show(customer: Customer) -> CustomerShown:
    """A customer as they are answered."""
    return CustomerShown(
        id=customer.id,
        tenant_id=customer.tenant_id,
        name=customer.name,
        phone=customer.phone,
        created_at=customer.created_at,
    )


def show_wallet(wallet: Wallet) -> WalletShown:
    """A wallet as it is answered."""
    return WalletShown(
        customer_id=wallet.customer_id,
        balance_fen=wallet.balance_fen,
        held_fen=wallet.held_fen,
        gift_fen=wallet.gift_fen,
        owed_fen=wallet.owed_fen,
    )


def show_movement(movement: Movement) -> MovementShown:
    """A movement as it is answered."""
    return MovementShown(
        id=movement.id,
        at=movement.at,
        cause=movement.cause,
        money=movement.money,
        amount_fen=movement.amount_fen,
        reference_id=movement.reference_id,
    )


def routes(customers: Customers, wallets: Wallets, tenants: Tenants) -> list[Route]:
    """The routes of customers and their money."""

    async def create(call: Call) -> CustomerShown:
        body: NewCustomer = call.body
        tenant_id = await tenants.whose(call.caller.tenant_id, body.tenant_id)
        return show(await customers.create(request_key(call), tenant_id, body.name, body.phone))

    async def listed(call: Call) -> Page[CustomerShown]:
        query: Paging = call.query
        found = await customers.list(call.caller.tenant_id, limit=query.limit, cursor=query.cursor)
        return page(found, show)

    async def get(call: Call) -> CustomerShown:
        return show(await customers.get(call.caller.tenant_id, call.id("customer_id")))

    async def wallet(call: Call) -> WalletShown:
        return show_wallet(await wallets.get(call.caller.tenant_id, call.id("customer_id")))

    async def top_up(call: Call) -> TopUpShown:
        body: NewTopUp = call.body
        paid_in = await wallets.top_up(
            request_key(call),
            call.caller.tenant_id,
            call.id("customer_id"),
            body.amount_fen,
            body.gift_fen,
        )
        return TopUpShown(id=paid_in.id, **asdict(show_wallet(paid_in.wallet)))

    async def transfer(call: Call) -> TransferShown:
        body: NewTransfer = call.body
        given = await wallets.transfer(
            request_key(call),
            call.caller.tenant_id,
            call.id("customer_id"),
            body.to_customer_id,
            body.amount_fen,
        )
        return TransferShown(id=given.id, **asdict(show_wallet(given.wallet)))

    async def movements(call: Call) -> Page[MovementShown]:
        query: Paging = call.query
        found = await wallets.movements(
            call.caller.tenant_id,
            call.id("customer_id"),
            limit=query.limit,
            cursor=query.cursor,
        )
        return page(found, show_movement)

    people: dict[str, Any] = {"tag": "customers", "refusals": (NotFound,)}
    money: dict[str, Any] = {"tag": "wallets", "refusals": (NotFound,)}
    moving = money | {"refusals": (NotFound, Conflict, InsufficientFunds)}
    return [
        Route(
            method=Method.POST,
            path="/customers",
            summary="Make a customer, with an empty wallet",
            permission="customers:write",
            body=NewCustomer,
            answer=CustomerShown,
            status=201,
            run=create,
            **people,
        ),
        Route(
            method=Method.GET,
            path="/customers",
            summary="List the customers",
            permission="customers:read",
            query=Paging,
            answer=Page[CustomerShown],
            run=listed,
            **people,
        ),
        Route(
            method=Method.GET,
            path="/customers/{customer_id}",
            summary="Show a customer",
            permission="customers:read",
            answer=CustomerShown,
            run=get,
            **people,
        ),
        Route(
            method=Method.GET,
            path="/wallets/{customer_id}",
            summary="Show a customer's money",
            permission="wallets:read",
            answer=WalletShown,
            run=wallet,
            **money,
        ),
        Route(
            method=Method.POST,
            path="/wallets/{customer_id}/top-ups",
            summary="Pay money into a wallet that was taken from the customer",
            permission="wallets:write",
            body=NewTopUp,
            answer=TopUpShown,
            status=201,
            run=top_up,
            **moving,
        ),
        Route(
            method=Method.POST,
            path="/wallets/{customer_id}/transfers",
            summary="Give money that was paid in to another customer",
            permission="wallets:write",
            body=NewTransfer,
            answer=TransferShown,
            status=201,
            run=transfer,
            **moving,
        ),
        Route(
            method=Method.GET,
            path="/wallets/{customer_id}/movements",
            summary="List what came into a wallet and went out of it",
            permission="wallets:read",
            query=Paging,
            answer=Page[MovementShown],
            run=movements,
            **money,
        ),
    ]
