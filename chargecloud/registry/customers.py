"""Customers: people who charge."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import asdict, frozen
from sqlalchemy import Connection, select

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Decision, Insert
from chargecloud.domain.errors import NotFound
from chargecloud.domain.ledger import Account
from chargecloud.storage.finding import Rows
from chargecloud.storage.once import RequestKey, once
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import customers
from chargecloud.storage.store import Store


@frozen(kw_only=True)
class Customer:
    """
    A person with a wallet.

    @ivar is_guest: whether they are there for one payment alone.
    """

    id: int
    tenant_id: int
    name: str
    created_at: datetime
    phone: str | None = None
    is_guest: bool = False


def _customer(row: Any) -> Customer:
    return Customer(**row._mapping)


def _of(tenant_id: int | None) -> Any:
    found = select(customers)
    return found if tenant_id is None else found.where(customers.c.tenant_id == tenant_id)


_CUSTOMERS = Rows(customers, select(customers))


def find_customer(connection: Connection, tenant_id: int | None, customer_id: int) -> Customer:
    """
    A customer of a tenant, or of any for C{None}.

    @raise NotFound: if there is none.
    """
    row = _CUSTOMERS.first(connection, id=customer_id, tenant_id=tenant_id)
    if row is None:
        raise NotFound(f"there is no customer {customer_id}")
    return _customer(row)


def open_customer(customer: Customer) -> Decision:
    """Write a new customer down, with an empty wallet."""
    opened = [
        Insert(
            "accounts",
            {
                "tenant_id": customer.tenant_id,
                "kind": kind,
                "owner_id": customer.id,
                "balance_fen": 0,
            },
        )
        for kind in sorted(Account.CUSTOMERS)
    ]
    return Decision((Insert("customers", asdict(customer)), *opened))


@frozen
class Customers:
    """The customers of all tenants."""

    store: Store
    calendar: Calendar

    async def create(
        self, request: RequestKey | None, tenant_id: int, name: str, phone: str | None
    ) -> Customer:
        """Make a customer, with an empty wallet."""
        customer = Customer(
            id=self.store.ids.next(),
            tenant_id=tenant_id,
            name=name,
            phone=phone,
            created_at=self.calendar.now(),
        )
        made = await once(self.store, request, customer.id, open_customer(customer))
        return await self.get(tenant_id, made.resource_id)

    async def get(self, tenant_id: int | None, customer_id: int) -> Customer:
        """
        @raise NotFound: if the tenant has no such customer.
        """
        return await self.store.read(
            lambda connection: find_customer(connection, tenant_id, customer_id)
        )

    async def list(
        self, tenant_id: int | None, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[Customer], str | None]:
        """A page of them without guests, and the cursor of the next."""
        known = _of(tenant_id).where(customers.c.is_guest.is_(False))
        return await self.store.read(
            lambda connection: read_page(
                connection, known, customers.c.id, _customer, limit=limit, cursor=cursor
            )
        )
