"""Tenants: operators that share the platform and see nothing of each other."""

from datetime import datetime

from attrs import frozen
from sqlalchemy import Connection, insert, select

from chargecloud.domain.errors import AlreadyExists, Invalid
from chargecloud.storage.schema import tenants
from chargecloud.storage.store import Store


@frozen
class Tenant:
    """An operator."""

    id: int
    name: str
    created_at: datetime


def all_tenants(connection: Connection) -> list[Tenant]:
    """All of them, the oldest first."""
    rows = connection.execute(select(tenants).order_by(tenants.c.id))
    return [Tenant(row.id, row.name, row.created_at) for row in rows]


def create_tenant(connection: Connection, tenant_id: int, name: str, now: datetime) -> Tenant:
    """
    Make a tenant.

    @raise AlreadyExists: if the name is taken.
    """
    if any(tenant.name == name for tenant in all_tenants(connection)):
        raise AlreadyExists(f"there is a tenant {name!r} already")
    connection.execute(insert(tenants).values(id=tenant_id, name=name, created_at=now))
    return Tenant(tenant_id, name, now)


@frozen
class Tenants:
    """
    @ivar store: where they are.
    """

    store: Store

    async def whose(self, caller_tenant_id: int | None, wanted: int | None) -> int:
        """
        The tenant that a request is about.

        @param caller_tenant_id: of the token; C{None} for the platform's administrator,
            who may name any, and need name none where there is just one.
        @raise Invalid: if it cannot be told, or is another's.
        """
        if caller_tenant_id is not None:
            if wanted not in (None, caller_tenant_id):
                raise Invalid("the token is of another tenant", errors=_error("is another's"))
            return caller_tenant_id
        known = [tenant.id for tenant in await self.store.read(all_tenants)]
        if wanted is None and len(known) == 1:
            return known[0]
        if wanted not in known:
            what = "is needed" if wanted is None else "is unknown"
            raise Invalid(f"the tenant_id {what}", errors=_error(what))
        assert wanted is not None
        return wanted


def _error(detail: str) -> list[dict[str, str]]:
    return [{"pointer": "/tenant_id", "detail": detail}]
